import type { VendorDefinition } from '#connectors/registry.ts'
import type { MappingDocument } from '#mappings/document.ts'
import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import { refuseTaken } from '#src/database/uniqueness.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { InvalidInput, Refused, Stale } from '#src/kernel/errors.ts'
import type { Priority } from '#src/kernel/events.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import { limitsOf } from './call-budget.ts'
import { budgetStanding } from './call-budget-store.ts'
import { callCountsSince, dropCallCounts } from './call-count-store.ts'
import type { CallTally } from './call-tally.ts'
import {
  activeStanding,
  type Connection,
  type ConnectionInput,
  type ConnectionSettings,
  type Standing,
  standingAt,
  type Usage,
} from './connection.ts'
import { lockOrThrow, subjectOf } from './connection-standing-use-cases.ts'
import {
  insertConnection,
  listConnections,
  readAllSecrets,
  replaceSecrets,
  resealSecret,
  updateSettings,
} from './connection-store.ts'
import { checkCredentials, describeCredentials } from './credentials.ts'
import { getConnection } from './crm-access.ts'
import { insertPublished } from './mapping-store.ts'
import { SealBroken, type SecretBox } from './secret-box.ts'

export interface ConnectionDeps {
  readonly clock: Clock
  readonly registry: Readonly<Record<string, VendorDefinition>>
  readonly secretBox: SecretBox
  /** What a new connection of this vendor starts with. */
  defaultMappings(vendor: string): readonly MappingDocument[]
  /** When each connection was last asked for changes. */
  lastPolls(tx: Tx, ids: readonly ConnectionId[]): Promise<ReadonlyMap<ConnectionId, Date>>
}

/** A connection as it is at the moment: a pause that has passed is over. */
export interface ConnectionView extends Connection {
  readonly lastPolledAt: Date | null
}

const pausedAtFirst: Standing = {
  status: 'paused',
  pausedUntil: null,
  pauseReason: 'Created paused: check the connection and its mappings, then resume it',
}

export interface ResealReport {
  readonly resealed: number
  /** Connections whose credentials no key of ours opens: they have to be replaced. */
  readonly unreadable: readonly ConnectionId[]
}

export interface CallUsage {
  /** What the CRM last said of its own count. */
  readonly stated: Usage | null
  readonly throttledUntil: Date | null
  /** Workers that called lately. */
  readonly workers: number
  readonly concurrentCalls: { readonly limit: number; readonly ceiling: number }
  /** `limit` is ours, `ceiling` the vendor's; `used` counts what was taken in the last so many seconds. */
  readonly windows: readonly {
    readonly seconds: number
    readonly limit: number
    readonly ceiling: number
    readonly used: number
  }[]
  /** The last 24 hours, by full hours. */
  readonly day: {
    readonly limit: number | null
    readonly calls: number
    readonly byOperation: readonly (CallSum & { readonly operation: string })[]
    readonly byPriority: readonly (CallSum & { readonly priority: Priority })[]
  }
}
interface CallSum {
  readonly calls: number
  readonly records: number
}

export type ConnectionUseCases = ReturnType<typeof createConnectionUseCases>

/** Connections as administrators make and keep them. Credentials go in and never come out. */
export function createConnectionUseCases(deps: ConnectionDeps) {
  async function view(tx: Tx, connections: readonly Connection[]): Promise<readonly ConnectionView[]> {
    const polls = await deps.lastPolls(
      tx,
      connections.map(({ id }) => id),
    )
    const now = deps.clock.now()
    return connections.map((connection) => {
      const { status, pausedUntil, pauseReason } = standingAt(connection, now)
      const lastPolledAt = polls.get(connection.id) ?? null
      return { ...connection, status, pausedUntil, pauseReason, lastPolledAt }
    })
  }

  async function get(tx: Tx, id: ConnectionId): Promise<ConnectionView> {
    const connection = await getConnection(tx, id)
    const [seen] = await view(tx, [connection])
    return seen ?? { ...connection, lastPolledAt: null }
  }

  function assertCredentials(vendor: string, credentials: unknown): void {
    const definition = Object.hasOwn(deps.registry, vendor) ? deps.registry[vendor] : undefined
    if (!definition) {
      const known = Object.keys(deps.registry).join(', ')
      throw new InvalidInput('There is no connector for this CRM', [
        { path: '/body/vendor', code: 'unknown_vendor', message: `must be one of: ${known}` },
      ])
    }
    const issues = checkCredentials(definition.credentialsSchema, credentials)
    if (issues.length > 0) throw new InvalidInput('The credentials are not complete; see the issues', issues)
  }

  async function lockRevision(tx: Tx, id: ConnectionId, expected: number | null): Promise<Connection> {
    const connection = await lockOrThrow(tx, id)
    if (expected !== null && connection.revision !== expected) throw new Stale()
    return connection
  }

  return {
    get,
    list: async (tx: Tx) => view(tx, await listConnections(tx)),

    /** What each vendor's credentials look like, as JSON Schema. */
    vendors: () =>
      Object.entries(deps.registry).map(([vendor, { credentialsSchema }]) => ({
        vendor,
        credentials: describeCredentials(credentialsSchema),
      })),

    /** Calls of ours in the last hours, newest first. */
    async calls(tx: Tx, id: ConnectionId, hours: number) {
      await getConnection(tx, id)
      return callCountsSince(tx, id, hours)
    },

    /** How much of the limits is used up, by everybody and by us. */
    async usage(tx: Tx, id: ConnectionId): Promise<CallUsage> {
      const connection = await getConnection(tx, id)
      const ceiling = deps.registry[connection.vendor]?.traits.ceiling ?? { concurrentCalls: 1, windows: [] }
      const limits = limitsOf(ceiling, connection)
      const standing = await budgetStanding(
        tx,
        id,
        limits.windows.map(({ seconds }) => seconds),
      )
      const counts = await callCountsSince(tx, id, 24)
      const sums = (key: 'operation' | 'priority') =>
        [...Map.groupBy(counts, (one) => one[key])].map(([name, those]) => ({
          name,
          calls: total(those, 'calls'),
          records: total(those, 'records'),
        }))
      return {
        stated: connection.usage,
        throttledUntil: standing.throttledUntil,
        workers: standing.workers,
        concurrentCalls: { limit: limits.concurrentCalls, ceiling: ceiling.concurrentCalls },
        windows: limits.windows.map(({ seconds, calls }, index) => ({
          seconds,
          limit: calls,
          ceiling: ceiling.windows[index]?.calls ?? calls,
          used: standing.used[index] ?? 0,
        })),
        day: {
          limit: limits.perDay,
          calls: total(counts, 'calls'),
          byOperation: sums('operation').map(({ name, ...sum }) => ({ operation: name, ...sum })),
          byPriority: sums('priority').map(({ name, ...sum }) => ({ priority: name as Priority, ...sum })),
        },
      }
    },

    /** Starts with the vendor's default mappings as they are; a check says what they lack over there. */
    async create(tx: Tx, actor: Actor, input: ConnectionInput): Promise<ConnectionView> {
      const { vendor, credentials } = input
      assertCredentials(vendor, credentials)
      const id = newId<'connection'>()
      const sealed = await deps.secretBox.seal(id, credentials)
      const standing = input.paused ? pausedAtFirst : activeStanding
      const settings = settingsOf(defaultSettings, input)
      await insertConnection(tx, { id, vendor, sealed, settings, standing }).catch(nameTaken)
      for (const document of deps.defaultMappings(vendor)) {
        await insertPublished(tx, id, { document, basedOn: null, note: 'Default mapping', by: actor.name })
      }
      const connection = await get(tx, id)
      await recordAudit(tx, actor, [
        { action: 'connection.created', subject: subjectOf(id), after: connection },
      ])
      return connection
    },

    async changeSettings(
      tx: Tx,
      actor: Actor,
      id: ConnectionId,
      patch: ConnectionSettings,
      expectedRevision: number | null,
    ): Promise<ConnectionView> {
      const before = await lockRevision(tx, id, expectedRevision)
      await updateSettings(tx, id, settingsOf(before, patch)).catch(nameTaken)
      const after = await get(tx, id)
      await recordAudit(tx, actor, [
        {
          action: 'connection.settings_changed',
          subject: subjectOf(id),
          before: settingsOf(before, {}),
          after: settingsOf(after, {}),
        },
      ])
      return after
    },

    async replaceCredentials(
      tx: Tx,
      actor: Actor,
      id: ConnectionId,
      credentials: unknown,
      expectedRevision: number | null,
    ): Promise<ConnectionView> {
      const { vendor } = await lockRevision(tx, id, expectedRevision)
      assertCredentials(vendor, credentials)
      await replaceSecrets(tx, id, await deps.secretBox.seal(id, credentials))
      await recordAudit(tx, actor, [
        {
          action: 'connection.credentials_replaced',
          subject: subjectOf(id),
          after: { credentials: 'replaced' },
        },
      ])
      return get(tx, id)
    },

    /** Seals anew what was sealed with an older key, so that the old key can be taken away. */
    async resealSecrets(tx: Tx): Promise<ResealReport> {
      let resealed = 0
      const unreadable: ConnectionId[] = []
      for (const { id, sealed } of await readAllSecrets(tx)) {
        try {
          if (deps.secretBox.isCurrent(sealed)) continue
          const credentials = await deps.secretBox.open(id, sealed)
          await resealSecret(tx, id, await deps.secretBox.seal(id, credentials))
          resealed += 1
        } catch (error) {
          if (!(error instanceof SealBroken)) throw error
          unreadable.push(id)
        }
      }
      return { resealed, unreadable }
    },

    forgetOldCalls: (tx: Tx) => dropCallCounts(tx, keptCallDays),
  }
}

const keptCallDays = 90
const total = (counts: readonly CallTally[], key: 'calls' | 'records') =>
  counts.reduce((sum, one) => sum + one[key], 0)

const nameTaken = refuseTaken(
  'connection_name',
  new Refused('name_taken', 'Another connection has this name'),
)

const defaultSettings = {
  name: '',
  pollSeconds: 30,
  timeZone: 'UTC',
  homeCurrency: null,
  callsPerDay: null,
  callShare: 100,
} as const

const settingsOf = (
  connection: Required<ConnectionSettings>,
  patch: ConnectionSettings,
): Required<ConnectionSettings> => ({
  name: patch.name ?? connection.name,
  pollSeconds: patch.pollSeconds ?? connection.pollSeconds,
  timeZone: patch.timeZone ?? connection.timeZone,
  homeCurrency: patch.homeCurrency === undefined ? connection.homeCurrency : patch.homeCurrency,
  callsPerDay: patch.callsPerDay === undefined ? connection.callsPerDay : patch.callsPerDay,
  callShare: patch.callShare ?? connection.callShare,
})
