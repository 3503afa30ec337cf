import { compileMapping, type Mapping, toLocal } from '#mappings/apply.ts'
import { remotesOf } from '#mappings/document.ts'
import { mappingContext } from '#src/connections/references.ts'
import type { Tx } from '#src/database/database.ts'
import { type FieldValue, isMoneyValue } from '#src/kernel/field-value.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { parseDecimal } from '#src/kernel/money.ts'
import type { SyncConnection } from '../ground/engine.ts'
import { usesField } from '../ground/workspace.ts'
import { linksToRemotes } from '../memory/link-store.ts'
import { leftProposals } from '../memory/review-list-store.ts'
import type { OperationDeps } from '../operations/operation-deps.ts'
import { dealEntity } from '../records/intake.ts'
import { kindOfChange, kindOfUnregistered, type Leak, type LeakKind, sortLeaks } from './leak.ts'
import {
  changedOpportunities,
  type OpportunitySource,
  type SeenOpportunity,
  unregisteredOpportunities,
} from './leak-store.ts'

export interface LeakFilter {
  readonly connectionId?: ConnectionId | undefined
  readonly kind?: LeakKind | undefined
  /** Whom the opportunity names, or whose registration it is. */
  readonly partnerId?: string | undefined
  readonly currency?: string | undefined
  readonly closesFrom?: string | undefined
  readonly closesTo?: string | undefined
}

export interface LeakReport {
  /** Sorted; at most so many as one report holds. */
  readonly leaks: readonly Leak[]
  /** There are more than one report holds: narrow it. */
  readonly truncated: boolean
}

export interface LeakDeps extends Pick<OperationDeps, 'engine' | 'connectionOf' | 'recordUrl'> {
  /** All connections, working or not. */
  connectionIds(tx: Tx): Promise<readonly ConnectionId[]>
}

const pageSize = 1_000
/** Lines of one report: what a person can still look through, and a process hold. */
export const mostLeaks = 20_000

export type LeakUseCases = ReturnType<typeof createLeakUseCases>

/** What one connection's opportunities are read with. */
interface Reader {
  readonly connection: SyncConnection
  readonly mapping: Mapping
  readonly source: OpportunitySource
  readonly partnerLine: string
}

/** Where partners' business shows in the CRM and not with us, from what was read there last. */
export function createLeakUseCases(deps: LeakDeps) {
  const { engine } = deps

  async function readerOf(tx: Tx, id: ConnectionId): Promise<Reader | null> {
    const connection = await deps.connectionOf(tx, id)
    const published = await engine.connections.publishedMappings(tx, id)
    const resting = (await engine.connections.quarantinedFields(tx, id)).filter(
      ({ entity }) => entity === dealEntity,
    )
    const document = published.find(({ entity }) => entity === dealEntity)?.document
    const accounts = published.find(({ entity }) => entity === 'customer')?.document
    if (!document) return null
    const fields = document.fields.filter(
      (line) => !resting.some(({ remoteField }) => usesField(line, remoteField)),
    )
    const mapping = compileMapping({ ...document, fields })
    const naming = (entity: string) => mapping.lines.find(({ transform }) => transform.refersTo === entity)
    const [customer, partner] = [naming('customer'), naming('partner')]
    if (!customer || !partner) return null
    return {
      connection,
      mapping,
      partnerLine: partner.name,
      source: {
        connectionId: id,
        object: document.object,
        accountObject: accounts?.object ?? '',
        customerField: remotesOf(customer.line)[0],
        partnerField: remotesOf(partner.line)[0],
      },
    }
  }

  async function unregistered(tx: Tx, reader: Reader, take: (leaks: readonly Leak[]) => boolean) {
    const { connection, source } = reader
    for (let after: string | null = null; ; ) {
      const rows = await unregisteredOpportunities(tx, source, after, pageSize)
      const ids = rows.map(({ remoteId }) => remoteId)
      const left = await leftProposals(tx, connection.id, ids)
      const names = await namesOf(tx, reader, rows)
      const leaks = rows.flatMap((row): Leak[] => {
        const partnerId = names.partner(row)[0] ?? null
        const customerId = names.customer(row)[0] ?? null
        const read = readLeak(deps, reader, row)
        const kind = kindOfUnregistered(read.outcome, { customerId, partnerId })
        // A person looked at it and left it direct.
        if (kind === null || (left.has(row.remoteId) && left.get(row.remoteId) === partnerId)) return []
        return [{ ...read, kind, customerId, partnerId }]
      })
      if (!take(leaks) || rows.length < pageSize) return
      after = ids.at(-1) ?? null
    }
  }

  async function changed(tx: Tx, reader: Reader, take: (leaks: readonly Leak[]) => boolean) {
    const { source, partnerLine } = reader
    const entity = engine.entities.get(dealEntity)
    if (!entity) return
    for (let after: string | null = null; ; ) {
      const rows = await changedOpportunities(tx, source, partnerLine, after, pageSize)
      const locals = await entity.load(
        tx,
        rows.map(({ recordId }) => recordId),
      )
      const names = await namesOf(tx, reader, rows)
      const leaks = rows.flatMap((row): Leak[] => {
        const local = locals.get(row.recordId)
        if (!local) return []
        const ours = local.fields[partnerLine] ?? null
        const theirs = names.partner(row)
        const value = row.content[source.partnerField]
        const named = typeof value === 'string' ? value : null
        const kind = kindOfChange({ ours, agreed: row.agreed ?? undefined, named, theirs })
        if (kind === null) return []
        return [
          {
            ...readLeak(deps, reader, row),
            kind,
            customerId: names.customer(row)[0] ?? null,
            partnerId: theirs[0] ?? null,
            dealId: row.recordId,
            registeredPartnerId: textOf(ours),
          },
        ]
      })
      if (!take(leaks) || rows.length < pageSize) return
      after = rows.at(-1)?.remoteId ?? null
    }
  }

  /** With the names of partners, looked up at once. */
  async function withNames(tx: Tx, leaks: readonly Leak[]): Promise<readonly Leak[]> {
    const ids = leaks.flatMap(({ partnerId, registeredPartnerId }) => [
      partnerId ?? [],
      registeredPartnerId ?? [],
    ])
    const partners = await engine.entities.get('partner')?.load(tx, [...new Set(ids.flat())])
    const nameOf = (id: string | null) =>
      id === null ? null : textOf(partners?.get(id)?.fields['name'] ?? null)
    return leaks.map((leak) => ({
      ...leak,
      partnerName: nameOf(leak.partnerId),
      registeredPartnerName: nameOf(leak.registeredPartnerId),
    }))
  }

  return {
    async report(tx: Tx, filter: LeakFilter): Promise<LeakReport> {
      const ids = filter.connectionId ? [filter.connectionId] : await deps.connectionIds(tx)
      const found: Leak[] = []
      const take = (leaks: readonly Leak[]): boolean => {
        found.push(...leaks.filter((leak) => isAsked(leak, filter)))
        return found.length <= mostLeaks
      }
      for (const id of ids) {
        const reader = await readerOf(tx, id)
        if (!reader || found.length > mostLeaks) continue
        await unregistered(tx, reader, take)
        if (found.length <= mostLeaks) await changed(tx, reader, take)
      }
      const leaks = await withNames(tx, sortLeaks(found.slice(0, mostLeaks)))
      return { leaks, truncated: found.length > mostLeaks }
    },
  }
}

const textOf = (value: FieldValue): string | null =>
  typeof value === 'string' && value !== '' ? value : null

function isAsked(leak: Leak, filter: LeakFilter): boolean {
  const { kind, partnerId, currency, closesFrom, closesTo } = filter
  const { closesOn } = leak
  return (
    (kind === undefined || leak.kind === kind) &&
    (partnerId === undefined || leak.partnerId === partnerId || leak.registeredPartnerId === partnerId) &&
    (currency === undefined || leak.currency === currency) &&
    (closesFrom === undefined || (closesOn !== null && closesOn >= closesFrom)) &&
    (closesTo === undefined || (closesOn !== null && closesOn <= closesTo))
  )
}

/** Which records of ours the opportunities name as customer and partner. */
async function namesOf(tx: Tx, { connection, source }: Reader, rows: readonly SeenOpportunity[]) {
  const { customerField, partnerField } = source
  const idIn = ({ content }: SeenOpportunity, field: string) => textOf(String(content[field] ?? ''))
  const ids = rows.flatMap((row) => [idIn(row, customerField) ?? [], idIn(row, partnerField) ?? []].flat())
  const links = ids.length === 0 ? [] : await linksToRemotes(tx, connection.id, [...new Set(ids)])
  const byRemote = Map.groupBy(
    links.filter(({ state }) => state === 'active'),
    ({ entity, remoteId }) => `${entity}:${remoteId}`,
  )
  const named = (entity: string, field: string) => (row: SeenOpportunity) =>
    byRemote.get(`${entity}:${idIn(row, field)}`)?.map(({ recordId }) => recordId) ?? []
  return { customer: named('customer', customerField), partner: named('partner', partnerField) }
}

/** What the mapping makes of the opportunity; its kind and whom it names are told by others. */
function readLeak(
  deps: Pick<OperationDeps, 'recordUrl'>,
  { connection, mapping, source }: Reader,
  { remoteId, content, company }: SeenOpportunity,
): Leak {
  const nobody = { toRemoteId: () => undefined, toLocalId: () => undefined }
  const { values } = toLocal(mapping, content, mappingContext(connection, nobody))
  const amount = values['amount'] ?? null
  const money = isMoneyValue(amount) ? amount : null
  const amountMinor = money && parseDecimal(money.amount, money.currency)
  return {
    kind: 'won_unregistered',
    connectionId: connection.id,
    remoteId,
    url: deps.recordUrl(connection, source.object, remoteId),
    title: textOf(values['title'] ?? null),
    company,
    customerId: null,
    partnerId: null,
    partnerName: null,
    dealId: null,
    registeredPartnerId: null,
    registeredPartnerName: null,
    outcome: textOf(values['outcome'] ?? null),
    closesOn: textOf(values['expectedCloseDate'] ?? null),
    amountMinor,
    currency: amountMinor === null ? null : (money?.currency ?? null),
  }
}
