import type { Connector } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { VendorDefinition } from '#connectors/registry.ts'
import type { Database, Tx } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { Priority } from '#src/kernel/events.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import { limitsOf } from './call-budget.ts'
import { giveBackCalls, takeBlock, throttleAll } from './call-budget-store.ts'
import { addCallCounts } from './call-count-store.ts'
import { type CallLog, type ConnectionGate, createCallGate } from './call-gate.ts'
import { type CallMeter, createCallMeter } from './call-meter.ts'
import { createTally } from './call-tally.ts'
import type { Connection, Usage } from './connection.ts'
import type { ConnectionStanding } from './connection-standing-use-cases.ts'
import { readSecrets, updateUsage } from './connection-store.ts'
import { SealBroken, type SecretBox } from './secret-box.ts'

export interface ConnectorPool {
  /**
   * The connector of a connection, made once per revision of its credentials and urgency of its work: what is less
   * urgent leaves room for what is more. Pass the connection as it was just read: its standing and limits rule what the
   * connector may do from then on.
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
/** Longer than a window of ten seconds, so that the calls of one batch are not torn apart by its end. */
const waitMs = 12_000
const callMs = 30_000
const verifyMs = 15_000

interface Entry {
  readonly credentialsRevision: number
  readonly gate: ConnectionGate
  readonly connector: Promise<Connector>
}

export function createConnectorPool(options: ConnectorPoolOptions): ConnectorPool {
  const { database, logger } = options
  const worker = newId()
  const entries = new Map<string, Entry>()
  const meters = new Map<ConnectionId, CallMeter>()
  const tallies = new Map<ConnectionId, ReturnType<typeof createTally>>()
  const usages = new Map<ConnectionId, Usage>()
  const closing = new Set<Promise<void>>()
  let flushing: Promise<void> = Promise.resolve()
  const timer = setInterval(() => void flush(), options.flushMs ?? 1_000)
  timer.unref()

  function meterOf(connection: Connection): CallMeter {
    const { id, vendor, usage } = connection
    const { ceiling } = options.registry[vendor]?.traits ?? { ceiling: { concurrentCalls: 1, windows: [] } }
    const limits = limitsOf(ceiling, connection)
    const known = meters.get(id)
    known?.setLimits(limits)
    if (known) return known
    const act = <T>(work: (tx: Tx) => Promise<T>) => database.transact(actor, work)
    const meter = createCallMeter({
      worker,
      clock: options.clock,
      limits,
      usage,
      concurrency: options.concurrency ?? 5,
      waitMs,
      shared: {
        async take(ask) {
          const counts = ask.perDay === null ? [] : (tallies.get(id)?.take() ?? [])
          return act(async (tx) => {
            if (counts.length > 0) await addCallCounts(tx, id, counts)
            return takeBlock(tx, id, ask)
          })
        },
        giveBack: (block, unused) => act((tx) => giveBackCalls(tx, block, unused)),
        throttle: (until) =>
          act((tx) => throttleAll(tx, id, until)).catch((error: unknown) =>
            logger.warn(
              { err: error, connectionId: id },
              'other workers were not told that the CRM throttles',
            ),
          ),
      },
    })
    meters.set(id, meter)
    return meter
  }

  function open(connection: Connection, priority: Priority, key: string): Entry {
    const { id, credentialsRevision } = connection
    const tally = tallies.get(id) ?? createTally()
    tallies.set(id, tally)
    const gate = createCallGate({
      connectionId: id,
      clock: options.clock,
      log: logger,
      priority,
      meter: meterOf(connection),
      callMs,
      onCall: (label, at) => tally.count(label, priority, at),
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
      if (entries.get(key) === entry) entries.delete(key)
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
      await meters.get(id)?.settle().catch(unsettled(id))
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

  const unsettled = (connectionId: ConnectionId) => (error: unknown) =>
    logger.warn({ err: error, connectionId }, 'calls that were not made were not given back')

  function flush(): Promise<void> {
    flushing = flushing.then(writeCounts)
    return flushing
  }

  return {
    async connectorFor(connection, priority = 'live') {
      const { id, credentialsRevision } = connection
      const key = `${id} ${priority}`
      const known = entries.get(key)
      const isOutdated = known && known.credentialsRevision < credentialsRevision
      const entry = known && !isOutdated ? known : open(connection, priority, key)
      if (isOutdated) discard(known)
      entries.set(key, entry)
      meterOf(connection)
      entry.gate.updateStanding(connection)
      return entry.connector
    },
    mayRun: (connectionId, priority) => meters.get(connectionId)?.mayRun(priority) ?? true,
    flush,
    async close() {
      clearInterval(timer)
      for (const entry of entries.values()) discard(entry)
      entries.clear()
      await Promise.all(closing)
      await flush()
      for (const [id, meter] of meters) await meter.close().catch(unsettled(id))
    },
  }
}

/** The call would have reached records that our ids do not mean. */
export const otherOrganisation = (message: string): ConnectorFault =>
  new ConnectorFault('unauthorised', message, { code: 'OTHER_ORGANISATION' })

const unusable = (message: string, cause?: unknown): ConnectorFault =>
  new ConnectorFault('unauthorised', message, { code: 'CREDENTIALS_UNUSABLE' }, { cause })
