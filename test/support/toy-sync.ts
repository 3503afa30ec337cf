import { sql } from 'kysely'
import type { CallGate, Connector } from '#connectors/connector.ts'
import { vendors } from '#connectors/registry.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import type { MappingDocument, MappingLine } from '#mappings/document.ts'
import { neededObjects } from '#mappings/needs.ts'
import type { MirrorRow } from '#src/conflicts/claim.ts'
import { activeStanding, type Standing } from '#src/connections/connection.ts'
import { createConnectionStanding } from '#src/connections/connection-standing-use-cases.ts'
import { createConnectorPool } from '#src/connections/connector-pool.ts'
import { pausedMappings } from '#src/connections/mapping-pause-use-cases.ts'
import { createSecretBox } from '#src/connections/secret-box.ts'
import type { Database, Tx } from '#src/database/database.ts'
import { NotFound } from '#src/kernel/errors.ts'
import { createEventBus } from '#src/kernel/events.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import { createDirtyHandlers } from '#src/sync/ground/dirty.ts'
import {
  type Engine,
  type LinkNews,
  type PublishedMapping,
  type SyncConnection,
  syncActor,
} from '#src/sync/ground/engine.ts'
import { markDirty } from '#src/sync/memory/mark-store.ts'
import { databaseNow } from '#src/sync/memory/slot-store.ts'
import type { OperationDeps } from '#src/sync/operations/operation-deps.ts'
import { createDrains } from '#src/sync/passes/drains.ts'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { CrmDesk } from './desks/crm-desk.ts'
import { salesforceDesk } from './desks/salesforce.ts'
import { query } from './sql.ts'
import { createToyInstallation, type ToyInstallation, toyDeals } from './toy-installation.ts'

const openGate: CallGate = {
  call: (_call, signal, send) => send(signal),
  observeUsage: () => undefined,
}
const silent = { debug: () => undefined, warn: () => undefined, error: () => undefined }

export interface ToyOptions {
  /** Stands between the engine and the connector, to die or dawdle at a chosen moment. */
  readonly wrap?: (connector: Connector) => Connector
  /** Pauses hold until `resume`; without it they are only noted. */
  readonly obeysPauses?: boolean
  /** Calls pass the real pool with its guard: credentials, organisation, pauses. */
  readonly guarded?: boolean
  readonly requestTimeoutMs?: number
  /** Another connection of the same installation: the same records of ours, each change of which reaches both. */
  readonly beside?: ToySync
  /** Where the CRM sends webhooks of a connection. */
  readonly webhookUrl?: (id: ConnectionId) => string
}

export type ToySync = Awaited<ReturnType<typeof toySync>>

/** The engine on a real database and the real connector, with capabilities in memory and one connection. */
export async function toySync(
  database: Database,
  url: string,
  crm: SalesforceSimulator | CrmDesk,
  options: ToyOptions = {},
) {
  const { vendor, name, credentials, simulator } = 'vendor' in crm ? crm : salesforceDesk(crm)
  const id = newId<'connection'>()
  await query(url, 'set role counterpart_system')
  const connection: SyncConnection = {
    id,
    name,
    vendor,
    status: 'active',
    pausedUntil: null,
    pauseReason: null,
    credentialsRevision: 1,
    timeZone: 'UTC',
    usage: null,
    revision: 1,
    createdAt: new Date(),
    organisationId: simulator.organisationId,
    remoteUserId: simulator.integrationUserId,
    multiCurrency: false,
    homeCurrency: 'USD',
    instanceUrl: simulator.url,
    pollSeconds: 5,
    callsPerDay: null,
    callShare: 100,
  }
  const run = <T>(work: (tx: Tx) => Promise<T>) => database.transact(syncActor, work)
  const secretBox = createSecretBox({ current: new Uint8Array(32).fill(7), previous: [] })
  const sealed = await secretBox.seal(id, credentials)
  await run((tx) =>
    sql`insert into connection (id, name, vendor, secrets, status, home_currency)
        values (${id}, ${`${name} ${id}`}, ${vendor}, ${sealed}, 'active', 'USD')`.execute(tx),
  )
  const clock = { now: () => new Date() }
  const webhookUrl = options.webhookUrl ?? ((id: ConnectionId) => `https://partners.example.com/hooks/${id}`)
  const standing = createConnectionStanding({ events: createEventBus({}), clock })
  const pool = createConnectorPool({
    registry: vendors,
    secretBox,
    database,
    clock,
    logger: silent,
    standing,
    webhookUrl,
  })
  const bare: Connector = vendors[vendor].create({
    credentials,
    gate: openGate,
    requestTimeoutMs: options.requestTimeoutMs ?? 5_000,
    now: () => new Date(),
    webhookUrl: webhookUrl(id),
  })
  const connector = options.wrap?.(bare) ?? bare
  const installation: ToyInstallation = options.beside?.installation ?? createToyInstallation()
  const { entities, homes } = installation
  installation.connections.set(id, connection)
  const news: LinkNews[] = []
  const pauses: { until: Date | null; reason: string; attention: boolean }[] = []
  const quarantine: { entity: string; remoteField: string }[] = []
  const claims = new Map<string, MirrorRow>()
  const published = new Map<string, PublishedMapping>()
  installation.published.set(id, published)
  let versions = 0
  const publish = async (document: MappingDocument) => {
    const { entity } = document
    const versionId = newId()
    versions += 1
    await run(async (tx) => {
      await sql`update mapping_version set state = 'superseded'
                where connection_id = ${id} and entity = ${entity} and state = 'published'`.execute(tx)
      await sql`insert into mapping_version (id, connection_id, entity, version, state, document, created_by)
                values (${versionId}, ${id}, ${entity}, ${versions}, 'published', ${JSON.stringify(document)}::jsonb, 'test')`.execute(
        tx,
      )
    })
    published.set(entity, { entity, versionId, document })
  }
  for (const mapping of readDefaultMappings()) if (mapping.vendor === vendor) await publish(mapping.document)
  const isHeld = () => options.obeysPauses === true && pauses.length > 0
  const engine: Engine = {
    database,
    connections: {
      activeConnections: async (tx) =>
        options.guarded
          ? (await standing.activeConnections(tx)).filter((one) => one.id === id)
          : isHeld()
            ? []
            : [connection],
      publishedMappings: async (_tx, asked) => [...(installation.published.get(asked)?.values() ?? [])],
      pausedMappings,
      quarantinedFields: async () => quarantine,
      async quarantineField(_tx, _id, entity, remoteField) {
        const isNew = !quarantine.some(
          (field) => field.entity === entity && field.remoteField === remoteField,
        )
        if (isNew) quarantine.push({ entity, remoteField })
      },
      async releaseField(_tx, _id, entity, remoteField) {
        const kept = quarantine.filter(
          (field) => field.entity !== entity || field.remoteField !== remoteField,
        )
        quarantine.splice(0, quarantine.length, ...kept)
      },
      async pauseConnection(tx, _id, pause) {
        pauses.push(pause)
        if (options.guarded) await standing.pauseConnection(tx, syncActor, id, pause)
      },
    },
    connectors: options.guarded ? pool : { connectorFor: async () => connector, mayRun: () => true },
    mirror: {
      recordMirror: async (_tx, rows) => {
        for (const row of rows) claims.set(row.remoteId, row)
      },
      forgetMirror: async (_tx, _id, _source, remoteIds) => {
        for (const remoteId of remoteIds ?? [...claims.keys()]) claims.delete(remoteId)
      },
      setMirrorState: async () => undefined,
    },
    entities,
    homesOfDeals: async (_tx, ids) =>
      new Map(ids.map((one) => [one, homes.get(one) ?? options.beside?.connection.id ?? id])),
    linksChanged: async (_tx, _actor, items) => void news.push(...items),
    dealsWanted: async () => undefined,
    reviewsOpened: async () => undefined,
    accountsMerged: async () => undefined,
    logger: silent,
    random: () => 0.5,
  }
  let seenStanding: Standing = activeStanding
  const operations: OperationDeps = {
    engine,
    connectionOf: async (_tx, asked) => {
      const known = installation.connections.get(asked)
      if (!known) throw new NotFound('The connection')
      return { ...known, ...(asked === id ? seenStanding : {}) }
    },
    deals: toyDeals(installation),
    routing: { homeByDefault: async () => options.beside?.connection.id ?? id },
    recordUrl: (_connection, object, remoteId) => `${simulator.url}/${object}/${remoteId}`,
    ring: () => undefined,
  }
  const dirty = createDirtyHandlers({
    connections: { ...engine.connections, assertKnown: async () => undefined },
    homeByDefault: async () => options.beside?.connection.id ?? id,
    linksMade: async () => undefined,
    ring: () => undefined,
  })
  if (options.beside) {
    for (const entity of entities.values()) {
      entity.changed = (tx, actor, ids) =>
        dirty.onRecordChanged(
          tx,
          actor,
          ids.map((one) => ({
            type: 'record_changed',
            entity: entity.name as 'deal',
            id: one,
            connectionId: homes.get(one) ?? null,
            priority: 'live',
          })),
        )
    }
  }
  const drainsOf = (own: Engine) => createDrains(own, { ring: () => undefined })
  const drains = drainsOf(engine)
  const signal = AbortSignal.timeout(120_000)
  const ripen = () =>
    run((tx) =>
      sql`update dirty_mark set ready_at = clock_timestamp(), due_at = least(due_at, clock_timestamp()) where connection_id = ${id}`.execute(
        tx,
      ),
    )
  return {
    connection,
    /** The real one, without what a test puts before it. */
    connector: bare,
    engine,
    operations,
    entities,
    news,
    pauses,
    quarantine,
    /** What conflict detection sees of the CRM, by remote id. */
    claims,
    publish,
    /** Makes in the CRM what the published mappings need there. */
    async setUp() {
      const { setup } = bare
      const documents = [...published.values()].map(({ document }) => document)
      const needs = { objects: neededObjects(documents), webhookUrl: null }
      const steps = (await setup?.plan(needs, signal)) ?? []
      const missing = steps.filter(({ state }) => state === 'missing')
      await setup?.apply(
        needs,
        missing.map(({ id: step }) => step),
        signal,
      )
    },
    changeLine: (entity: string, local: string, change: Partial<MappingLine>) => {
      const { document } = published.get(entity)!
      const fields = document.fields.map((line) => (line.local === local ? { ...line, ...change } : line))
      return publish({ ...document, fields })
    },
    installation,
    dirty,
    run,
    entity: (name: string) => entities.get(name)!,
    mark: (entity: string, ids: readonly string[]) =>
      run((tx) =>
        markDirty(
          tx,
          ids.map((recordId) => ({ connectionId: id, entity, recordId, priority: 'live' as const })),
        ),
      ),
    poll: () => drains.pollNow(connection, signal),
    pollDue: () => drains.poll(signal),
    /** Marks may go at once, without waiting for a batch to gather or a retry to fall due. */
    ripen,
    reconcile: () => drains.reconcile(signal),
    /** Reads what push channels told of, without waiting for more of it. */
    readHints: async () => {
      await run((tx) =>
        sql`update push_channel set hints_read_at = null where connection_id = ${id}`.execute(tx),
      )
      await drains.hints(signal)
    },
    /** The same installation on another machine, with a connector of its own. */
    secondWorker: (wrap: (connector: Connector) => Connector = (same) => same) => {
      const second = drainsOf({
        ...engine,
        connectors: { connectorFor: async () => wrap(bare), mayRun: () => true },
      })
      return {
        poll: () => second.pollNow(connection, signal),
        hints: () => second.hints(signal),
        reconcile: () => second.reconcile(signal),
      }
    },
    /** Takes the lease of a worker away, as if its time had run out. */
    expireLeases: () =>
      run((tx) =>
        sql`update sync_slot set leased_until = '-infinity' where connection_id = ${id}`.execute(tx),
      ),
    resume: () => void pauses.splice(0),
    /** How people see the connection. */
    showStanding(standing: Standing) {
      seenStanding = standing
    },
    /** Works until nothing is due, without waiting for a batch to gather. */
    async settle() {
      for (let turn = 0; turn < 20; turn += 1) {
        await ripen()
        await drains.reconcile(signal)
        const { rows } = await run((tx) =>
          sql<{ count: bigint }>`
            select count(*) from dirty_mark
            where connection_id = ${id} and parked_at is null and waiting_for is null`.execute(tx),
        )
        if (rows[0]?.count === 0n) return
      }
    },
    now: () => databaseNow(database),
    rows: <Row>(text: string) =>
      run(
        async (tx) =>
          (await sql.raw<Row>(text.replaceAll('$id', `'${id as ConnectionId}'`)).execute(tx)).rows,
      ),
    close: () => pool.close(),
  }
}
