import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { ConnectionId, DealId, UserId } from '#src/kernel/ids.ts'
import type { Deal } from './deal.ts'
import { findUnlinked } from './deal-due-store.ts'
import { listDeals } from './deal-list-store.ts'
import { wasApproved } from './deal-status.ts'
import { findCrmHomes, findDeals, lockDeals } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'
import { recordChanges } from './journal-step.ts'
import { lockDeal } from './lookup-step.ts'
import { summariseProducts } from './product-summary.ts'
import type { RoutingFacts } from './routing-facts.ts'
import { fixConnections, gatherRoutingFacts } from './routing-step.ts'

const batch = 5_000

export interface RoutedDeal {
  readonly deal: Deal
  readonly facts: RoutingFacts
}

/** Which CRM deals belong to. */
export function createCrmHomeUseCases(deps: DealDeps) {
  /** @returns where those go that have a connection now */
  async function settleHomes(
    tx: Tx,
    actor: Actor,
    ids: readonly DealId[],
  ): Promise<ReadonlyMap<DealId, ConnectionId | null>> {
    const locked = [...(await lockDeals(tx, ids)).values()]
    const fixed = await fixConnections(deps, tx, locked)
    await recordChanges(
      tx,
      actor,
      deps,
      fixed.map((after, index) => ({
        before: locked[index] ?? null,
        after,
        kind: 'routed',
        visibility: 'internal',
        data: { to: after.crmConnectionId },
        announce: false,
      })),
    )
    return new Map(fixed.map(({ id, crmConnectionId }) => [id, crmConnectionId]))
  }

  return {
    /** E-mail addresses of those who decide these deals, by their id. */
    async responsiblesOf(
      tx: Tx,
      deals: readonly Pick<Deal, 'deciderId'>[],
    ): Promise<ReadonlyMap<string, string>> {
      const ids = [...new Set(deals.flatMap(({ deciderId }) => deciderId ?? []))] as UserId[]
      if (ids.length === 0) return new Map()
      const users = await deps.partners.findUsers(tx, ids)
      return new Map([...users.values()].map(({ id, email }) => [id, email]))
    },

    /** What these deals are about, in words, by their id; those without products are left out. One query for all. */
    async productSummariesOf(tx: Tx, deals: readonly Deal[]): Promise<ReadonlyMap<string, string>> {
      const ids = new Set(deals.flatMap(({ products }) => products.map(({ productId }) => productId)))
      if (ids.size === 0) return new Map()
      const products = await deps.products.findProducts(tx, [...ids])
      return new Map(
        deals.flatMap((deal) => {
          const summary = summariseProducts(deal, (id) => products.get(id)?.name ?? id)
          return summary === null ? [] : [[deal.id, summary] as const]
        }),
      )
    },

    /** The connection that was fixed at approval; null before. */
    crmHomesOf: findCrmHomes,

    /**
     * A CRM was connected: registrations that were approved before it was there are announced again, at bulk priority.
     * Those that found no connection at all when they were approved go where the routing says now.
     * @returns how many
     */
    async offerToCrm(tx: Tx, actor: Actor): Promise<number> {
      let count = 0
      for (let after: DealId | null = null; ; ) {
        const ids: DealId[] = await findUnlinked(tx, after, batch)
        const homes = await findCrmHomes(tx, ids)
        const settled = await settleHomes(
          tx,
          actor,
          ids.filter((id) => homes.get(id) === null),
        )
        await deps.events.publish(
          tx,
          actor,
          ids.map((id) => ({
            type: 'record_changed',
            entity: 'deal',
            id,
            connectionId: settled.get(id) ?? homes.get(id) ?? null,
            priority: 'bulk',
          })),
        )
        count += ids.length
        after = ids.at(-1) ?? null
        if (ids.length < batch) return count
      }
    },

    /** What routing rules may ask of deals: of these, or of the newest ones. */
    async routingFactsOf(
      tx: Tx,
      choice: { readonly ids: readonly DealId[] } | { readonly newest: number },
    ): Promise<readonly RoutedDeal[]> {
      const deals =
        'ids' in choice
          ? [...(await findDeals(tx, choice.ids)).values()]
          : (await listDeals(tx, {}, { sort: '-createdAt', limit: choice.newest, after: null })).slice(
              0,
              choice.newest,
            )
      const facts = await gatherRoutingFacts(deps, tx, deals)
      return deals.flatMap((deal, index) => {
        const known = facts[index]
        return known ? [{ deal, facts: known }] : []
      })
    },

    /**
     * Gives an approved registration to another CRM. What stands in the one before is the sync engine's to settle, in the
     * same unit of work.
     * @throws NotFound · Stale · Refused `not_approved`, `already_there`
     */
    async moveToConnection(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      { connectionId, reason }: { readonly connectionId: ConnectionId; readonly reason: string },
    ): Promise<{ readonly before: Deal; readonly after: Deal }> {
      const before = await lockDeal(tx, dealId, expectedRevision)
      if (!wasApproved(before.status)) {
        throw new Refused('not_approved', 'A registration gets its connection when it is approved')
      }
      if (before.crmConnectionId === connectionId) {
        throw new Refused('already_there', 'The deal goes to this connection already')
      }
      const [after] = await recordChanges(tx, actor, deps, [
        {
          before,
          after: {
            ...before,
            crmState: 'pending',
            crmConnectionId: connectionId,
            crmRemoteId: null,
            crmUrl: null,
          },
          kind: 'rerouted',
          reason,
          visibility: 'internal',
          data: { from: before.crmConnectionId, to: connectionId, reason },
          announce: false,
        },
      ])
      return { before, after: after ?? before }
    },
  }
}
