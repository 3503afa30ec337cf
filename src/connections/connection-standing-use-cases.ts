import type { ConnectionIdentity } from '#connectors/connector.ts'
import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
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
import { lockConnection, updateIdentity, updateStanding, workingConnections } from './connection-store.ts'

export interface StandingDeps {
  readonly events: EventBus<Tx>
  readonly clock: Clock
}

/** `pinned`: seen for the first time, and from now on the only one that we work with. */
export type IdentityVerdict = 'pinned' | 'known' | 'other_organisation'
export type StatedIdentity = Pick<ConnectionIdentity, 'organisationId' | 'userId' | 'multiCurrency'>

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

    /** Lets an idle connection work again. One that needs attention is checked first; see `resumeConnection`. */
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
      { organisationId, userId, multiCurrency }: StatedIdentity,
    ): Promise<IdentityVerdict> {
      const connection = await lockOrThrow(tx, id)
      const pinned = connection.organisationId
      if (pinned !== null && pinned !== organisationId) {
        const reason = `The credentials lead to organisation ${organisationId}, but this connection belongs to ${pinned}. Replace the credentials, or make a new connection for the other organisation.`
        await pauseConnection(tx, actor, id, { until: null, reason, attention: true })
        return 'other_organisation'
      }
      const isSame = connection.remoteUserId === userId && connection.multiCurrency === multiCurrency
      if (pinned !== null && isSame) return 'known'
      const identity = { organisationId, userId, multiCurrency }
      await updateIdentity(tx, id, identity)
      const { remoteUserId } = connection
      await recordAudit(tx, actor, [
        {
          action: 'connection.identified',
          subject: subjectOf(id),
          before: {
            organisationId: pinned,
            userId: remoteUserId,
            multiCurrency: connection.multiCurrency,
          },
          after: identity,
        },
      ])
      return pinned === null ? 'pinned' : 'known'
    },
  }
}

export const subjectOf = (id: ConnectionId) => ({ kind: 'connection', id }) as const

const standingOf = ({ status, pausedUntil, pauseReason }: Standing) => ({ status, pausedUntil, pauseReason })

export async function lockOrThrow(tx: Tx, id: ConnectionId): Promise<Connection> {
  const connection = await lockConnection(tx, id)
  if (!connection) throw new NotFound('The connection')
  return connection
}
