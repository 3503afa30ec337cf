import type { InboundRequest } from '#connectors/connector.ts'
import type { Tx } from '#src/database/database.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { type Engine, type SyncConnection, syncActor } from '../ground/engine.ts'
import { recordHints } from '../memory/hint-store.ts'
import { hintsBell, type Ringer } from './drains.ts'

export interface PushDeps {
  readonly engine: Pick<Engine, 'database' | 'connectors' | 'logger'>
  /** Working or not. */
  findConnection(tx: Tx, id: ConnectionId): Promise<SyncConnection | null>
  /** The public address that the CRM was given, whatever a proxy made of it. */
  webhookUrl(id: ConnectionId): string
  readonly bell: Ringer
  readonly clock: Clock
}

export interface Delivery extends Pick<InboundRequest, 'method' | 'headers' | 'body'> {
  readonly connectionId: ConnectionId | null
  /** What follows the path, with its question mark. */
  readonly search: string
}

export type DeliveryAnswer =
  | {
      readonly kind: 'accepted'
      readonly status: number
      readonly contentType: string
      readonly body: string
    }
  | { readonly kind: 'refused'; readonly status: number }

export type PushOutcome = 'accepted' | 'refused' | 'unknown_connection'

/** What a stranger is told, whether the connection is there, takes webhooks, or did not know the signature. */
const strangerStatus = 401
const saysTooMuch: ReadonlySet<number> = new Set([403, 404])

export type PushUseCases = ReturnType<typeof createPushUseCases>

/**
 * Webhooks of CRMs: the connector checks the raw bytes, what they tell of is written down, and the answer goes out.
 * No CRM is called; reading follows at our own pace.
 */
export function createPushUseCases({ engine, findConnection, webhookUrl, bell, clock }: PushDeps) {
  const outcomes = new Map<PushOutcome, number>()
  const count = (outcome: PushOutcome) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)

  return {
    /** @throws ConnectorFault when the stored credentials cannot be used, so that the CRM delivers again */
    async receive({ connectionId, search, ...request }: Delivery): Promise<DeliveryAnswer> {
      const id = connectionId
      const connection = id && (await engine.database.transact(syncActor, (tx) => findConnection(tx, id)))
      const connector = connection && (await engine.connectors.connectorFor(connection))
      if (!connection || !connector?.traits.push.webhook) {
        count('unknown_connection')
        return { kind: 'refused', status: strangerStatus }
      }
      const url = `${webhookUrl(connection.id)}${search}`
      const received = connector.receive({ ...request, url, receivedAt: clock.now() })
      count(received.kind)
      if (received.kind === 'refused') {
        const { status, reason } = received
        engine.logger.warn({ connection: connection.name, status, reason }, 'a webhook was refused')
        return { kind: 'refused', status: saysTooMuch.has(status) ? strangerStatus : status }
      }
      const told = await engine.database.transact(syncActor, (tx) =>
        recordHints(tx, connection, received.hints),
      )
      if (told > 0) bell.ring(hintsBell)
      return { kind: 'accepted', ...received.reply }
    },

    /** Deliveries to this process since it started. */
    deliveries: (): readonly { readonly outcome: PushOutcome; readonly count: number }[] =>
      [...outcomes].map(([outcome, count]) => ({ outcome, count })),
  }
}
