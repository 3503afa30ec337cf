import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Connector, RemoteRecord } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { Connection } from '#src/connections/connection.ts'
import { createEngineConnections } from '#src/connections/engine-use-cases.ts'
import type { Database } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { ConnectionsPort } from '#src/sync/ground/engine.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import {
  type ConnectionsBench,
  connectionsBench,
  credentialsOf,
  testActor,
} from '#test/support/connections.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const signal = new AbortController().signal
let crm: SalesforceSimulator
let bench: ConnectionsBench
let id: ConnectionId
let count = 0

beforeEach(async () => {
  crm = await startSalesforceSimulator({ dailyLimit: 1_000 })
  bench = await connectionsBench(db.database)
  const answer = await bench.request('POST', '/connections', {
    name: `CRM ${count++}`,
    vendor: 'salesforce',
    credentials: credentialsOf(crm),
  })
  id = answer.body.id
})
afterEach(async () => {
  await bench.close()
  await crm.close()
})

const connection = (): Promise<Connection> => bench.act((tx) => bench.connections.get(tx, id))
const open = async (): Promise<Connector> => bench.pool.connectorFor(await connection())
const readAll = async (connector: Connector, ids: readonly string[]) =>
  (await connector.read('Opportunity', ids, ['Name'], signal)) as readonly RemoteRecord[]
const insertDeal = () =>
  crm.insert('Opportunity', { Name: 'A', StageName: 'Prospecting', CloseDate: '2026-12-31' })
const faultOf = (work: Promise<unknown>): Promise<ConnectorFault> =>
  work.then(
    () => Promise.reject(new Error('expected a fault')),
    (error: unknown) => (error instanceof ConnectorFault ? error : Promise.reject(error)),
  )

describe('the pool', () => {
  test('makes one connector per connection and pins the organisation before the first record moves', async () => {
    const [one, two] = await Promise.all([open(), open()])
    expect(one).toBe(two)
    const dealId = insertDeal()
    expect((await readAll(one, [dealId]))[0]?.fields).toEqual({ Name: 'A' })
    expect((await connection()).organisationId).toBe(crm.organisationId)
  })

  test('never lets a call reach another organisation, even when it takes over between two calls', async () => {
    const connector = await open()
    const dealId = insertDeal()
    await readAll(connector, [dealId])
    crm.setOrganisationId('00D000000000777')
    const write = connector.write(
      [{ object: 'Opportunity', target: { kind: 'id', id: dealId }, fields: { Name: 'B' } }],
      signal,
    )
    const fault = await write.then(
      (outcomes) => outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.fault]))[0],
      (error: unknown) => error,
    )
    expect(fault).toMatchObject({ kind: 'unauthorised', details: { code: 'OTHER_ORGANISATION' } })
    expect(crm.get('Opportunity', dealId)?.['Name']).toBe('A')
    expect((await connection()).status).toBe('attention')
  })

  test('changes to new credentials, and closes the connector with the old ones', async () => {
    const old = await open()
    await old.probe(signal)
    await bench.request('PUT', `/connections/${id}/credentials`, {
      credentials: { ...credentialsOf(crm), clientSecret: 'wrong' },
    })
    const next = await open()
    expect(next).not.toBe(old)
    expect((await faultOf(next.probe(signal))).kind).toBe('unauthorised')
    expect((await faultOf(old.probe(signal))).details.code).toBe('CLOSED')
  })

  test('makes no call while the connection is paused', async () => {
    const connector = await open()
    const dealId = insertDeal()
    await readAll(connector, [dealId])
    const until = new Date(Date.now() + 60_000)
    await bench.act((tx) =>
      bench.standing.pauseConnection(tx, testActor, id, { until, reason: 'throttled', attention: false }),
    )
    const before = crm.calls.log.length
    const fault = await faultOf(readAll(await open(), [dealId]))
    expect([fault.kind, fault.details.retryAt]).toEqual(['throttled', until])
    expect(crm.calls.log.length).toBe(before)
  })

  test('counts calls and records by hour, operation and object, and what the CRM says of its allowance', async () => {
    const connector = await open()
    const ids = [insertDeal(), insertDeal(), insertDeal()]
    await readAll(connector, ids)
    await readAll(connector, ids)
    await bench.pool.flush()
    await readAll(connector, ids)
    await bench.pool.flush()
    await bench.pool.flush()
    const { body } = await bench.request('GET', `/connections/${id}/calls?hours=1`)
    const reads = body.items.filter(({ operation }: { operation: string }) => operation === 'read')
    expect(reads).toMatchObject([{ object: 'Opportunity', calls: 3, records: 9 }])
    expect(body.items.map(({ operation }: { operation: string }) => operation)).toContain('auth')
    const { usage } = await connection()
    expect(usage).toMatchObject({ limit: 1_000 })
    expect(usage?.used).toBeGreaterThan(2)
  })

  test('keeps a fifth of the allowance from bulk work', async () => {
    await crm.close()
    crm = await startSalesforceSimulator({ dailyLimit: 6 })
    await bench.request('PUT', `/connections/${id}/credentials`, { credentials: credentialsOf(crm) })
    expect(bench.pool.mayRun(id, 'bulk')).toBe(true)
    const connector = await open()
    for (let call = 0; call < 5; call += 1) await connector.describe('Account', signal).catch(() => undefined)
    expect(bench.pool.mayRun(id, 'bulk')).toBe(false)
  })

  test('loses no more than counts when the database does not take them', async () => {
    const failing = { on: false }
    const database = {
      ...db.database,
      transact: ((actor, work) =>
        failing.on
          ? Promise.reject(new Error('no database'))
          : db.database.transact(actor, work)) as Database['transact'],
    }
    const other = await connectionsBench(database, { keys: bench.keys })
    const connector = await other.pool.connectorFor(await connection())
    const dealId = insertDeal()
    await readAll(connector, [dealId])
    failing.on = true
    await other.pool.flush()
    failing.on = false
    expect(other.log.entries).toMatchObject([{ level: 'warn', msg: 'counts of calls were lost' }])
    await readAll(connector, [dealId])
    await other.close()
    const { body } = await bench.request('GET', `/connections/${id}/calls`)
    expect(body.items).toMatchObject([{ operation: 'read', calls: 1 }])
  })
})

test("the engine's port is answered, in the engine's name", async () => {
  const port: ConnectionsPort = createEngineConnections(bench.standing)
  await bench.act(async (tx) => {
    const active = await port.activeConnections(tx)
    expect(active.map((one) => one.id)).toContain(id)
    const mappings = await port.publishedMappings(tx, id)
    expect(mappings.map(({ entity }) => entity)).toEqual(['contact', 'customer', 'deal', 'partner'])
    await port.quarantineField(tx, id, 'deal', 'Amount', 'the CRM refuses it')
    expect(await port.quarantinedFields(tx, id)).toMatchObject([{ entity: 'deal', remoteField: 'Amount' }])
    await port.releaseField(tx, id, 'deal', 'Amount')
    expect(await port.quarantinedFields(tx, id)).toEqual([])
    await port.pauseConnection(tx, id, { until: null, reason: 'refused', attention: true })
    expect((await port.activeConnections(tx)).map((one) => one.id)).not.toContain(id)
  })
  const trace = await bench.rows<{ action: string }>(
    `select action from audit_entry where subject_id = '${id}' and actor_name = 'sync' order by id`,
  )
  expect(trace.map(({ action }) => action)).toEqual([
    'connection.field_quarantined',
    'connection.field_released',
    'connection.paused',
  ])
})

test('the API is described in full', async () => {
  const { body } = await bench.app.inject('/openapi.json')
  const spec = JSON.parse(body)
  expect(Object.keys(spec.paths)).toContain(
    '/api/v1/connections/{connectionId}/mappings/{entity}/draft/publish',
  )
  expect(spec.components.schemas).toHaveProperty('MappingDocument')
  expect(JSON.stringify(spec.components.schemas.Connection)).not.toContain('secrets')
})
