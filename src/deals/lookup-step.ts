import type { Tx } from '#src/database/database.ts'
import { NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import type { DealId, ProgrammeId } from '#src/kernel/ids.ts'
import type { Programme } from '#src/partners/programme.ts'
import type { Deal } from './deal.ts'
import { commandsIn, type DealCommand, type DealStatus, nextStatus } from './deal-status.ts'
import { findDeals, lockDeals } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'

const what = 'The deal registration'

/** @throws NotFound, also for a deal of another partner */
export async function getDeal(tx: Tx, dealId: DealId): Promise<Deal> {
  const deal = (await findDeals(tx, [dealId])).get(dealId)
  if (!deal) throw new NotFound(what)
  return deal
}

/**
 * The deal, locked until the transaction ends.
 * @throws NotFound, also for a deal of another partner; Stale when it has another revision than the caller read
 */
export async function lockDeal(tx: Tx, dealId: DealId, expectedRevision: number | null): Promise<Deal> {
  const deal = (await lockDeals(tx, [dealId])).get(dealId)
  if (!deal) throw new NotFound(what)
  if (expectedRevision !== null && deal.revision !== expectedRevision) throw new Stale()
  return deal
}

/** @throws Refused `wrong_status` naming what the status permits */
export function requireNext(deal: Deal, command: DealCommand): DealStatus {
  const next = nextStatus(deal.status, command)
  if (next.ok) return next.value
  const possible = commandsIn(deal.status)
  throw new Refused(
    'wrong_status',
    `A registration that is ${deal.status.replace('_', ' ')} does not permit "${command.replace('_', ' ')}"; possible: ${
      possible.length > 0 ? possible.join(', ').replaceAll('_', ' ') : 'a new attempt only'
    }`,
  )
}

/** @throws NotFound */
export async function getProgramme(deps: DealDeps, tx: Tx, id: ProgrammeId): Promise<Programme> {
  const programme = (await deps.partners.findProgrammes(tx, [id])).get(id)
  if (!programme) throw new NotFound('The programme')
  return programme
}

/** Programmes of these deals. Every deal has one, so a missing one is a fault of ours. */
export async function programmesOf(
  deps: DealDeps,
  tx: Tx,
  deals: readonly Deal[],
): Promise<(deal: Deal) => Programme> {
  const ids = [...new Set(deals.map(({ programmeId }) => programmeId))]
  const found = await deps.partners.findProgrammes(tx, ids)
  return (deal) => {
    const programme = found.get(deal.programmeId)
    if (!programme) throw new Error(`Programme ${deal.programmeId} of deal ${deal.number} is missing`)
    return programme
  }
}
