import type { ConnectionIdentity } from '#connectors/connector.ts'
import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { canonicalJson } from '#src/kernel/canonical-json.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { NotFound } from '#src/kernel/errors.ts'
import type { EventBus } from '#src/kernel/events.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import {
  activeStanding,
  type Connection,
  isNews,
  type PauseRequest,
  pause,
  type Standing,
  standingAt,
} from './connection.ts'
import {
  type Identity,
  lockConnection,
  updateIdentity,
  updateStanding,
  workingConnections,
} from './connection-store.ts'

export interface StandingDeps {
  readonly events: EventBus<Tx>
  readonly clock: Clock
}

/** `pinned`: seen for the first time, and from now on the only one that we work with. */
export type IdentityVerdict =
  | { readonly kind: 'pinned' | 'known' }
  | { readonly kind: 'other_organisation'; readonly message: string }
/** Who answered; some CRMs also say where their records can be seen and which currency they count in. */
export type StatedIdentity = Pick<ConnectionIdentity, 'organisationId' | 'userId' | 'multiCurrency'> & {
  readonly instanceUrl?: string | null
  readonly homeCurrency?: string | null
}

export type ConnectionStanding = ReturnType<typeof createConnectionStanding>

/** May a connection work? Asked and told by the sync engine, by the gate and by people. */
export function createConnectionStanding({ events, clock }: StandingDeps) {
  async function change(tx: Tx, actor: Actor, connection: Connection, next: Standing): Promise<void> {
    await updateStanding(tx, connection.id, next)
    await recordAudit(tx, actor, [
      {
        action: next.status === 'active' ? 'connection.resumed' : 'connection.paused',
        subject: subjectOf(connection.id),
        before: standingOf(connection),
        after: standingOf(next),
        reason: next.pauseReason,
      },
    ])
    if (!isNews(connection, next, clock.now())) return
    await events.publish(tx, actor, [
      {
        type: 'notification',
        kind: 'connection_paused',
        partnerId: null,
        subject: subjectOf(connection.id),
        data: {
          name: connection.name,
          reason: next.pauseReason,
          until: next.pausedUntil?.toISOString() ?? null,
        },
      },
    ])
  }

  async function pauseConnection(
    tx: Tx,
    actor: Actor,
    id: ConnectionId,
    request: PauseRequest,
  ): Promise<Connection> {
    const connection = await lockOrThrow(tx, id)
    const next = pause(connection, request, clock.now())
    if (!next) return connection
    await change(tx, actor, connection, next)
    return { ...connection, ...next }
  }

  return {
    /** Those that may work now, by the database's clock. */
    activeConnections: (tx: Tx): Promise<readonly Connection[]> => workingConnections(tx),

    /** A weaker pause than the present one changes nothing. People are told when the connection stops, not again and again. */
    pauseConnection,

    /** Lets a connection work again at once. A person's way is the check's `resume`, which asks the CRM first if need be. */
    async resume(tx: Tx, actor: Actor, id: ConnectionId): Promise<Connection> {
      const connection = await lockOrThrow(tx, id)
      if (standingAt(connection, clock.now()).status !== 'active') {
        await change(tx, actor, connection, activeStanding)
      }
      return { ...connection, ...activeStanding }
    },

    /**
     * Takes note of who answered. The first organisation is pinned. Another one stops the connection: the ids that we
     * keep would mean other records there.
     */
    async noteIdentity(
      tx: Tx,
      actor: Actor,
      id: ConnectionId,
      stated: StatedIdentity,
    ): Promise<IdentityVerdict> {
      const connection = await lockOrThrow(tx, id)
      const pinned = connection.organisationId
      if (pinned !== null && pinned !== stated.organisationId) {
        const message = `The credentials lead to organisation ${stated.organisationId}, but this connection belongs to ${pinned}. Replace the credentials, or make a new connection for the other organisation.`
        await pauseConnection(tx, actor, id, { until: null, reason: message, attention: true })
        return { kind: 'other_organisation', message }
      }
      const before = identityOf(connection)
      const after: Identity = {
        organisationId: stated.organisationId,
        remoteUserId: stated.userId,
        instanceUrl: stated.instanceUrl ?? connection.instanceUrl,
        multiCurrency: stated.multiCurrency,
        // What a person set stands.
        homeCurrency: connection.homeCurrency ?? stated.homeCurrency ?? null,
      }
      if (canonicalJson(before) !== canonicalJson(after)) {
        await updateIdentity(tx, id, after)
        await recordAudit(tx, actor, [
          { action: 'connection.identified', subject: subjectOf(id), before, after },
        ])
      }
      return { kind: pinned === null ? 'pinned' : 'known' }
    },
  }
}

const identityOf = ({
  organisationId,
  remoteUserId,
  instanceUrl,
  multiCurrency,
  homeCurrency,
}: Connection): Identity => ({ organisationId, remoteUserId, instanceUrl, multiCurrency, homeCurrency })

export const subjectOf = (id: ConnectionId) => ({ kind: 'connection', id }) as const

const standingOf = ({ status, pausedUntil, pauseReason }: Standing) => ({ status, pausedUntil, pauseReason })

export async function lockOrThrow(tx: Tx, id: ConnectionId): Promise<Connection> {
  const connection = await lockConnection(tx, id)
  if (!connection) throw new NotFound('The connection')
  return connection
}
