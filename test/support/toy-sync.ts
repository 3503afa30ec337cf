import { pino } from 'pino'
import type { CallGate, Connector } from '#connectors/connector.ts'
import { createSalesforceConnector } from '#connectors/salesforce/salesforce-connector.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import type { Database, Tx } from '#src/database/database.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import type { LocalRecord, RemoteFacts, SyncedEntity } from '#src/kernel/synced-entity.ts'
import { createDrains } from '#src/sync/drains.ts'
import { type Engine, type LinkNews, type SyncConnection, syncActor } from '#src/sync/engine.ts'
import { markDirty } from '#src/sync/mark-store.ts'
import { databaseNow } from '#src/sync/slot-store.ts'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { query } from './sql.ts'

export interface ToyEntity extends SyncedEntity<Tx> {
  readonly records: Map<string, LocalRecord>
  put(id: string, fields: Record<string, FieldValue>): void
}

/** A capability in memory: enough to drive the engine without any rules of deals. */
export function toyEntity(name: string): ToyEntity {
  const records = new Map<string, LocalRecord>()
  return {
    name,
    catalogue: [],
    records,
    put(id, fields) {
      const before = records.get(id)
      const merged = { ...before?.fields, ...fields }
      records.set(id, {
        id,
        revision: (before?.revision ?? 0) + 1,
        fields: merged,
        facts: { status: merged['status'] ?? null, phase: 'approved' },
      })
    },
    load: async (_tx, ids) =>
      new Map(ids.flatMap((id) => (records.has(id) ? [[id, records.get(id)!] as const] : []))),
    async applyMany(_tx, _actor, items: readonly RemoteFacts[]) {
      for (const { id, changes } of items) this.put(id, { ...changes })
      return new Map(
        items.map(({ id, changes }) => [
          id,
          Object.keys(changes).map((field) => ({ field, kind: 'applied' as const })),
        ]),
      )
    },
  }
}

const openGate: CallGate = {
  call: (_call, signal, send) => send(signal),
  observeUsage: () => undefined,
}

/** The engine on a real database and the real connector, with capabilities in memory and one Salesforce connection. */
export async function toySync(database: Database, url: string, simulator: SalesforceSimulator) {
  const id = newId<'connection'>()
  await query(url, 'set role counterpart_system')
  const connection: SyncConnection = {
    id,
    name: 'Salesforce',
    vendor: 'salesforce',
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
  }
  const { sql } = await import('kysely')
  await database.transact(syncActor, (tx) =>
    sql`insert into connection (id, name, vendor, secrets, status) values (${id}, ${`Salesforce ${id}`}, 'salesforce', '', 'active')`.execute(
      tx,
    ),
  )
  const connector: Connector = createSalesforceConnector({
    credentials: {
      grant: 'client_credentials',
      loginUrl: simulator.url,
      clientId: simulator.credentials.clientId,
      clientSecret: simulator.credentials.clientSecret,
    },
    gate: openGate,
    requestTimeoutMs: 5_000,
    now: () => new Date(),
  })
  const entities = new Map(['partner', 'customer', 'deal'].map((name) => [name, toyEntity(name)]))
  const news: LinkNews[] = []
  const pauses: { until: Date | null; reason: string; attention: boolean }[] = []
  const quarantine: { entity: string; remoteField: string }[] = []
  const mappings = readDefaultMappings().filter(({ vendor }) => vendor === 'salesforce')
  const versions = await Promise.all(
    mappings.map(async ({ document }) => {
      const versionId = newId()
      await database.transact(syncActor, (tx) =>
        sql`insert into mapping_version (id, connection_id, entity, version, state, document, created_by)
            values (${versionId}, ${id}, ${document.entity}, 1, 'published', ${JSON.stringify(document)}::jsonb, 'test')`.execute(
          tx,
        ),
      )
      return { entity: document.entity, versionId, document }
    }),
  )
  const engine: Engine = {
    database,
    connections: {
      activeConnections: async () => [connection],
      homeOfDeals: async () => id,
      publishedMappings: async () => versions,
      quarantinedFields: async () => quarantine,
      quarantineField: async (_tx, _id, entity, remoteField) => void quarantine.push({ entity, remoteField }),
      releaseField: async () => undefined,
      pauseConnection: async (_tx, _id, pause) => void pauses.push(pause),
    },
    connectors: { connectorFor: async () => connector, mayRunBulk: () => true },
    mirror: {
      recordMirror: async () => undefined,
      forgetMirror: async () => undefined,
      setMirrorState: async () => undefined,
    },
    entities,
    linksChanged: async (_tx, _actor, items) => void news.push(...items),
    reviewsOpened: async () => undefined,
    logger: pino({ level: 'silent' }),
    random: () => 0.5,
  }
  const drains = createDrains(engine, { ring: () => undefined })
  const signal = AbortSignal.timeout(120_000)
  return {
    connection,
    engine,
    entities,
    news,
    pauses,
    quarantine,
    entity: (name: string) => entities.get(name)!,
    mark: (entity: string, ids: readonly string[]) =>
      database.transact(syncActor, (tx) =>
        markDirty(
          tx,
          ids.map((recordId) => ({ connectionId: id, entity, recordId, priority: 'live' as const })),
        ),
      ),
    poll: () => drains.pollNow(connection, signal),
    /** Works until nothing is due, without waiting for a batch to gather. */
    async settle() {
      for (let turn = 0; turn < 20; turn += 1) {
        await database.transact(syncActor, (tx) =>
          sql`update dirty_mark set ready_at = clock_timestamp(), due_at = least(due_at, clock_timestamp()) where connection_id = ${id}`.execute(
            tx,
          ),
        )
        await drains.reconcile(signal)
        const left = await database.transact(syncActor, async (tx) => {
          const { rows } = await sql<{ count: bigint }>`
            select count(*) from dirty_mark where connection_id = ${id} and parked_at is null`.execute(tx)
          return rows[0]?.count ?? 0n
        })
        if (left === 0n) return
      }
    },
    now: () => databaseNow(database),
    rows: <Row>(text: string) =>
      database.transact(
        syncActor,
        async (tx) =>
          (await sql.raw<Row>(text.replaceAll('$id', `'${id as ConnectionId}'`)).execute(tx)).rows,
      ),
  }
}
