import type { Connector } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { type Engine, type SyncConnection, syncActor } from '../ground/engine.ts'
import { backOffMs } from '../ground/fault-policy.ts'
import { listenCursor, noteTrouble, recordHints, saveListenCursor } from '../memory/hint-store.ts'
import { wantPolls } from '../memory/mirror-store.ts'
import {
  assertLease,
  giveBackLease,
  type Lease,
  LeaseLost,
  renewLease,
  takeLease,
} from '../memory/slot-store.ts'
import { hintsBell, pollBell, type Ringer } from './drains.ts'
import { stopOn } from './poll.ts'

export interface ListeningOptions {
  /** How often it is looked for connections to hold, and whether those that are held still may be. */
  readonly lookMs?: number
  readonly renewMs?: number
}

/** Faults that mean the same for every call of the connection; the others only end the channel for a while. */
const concernsAll = (fault: ConnectorFault) => fault.kind === 'throttled' || fault.kind === 'unauthorised'

interface Channel {
  readonly connection: SyncConnection
  readonly objects: readonly string[]
}

interface Held {
  /** What the channel was opened with; another one is opened when it is not so any more. */
  readonly made: string
  readonly stop: AbortController
  readonly ended: Promise<void>
}

/**
 * Holds the push channel of every connection that has one, until `signal` aborts: one worker at a time, by lease. What
 * comes in is written down together with the place to go on from. It only makes news come sooner: polls go on.
 */
export async function holdChannels(
  engine: Engine,
  bell: Ringer,
  signal: AbortSignal,
  { lookMs = 5_000, renewMs = 15_000 }: ListeningOptions = {},
): Promise<void> {
  const held = new Map<ConnectionId, Held>()
  const failures = new Map<ConnectionId, { readonly times: number; readonly until: number }>()

  async function look(): Promise<void> {
    const found = await engine.database.transact(syncActor, async (tx) => {
      const working: Channel[] = []
      for (const connection of await engine.connections.activeConnections(tx)) {
        const mappings = await engine.connections.publishedMappings(tx, connection.id)
        const objects = [...new Set(mappings.map(({ document }) => document.object))].sort()
        working.push({ connection, objects })
      }
      return working
    })
    const wanted = new Map(found.map((channel) => [channel.connection.id, madeOf(channel)]))
    for (const [id, { made, stop }] of held) if (wanted.get(id) !== made) stop.abort()
    for (const channel of found) {
      const { id } = channel.connection
      const failed = failures.get(id)
      if (held.has(id) || (failed && performance.now() < failed.until)) continue
      const stop = new AbortController()
      const ended = hold(channel, AbortSignal.any([signal, stop.signal])).finally(() => held.delete(id))
      held.set(id, { made: madeOf(channel), stop, ended })
    }
  }

  async function hold(channel: Channel, until: AbortSignal): Promise<void> {
    const { connection } = channel
    try {
      if (await listenTo(engine, bell, channel, until, renewMs)) failures.delete(connection.id)
    } catch (error) {
      if (until.aborted || error instanceof LeaseLost) return
      const times = failures.get(connection.id)?.times ?? 0
      const pauseMs = backOffMs(times, engine.random())
      failures.set(connection.id, { times: times + 1, until: performance.now() + pauseMs })
      await report(connection, error).catch((err: unknown) =>
        engine.logger.error({ err, connection: connection.name }, 'the end of a push channel was not noted'),
      )
    }
  }

  async function report(connection: SyncConnection, error: unknown): Promise<void> {
    engine.logger.warn({ err: error, connection: connection.name }, 'a push channel ended')
    const reason = error instanceof ConnectorFault ? `${error.details.code}: ${error.message}` : 'failed'
    await engine.database.transact(syncActor, (tx) => noteTrouble(tx, connection.id, reason))
    if (error instanceof ConnectorFault && concernsAll(error)) await stopOn(engine, connection, [], error)
  }

  while (!signal.aborted) {
    await look().catch((err: unknown) =>
      engine.logger.warn({ err }, 'push channels could not be looked after'),
    )
    await rest(lookMs, signal)
  }
  await Promise.all([...held.values()].map(({ ended }) => ended))
}

/** New credentials and other objects open the channel anew. */
const madeOf = ({ connection, objects }: Channel): string =>
  JSON.stringify([connection.credentialsRevision, ...objects])

function rest(forMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, signal.aborted ? 0 : forMs)
    signal.addEventListener('abort', end)
  })
}

/** @returns whether it was ours to hold, and anything came */
async function listenTo(
  engine: Engine,
  bell: Ringer,
  { connection, objects }: Channel,
  signal: AbortSignal,
  renewMs: number,
): Promise<boolean> {
  const connector = await engine.connectors.connectorFor(connection)
  if (!connector.listen || !connector.traits.push.listen || objects.length === 0) return false
  const lease = await takeLease(engine.database, connection.id, 'listen')
  if (!lease) return false
  const lost = new AbortController()
  const renewal = setInterval(() => {
    renewLease(engine.database, lease).catch((error: unknown) => lost.abort(error))
  }, renewMs)
  renewal.unref()
  try {
    return await takeDown(
      engine,
      bell,
      lease,
      connection,
      connector,
      objects,
      AbortSignal.any([signal, lost.signal]),
    )
  } catch (error) {
    throw lost.signal.aborted ? lost.signal.reason : error
  } finally {
    clearInterval(renewal)
    await giveBackLease(engine.database, lease)
  }
}

async function takeDown(
  { database }: Engine,
  bell: Ringer,
  lease: Lease,
  connection: SyncConnection,
  connector: Connector,
  objects: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const { id } = connection
  const cursor = await database.transact(syncActor, (tx) => listenCursor(tx, id))
  let heard = false
  for await (const page of connector.listen?.(objects, cursor, signal) ?? []) {
    const told = await database.transact(syncActor, async (tx) => {
      await assertLease(tx, lease)
      await wantPolls(tx, id, page.missed)
      await saveListenCursor(tx, id, page.cursor)
      return recordHints(tx, connection, page.hints)
    })
    heard = true
    if (told > 0) bell.ring(hintsBell)
    if (page.missed.length > 0) bell.ring(pollBell)
  }
  return heard
}
