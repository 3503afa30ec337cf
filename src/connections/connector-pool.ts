import type { Connector } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { VendorDefinition } from '#connectors/registry.ts'
import type { Database } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { Priority } from '#src/kernel/events.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { addCallCounts } from './call-count-store.ts'
import { type CallLog, type ConnectionGate, createCallGate } from './call-gate.ts'
import { createTally } from './call-tally.ts'
import type { Connection, Usage } from './connection.ts'
import type { ConnectionStanding } from './connection-standing-use-cases.ts'
import { readSecrets, updateUsage } from './connection-store.ts'
import { SealBroken, type SecretBox } from './secret-box.ts'

export interface ConnectorPool {
  /**
   * The connector of a connection, made once per revision of its credentials. Pass the connection as it was just read:
   * its standing and usage rule what the connector may do from then on.
   * @throws ConnectorFault `unauthorised` when the stored credentials cannot be used
   */
  connectorFor(connection: Connection, priority?: Priority): Promise<Connector>
  /** False while such work would eat up what more urgent work needs. */
  mayRun(connectionId: ConnectionId, priority: Priority): boolean
  /** Writes down what was counted; runs by itself every second. Losing one loses counts only. */
  flush(): Promise<void>
  close(): Promise<void>
}

export interface ConnectorPoolOptions {
  readonly registry: Readonly<Record<string, VendorDefinition>>
  readonly secretBox: SecretBox
  readonly database: Database
  readonly clock: Clock
  readonly logger: CallLog & { warn(fields: object, message: string): void }
  readonly standing: Pick<ConnectionStanding, 'noteIdentity'>
  /** The public address for webhooks of a connection. */
  webhookUrl(id: ConnectionId): string
  readonly concurrency?: number
  readonly flushMs?: number
}

const actor = systemActor('connector pool')
const waitMs = 10_000
const callMs = 30_000
const verifyMs = 15_000

interface Entry {
  readonly credentialsRevision: number
  readonly gate: ConnectionGate
  readonly connector: Promise<Connector>
}

export function createConnectorPool(options: ConnectorPoolOptions): ConnectorPool {
  const { database, logger } = options
  const entries = new Map<ConnectionId, Entry>()
  const tallies = new Map<ConnectionId, ReturnType<typeof createTally>>()
  const usages = new Map<ConnectionId, Usage>()
  const closing = new Set<Promise<void>>()
  let flushing: Promise<void> = Promise.resolve()
  const timer = setInterval(() => void flush(), options.flushMs ?? 1_000)
  timer.unref()

  function open(connection: Connection): Entry {
    const { id, credentialsRevision } = connection
    const tally = tallies.get(id) ?? createTally()
    tallies.set(id, tally)
    const gate = createCallGate({
      connectionId: id,
      clock: options.clock,
      log: logger,
      usage: connection.usage,
      concurrency: options.concurrency ?? 5,
      waitMs,
      callMs,
      onCall: (label, at) => tally.count(label, 'live', at),
      onUsage: (usage) => usages.set(id, usage),
      async verifyOrganisation() {
        const made = await connector
        const identity = await made.probe(AbortSignal.timeout(verifyMs))
        return {
          async confirm() {
            const verdict = await database.transact(actor, (tx) =>
              options.standing.noteIdentity(tx, actor, id, identity),
            )
            if (verdict.kind === 'other_organisation') throw otherOrganisation(verdict.message)
          },
        }
      },
    })
    const connector = create(connection, gate)
    const entry = { credentialsRevision, gate, connector }
    connector.catch(() => {
      if (entries.get(id) === entry) entries.delete(id)
    })
    return entry
  }

  async function create({ id, vendor }: Connection, gate: ConnectionGate): Promise<Connector> {
    const definition = options.registry[vendor]
    const stored = await database.transact(actor, (tx) => readSecrets(tx, id))
    if (!definition || !stored) {
      throw unusable(`There is no connector for ${vendor}`)
    }
    try {
      return definition.create({
        credentials: await options.secretBox.open(id, stored.sealed),
        gate,
        requestTimeoutMs: callMs,
        now: () => options.clock.now(),
        webhookUrl: options.webhookUrl(id),
      })
    } catch (error) {
      if (error instanceof SealBroken) throw unusable(error.message, error)
      throw unusable('The stored credentials are not what the connector needs. Replace them.', error)
    }
  }

  function discard({ connector }: Entry): void {
    const ended = connector
      .then((made) => made.close())
      .catch((error: unknown) => logger.warn({ err: error }, 'closing a connector failed'))
      .finally(() => closing.delete(ended))
    closing.add(ended)
  }

  async function writeCounts(): Promise<void> {
    for (const [id, tally] of tallies) {
      const counts = tally.take()
      const usage = usages.get(id)
      usages.delete(id)
      if (counts.length === 0 && !usage) continue
      try {
        await database.transact(actor, async (tx) => {
          if (counts.length > 0) await addCallCounts(tx, id, counts)
          if (usage) await updateUsage(tx, id, usage)
        })
      } catch (error) {
        logger.warn({ err: error, connectionId: id }, 'counts of calls were lost')
      }
    }
  }

  function flush(): Promise<void> {
    flushing = flushing.then(writeCounts)
    return flushing
  }

  return {
    async connectorFor(connection) {
      const { id, credentialsRevision } = connection
      const known = entries.get(id)
      const isOutdated = known && known.credentialsRevision < credentialsRevision
      const entry = known && !isOutdated ? known : open(connection)
      if (isOutdated) discard(known)
      entries.set(id, entry)
      entry.gate.updateStanding(connection)
      return entry.connector
    },
    mayRun: (connectionId, priority) =>
      priority !== 'bulk' || (entries.get(connectionId)?.gate.leavesRoomForBulk ?? true),
    flush,
    async close() {
      clearInterval(timer)
      for (const entry of entries.values()) discard(entry)
      entries.clear()
      await Promise.all(closing)
      await flush()
    },
  }
}

/** The call would have reached records that our ids do not mean. */
export const otherOrganisation = (message: string): ConnectorFault =>
  new ConnectorFault('unauthorised', message, { code: 'OTHER_ORGANISATION' })

const unusable = (message: string, cause?: unknown): ConnectorFault =>
  new ConnectorFault('unauthorised', message, { code: 'CREDENTIALS_UNUSABLE' }, { cause })
