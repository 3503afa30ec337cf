import { openDatabase } from '#src/database/database.ts'
import { verifyLedger } from '#src/ledger/proof-store.ts'
import { proveOpportunities } from './crm-proofs.ts'
import { lookInside } from './inside.ts'
import { proveLedger } from './ledger-proofs.ts'
import { insistOnAll } from './patience.ts'
import type { Proof } from './proof.ts'
import type { World } from './world.ts'

/** Compares what is, here and in the CRM, with what should be. Ask only when it is quiet. */
export async function proveAll(world: World): Promise<readonly Proof[]> {
  const deals = await insistOnAll(world.site.admin, '/api/v1/deals')
  const entries = await insistOnAll(world.site.admin, '/api/v1/ledger/entries')
  return [
    { claim: 'Every process that should run does', violations: world.site.complaints() },
    proveDeals(world, deals),
    ...proveOpportunities(world, deals),
    ...proveLedger(world, entries),
    await proveChain(world),
    await proveLinks(world),
    await proveNothingWaits(world),
  ]
}

interface Deal {
  readonly id: string
  readonly number: string
  readonly externalRef: string | null
  readonly status: string
  readonly outcome: string
  readonly amountMinor: string | null
  readonly expectedCloseDate: string | null
}

function proveDeals({ book }: World, deals: readonly Deal[]): Proof {
  const violations: string[] = []
  const byId = new Map(deals.map((deal) => [deal.id, deal]))
  const refs = Map.groupBy(
    deals.filter(({ externalRef }) => externalRef !== null),
    ({ externalRef }) => externalRef,
  )
  for (const [ref, same] of refs) {
    if (same.length > 1) violations.push(`The imported row ${ref} became ${same.length} deals`)
  }
  for (const expected of book.all()) {
    const deal = byId.get(expected.dealId)
    if (!deal) {
      violations.push(`The deal ${expected.dealId} (${expected.companyName}) is lost`)
      continue
    }
    const differ = (what: string, is: unknown, should: unknown) => {
      if (is !== should) violations.push(`${deal.number}: its ${what} is ${is}, and should be ${should}`)
    }
    differ('status', deal.status, expected.status)
    differ('outcome', deal.outcome, expected.outcome)
    differ('amount', deal.amountMinor, String(expected.amountMinor))
    differ('close date', deal.expectedCloseDate, expected.closeDate)
  }
  for (const { id, number, externalRef } of deals) {
    if (!book.find(id))
      violations.push(`${number} (${externalRef ?? 'no ref'}) was never registered by anybody`)
  }
  return {
    claim: `Each of ${book.all().length} registrations and imported rows is one deal, as it should be`,
    violations,
  }
}

async function proveChain({ site }: World): Promise<Proof> {
  const database = openDatabase({ url: site.ownerUrl(), poolSize: 2 })
  try {
    const { fault } = await verifyLedger(database)
    const violations = fault ? [`The ledger is broken at ${fault.journal} ${fault.id}: ${fault.message}`] : []
    return { claim: 'Contents, chain, links and balances of the ledger hold', violations }
  } finally {
    await database.close()
  }
}

async function proveLinks({ site }: World): Promise<Proof> {
  const rows = await lookInside<{ entity: string; recordId: string; state: string; writing: boolean }>(
    site,
    `select entity, record_id, state, writing_at is not null as writing from link
     where state not in ('active', 'retired') or writing_at is not null or remote_id is null`,
  )
  return {
    claim: 'Every link is active, and none is being written',
    violations: rows.map(
      ({ entity, recordId, state, writing }) =>
        `The link of ${entity} ${recordId} is ${state}${writing ? ' and being written' : ''}`,
    ),
  }
}

async function proveNothingWaits({ site }: World): Promise<Proof> {
  const marks = await lookInside<{
    entity: string
    recordId: string
    parkedCode: string | null
    parkedMessage: string | null
  }>(site, 'select entity, record_id, parked_code, parked_message from dirty_mark')
  const reviews = await lookInside<{
    kind: string
    entity: string
    recordId: string | null
    field: string
    message: string
  }>(site, 'select kind, entity, record_id, field, message from review_item where closed_at is null')
  return {
    claim: 'No dirty, parked or review item is left',
    violations: [
      ...marks.map(({ entity, recordId, parkedCode, parkedMessage }) =>
        parkedCode
          ? `The ${entity} ${recordId} is parked: ${parkedCode}, ${parkedMessage}`
          : `The ${entity} ${recordId} is dirty`,
      ),
      ...reviews.map(
        ({ kind, entity, recordId, field, message }) =>
          `A review item waits: ${kind} of ${entity} ${recordId} ${field}: ${message}`,
      ),
    ],
  }
}
