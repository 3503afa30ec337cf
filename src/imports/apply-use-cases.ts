import type { CustomerUseCases } from '#src/customers/customer-use-cases.ts'
import type { Tx } from '#src/database/database.ts'
import type { DealImportRow } from '#src/deals/deal-import.ts'
import type { DealUseCases } from '#src/deals/deal-use-cases.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import type { RowResult } from '#src/kernel/import-row.ts'
import { identifyPartners } from '#src/partners/partner-lookup-use-cases.ts'
import type { PartnerUseCases } from '#src/partners/partner-use-cases.ts'
import { identifyProducts } from '#src/products/product-lookup-use-cases.ts'
import { readCustomerRow } from './customer-rows.ts'
import { type DealNames, readDealRow } from './deal-rows.ts'
import type { CellIssue, ImportKind, RowVerdict, StoredRow } from './import.ts'
import { toCellIssue } from './issue-columns.ts'
import type { KnownProgramme } from './known-names.ts'
import { readPartnerRow } from './partner-rows.ts'

export interface ApplyDeps {
  readonly clock: Clock
  readonly partners: Pick<PartnerUseCases, 'upsertPartners' | 'listProgrammes' | 'listTiers'>
  readonly customers: Pick<CustomerUseCases, 'upsertCustomers'>
  readonly deals: Pick<DealUseCases, 'importDeals'>
}

/**
 * Applies rows of one kind within the caller's unit of work.
 * @param source where the file comes from, for the provenance of registrations
 * @returns one verdict per row, in no order
 */
export type ApplyRows = (
  tx: Tx,
  actor: Actor,
  rows: readonly StoredRow[],
  source: string,
) => Promise<readonly RowVerdict[]>

const mostProgrammes = 1_000

/** Cells on one side, the capabilities' own bulk use-cases on the other; each kind is one function. */
export function createAppliers(deps: ApplyDeps): Readonly<Record<ImportKind, ApplyRows>> {
  async function programmesOf(tx: Tx, actor: Actor, withTiers: boolean): Promise<KnownProgramme[]> {
    const position = { limit: mostProgrammes, sort: 'name', after: null } as const
    const programmes: KnownProgramme[] = []
    for (const { id, name, timeZone } of await deps.partners.listProgrammes(tx, actor, position)) {
      const tiers = withTiers ? await deps.partners.listTiers(tx, actor, id) : []
      programmes.push({ id, name, timeZone, tiers })
    }
    return programmes
  }

  return {
    async partners(tx, actor, rows) {
      const programmes = await programmesOf(tx, actor, true)
      const readings = rows.map((row) => ({ line: row.line, ...readPartnerRow(row, programmes) }))
      return settle('partners', readings, (good) => deps.partners.upsertPartners(tx, actor, good))
    },

    async customers(tx, actor, rows) {
      const readings = rows.map((row) => ({ line: row.line, ...readCustomerRow(row) }))
      return settle('customers', readings, (good) => deps.customers.upsertCustomers(tx, actor, good))
    },

    async deals(tx, actor, rows, source) {
      const names = await namesOf(tx, actor, rows)
      const now = deps.clock.now()
      const readings = rows.map((row) => ({ line: row.line, ...readDealRow(row, names, now) }))
      const verdicts: RowVerdict[] = []
      // One call per place that rows were recorded at: a file mostly has one.
      for (const group of Map.groupBy(readings, (reading) => reading.source ?? source)) {
        const [recordedAt, ofOnePlace] = group
        const apply = async (good: readonly (DealImportRow | null)[]) => {
          const deals = good.filter((row) => row !== null)
          const results = await deps.deals.importDeals(tx, actor, deals, {
            source: recordedAt,
            priority: 'bulk',
          })
          return results.map(({ status, issues }) => ({ outcome: status, issues }))
        }
        verdicts.push(...(await settle('deals', ofOnePlace, apply)))
      }
      return verdicts
    },
  }

  async function namesOf(tx: Tx, actor: Actor, rows: readonly StoredRow[]): Promise<DealNames> {
    const distinct = (column: string, split?: string) => [
      ...new Set(
        rows.flatMap(({ cells }) => {
          const cell = cells.get(column)
          if (cell === undefined) return []
          return split ? cell.split(split).map((part) => part.trim()) : [cell]
        }),
      ),
    ]
    return {
      programmes: await programmesOf(tx, actor, false),
      partners: await identifyPartners(tx, distinct('partner')),
      products: await identifyProducts(tx, distinct('products', '|')),
    }
  }
}

interface Reading<Row> {
  readonly line: number
  readonly row: Row
  readonly issues: readonly CellIssue[]
}

/** Rows whose cells could be read go in; the others are told apart from them. */
async function settle<Row>(
  kind: ImportKind,
  readings: readonly Reading<Row>[],
  apply: (
    rows: readonly Row[],
  ) => Promise<readonly { readonly outcome: RowResult['outcome']; readonly issues: readonly FieldIssue[] }[]>,
): Promise<RowVerdict[]> {
  const good = readings.filter(({ issues }) => issues.length === 0)
  const results = good.length > 0 ? await apply(good.map(({ row }) => row)) : []
  return [
    ...readings
      .filter(({ issues }) => issues.length > 0)
      .map(({ line, issues }): RowVerdict => ({ line, outcome: 'invalid', issues })),
    ...good.map(({ line }, index): RowVerdict => {
      const result = results[index]
      if (!result) throw new Error(`The row of line ${line} came back without a result`)
      return { line, outcome: result.outcome, issues: result.issues.map((one) => toCellIssue(kind, one)) }
    }),
  ]
}
