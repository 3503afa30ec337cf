import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { DealUseCases } from '#src/deals/deal-use-cases.ts'
import type { DealRouting } from '#src/deals/routing-facts.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput, NotFound, Stale } from '#src/kernel/errors.ts'
import type { ConnectionId, DealId } from '#src/kernel/ids.ts'
import { checkRouting, chooseConnection, type Routing, type RoutingInput } from '../memory/routing.ts'
import { defaultConnection, readRouting, writeRouting } from '../memory/routing-store.ts'

export interface RoutingDeps {
  /** Every connection, working or not. */
  connectionIds(tx: Tx): Promise<readonly ConnectionId[]>
  /** Where deals go: to the connection that is preferred, if any is, else to the oldest; null while there is none. */
  homeOfDeals(tx: Tx, preferred?: typeof defaultConnection): Promise<ConnectionId | null>
}

/** Where one deal would go. */
export interface RoutedSample {
  readonly dealId: DealId
  readonly number: string
  readonly companyName: string
  /** Where it goes now; fixed once it is approved. */
  readonly connectionId: ConnectionId | null
  readonly wouldGoTo: ConnectionId | null
  /** Place of the rule that decides; null: the default. */
  readonly rule: number | null
}

export type RoutingUseCases = ReturnType<typeof createRoutingUseCases>

/** The routing of deals to connections: read, set, tried, and asked by whoever approves. */
export function createRoutingUseCases(deps: RoutingDeps) {
  const fallbackOf = async (tx: Tx, { defaultConnectionId }: Pick<RoutingInput, 'defaultConnectionId'>) =>
    defaultConnectionId ?? deps.homeOfDeals(tx)

  async function assertSound(tx: Tx, input: RoutingInput): Promise<void> {
    const issues = checkRouting(input, new Set(await deps.connectionIds(tx)))
    if (issues.length > 0) throw new InvalidInput('Deals cannot be routed like this', issues)
  }

  return {
    get: readRouting,

    /** @throws NotFound */
    async assertConnection(tx: Tx, id: ConnectionId): Promise<void> {
      if (!(await deps.connectionIds(tx)).includes(id)) throw new NotFound('The connection')
    },

    /** Where deals go that are fixed to no connection; null while there is none. Whoever asks. */
    homeByDefault: (tx: Tx): Promise<ConnectionId | null> =>
      asSystem(tx, (system) => deps.homeOfDeals(system, defaultConnection)),

    /** How deals get their connection, for the capability that approves them. Whoever asks. */
    routing: (tx: Tx): Promise<DealRouting> =>
      asSystem(tx, async (system) => {
        const routing = await readRouting(system)
        const fallback = await fallbackOf(system, routing)
        return {
          fallback,
          choose:
            routing.rules.length === 0
              ? null
              : (facts) => chooseConnection(routing, fallback, facts).connectionId,
        }
      }),

    /**
     * Replaces the whole list. Deals that were approved before stay where they are.
     * @throws InvalidInput naming what is wrong · Stale
     */
    async set(tx: Tx, actor: Actor, input: RoutingInput, expectedRevision: number | null): Promise<Routing> {
      await assertSound(tx, input)
      const before = await readRouting(tx)
      const after = await writeRouting(tx, input, actor.name, expectedRevision ?? before.revision)
      if (!after || (expectedRevision !== null && after.revision !== expectedRevision + 1)) throw new Stale()
      await recordAudit(tx, actor, [
        {
          action: 'sync.routing_changed',
          subject: { kind: 'deal_routing', id: 'deal_routing' },
          before,
          after,
        },
      ])
      return after
    },

    /**
     * Where deals would go by this list, or by the stored one: these deals, or the newest. Nothing is changed.
     * @throws InvalidInput naming what is wrong with the list
     */
    async tryOn(
      tx: Tx,
      deals: Pick<DealUseCases, 'routingFactsOf'>,
      input: RoutingInput | null,
      choice: { readonly ids: readonly DealId[] } | { readonly newest: number },
    ): Promise<readonly RoutedSample[]> {
      if (input) await assertSound(tx, input)
      const routing = input ?? (await readRouting(tx))
      const fallback = await fallbackOf(tx, routing)
      const routed = await deals.routingFactsOf(tx, choice)
      return routed.map(({ deal, facts }) => {
        const { connectionId, rule } = chooseConnection(routing, fallback, facts)
        return {
          dealId: deal.id,
          number: deal.number,
          companyName: deal.companyName,
          connectionId: deal.crmConnectionId,
          wouldGoTo: connectionId,
          rule,
        }
      })
    },
  }
}
