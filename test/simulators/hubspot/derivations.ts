/** What the portal works out by itself from the properties of a record. */
import type { Pipeline, Portal, Stage } from './portal.ts'
import { formatInstant, type Row } from './schema.ts'
import type { Table } from './tables.ts'

type Properties = Readonly<Record<string, string>>

export function findStage(
  portal: Portal,
  object: string,
  stageId: string,
): { readonly pipeline: Pipeline; readonly stage: Stage } | undefined {
  for (const pipeline of portal.pipelines.get(object) ?? []) {
    const stage = pipeline.stages.find(({ id }) => id === stageId)
    if (stage !== undefined) return { pipeline, stage }
  }
  return undefined
}

/** As an amount is written: the shortest text of the number. */
const writeAmount = (amount: number) => String(Number(amount.toFixed(6)))

/** Won, lost, or null while a deal is open. */
function outcomeOf(portal: Portal, properties: Properties): 'won' | 'lost' | null {
  const stage = findStage(portal, 'deals', properties['dealstage'] ?? '')?.stage
  if (stage?.closed !== true) return null
  return stage.probability === 1 ? 'won' : 'lost'
}

/** A deal that moves to won or lost is closed now, unless the same write says when. */
function deriveDeal(portal: Portal, next: Properties, previous: Row | null, written: Properties): Properties {
  const found = findStage(portal, 'deals', next['dealstage'] ?? '')
  const closed = found?.stage.closed === true
  const probability = found?.stage.probability
  const [home = ''] = portal.currencies.keys()
  const currency = next['deal_currency_code'] ?? home
  const amount = next['amount'] === undefined ? null : Number(next['amount'])
  const atHome = amount === null ? null : amount * (portal.currencies.get(currency) ?? 1)
  const justClosed =
    closed && previous !== null && outcomeOf(portal, previous.properties) !== outcomeOf(portal, next)
  return {
    deal_currency_code: currency,
    hs_is_closed: String(closed),
    hs_is_closed_won: String(closed && probability === 1),
    hs_is_closed_lost: String(closed && probability === 0),
    hs_deal_stage_probability: probability === undefined ? '' : String(probability),
    amount_in_home_currency: atHome === null ? '' : writeAmount(atHome),
    hs_projected_amount:
      amount === null || probability === undefined ? '' : writeAmount(amount * probability),
    hs_closed_amount: closed && probability === 1 && amount !== null ? writeAmount(amount) : '0',
    ...(justClosed && written['closedate'] === undefined ? { closedate: formatInstant(portal.now()) } : {}),
  }
}

/** Counts and pointers that follow from a record's associations; `''` where there is nothing to say. */
export function deriveFromAssociations(portal: Portal, table: Table, id: string): Properties {
  const { associations } = portal
  const linked = (to: string) => associations.read(table.schema.name, id, to)
  const count = (to: string) => String(linked(to).size)
  const primaryCompany = (typeId: number) =>
    [...linked('companies')].find(([, labels]) => labels.has(typeId))?.[0] ?? ''
  switch (table.schema.name) {
    case 'deals':
      return {
        hs_primary_associated_company: primaryCompany(5),
        num_associated_contacts: count('contacts'),
      }
    case 'companies':
      return { num_associated_contacts: count('contacts'), num_associated_deals: count('deals') }
    default:
      return { associatedcompanyid: primaryCompany(1) }
  }
}

export function derive(
  portal: Portal,
  table: Table,
  next: Properties,
  previous: Row | null,
  written: Properties,
): Properties {
  return table.schema.name === 'deals' ? deriveDeal(portal, next, previous, written) : {}
}
