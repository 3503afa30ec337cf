import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Connector } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { VendorDefinition } from '#connectors/registry.ts'
import type { Connection } from '#src/connections/connection.ts'
import { createConnectionStanding } from '#src/connections/connection-standing-use-cases.ts'
import { findConnection } from '#src/connections/connection-store.ts'
import { createConnectionUseCases } from '#src/connections/connection-use-cases.ts'
import { type ConnectorPool, createConnectorPool } from '#src/connections/connector-pool.ts'
import { createSecretBox } from '#src/connections/secret-box.ts'
import { type Database, openDatabase } from '#src/database/database.ts'
import { createEventBus, type Priority } from '#src/kernel/events.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import { testActor } from '#test/support/connections.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const signal = AbortSignal.timeout(120_000)
const clock = { now: () => new Date() }
const secretBox = createSecretBox({ current: new Uint8Array(32).fill(7), previous: [] })
const silent = { debug: () => undefined, warn: () => undefined }

type Ceiling = Connector['traits']['ceiling']

/** A CRM that only counts: how many calls, when, and how many at once. */
function countingVendor(ceiling: Ceiling) {
  const calls: { readonly worker: string; readonly at: number }[] = []
  let underWay = 0
  let most = 0
  let answer: (worker: string) => Promise<void> = async () => undefined
  const traits: Connector['traits'] = {
    vendor: 'counting',
    batch: { create: 10, update: 10, read: 10, changes: 10 },
    conditionalWrite: false,
    push: { listen: false, webhook: false },
    ceiling,
    recordPath: () => '/',
  }
  const definitionFor = (worker: string): VendorDefinition => ({
    traits,
    credentialsSchema: z.object({}),
    create: ({ gate }) => {
      const never = () => Promise.reject(new Error('not asked for'))
      return {
        traits,
        probe: async () => ({
          organisationId: 'o',
          userId: 'u',
          instanceUrl: 'https://crm.example.com',
          multiCurrency: false,
          apiUsage: null,
        }),
        read: (object, ids, _fields, until) =>
          gate.call({ operation: 'read', object, records: ids.length }, until, async () => {
            calls.push({ worker, at: performance.now() })
            underWay += 1
            most = Math.max(most, underWay)
            await answer(worker).finally(() => {
              underWay -= 1
            })
            return []
          }),
        describe: never,
        find: never,
        write: never,
        changes: () => {
          throw new Error('not asked for')
        },
        receive: () => ({ kind: 'refused', status: 404, reason: 'no webhooks' }),
        close: async () => undefined,
      }
    },
  })
  return {
    calls,
    definitionFor,
    mostAtOnce: () => most,
    forget() {
      most = 0
    },
    answerWith(next: typeof answer) {
      answer = next
    },
  }
}

let other: Database
beforeAll(() => {
  other = openDatabase({ url: db.url, poolSize: 4 })
})
afterAll(() => other.close())

let pools: ConnectorPool[] = []
let vendor: ReturnType<typeof countingVendor>
let id: ConnectionId
const act = <T>(work: Parameters<typeof db.database.transact<T>>[1]) => db.database.transact(testActor, work)

/** Two workers with a pool each, on connections of their own to one database. */
async function startWorkers(ceiling: Ceiling, own: { perDay?: number; share?: number } = {}) {
  vendor = countingVendor(ceiling)
  id = newId<'connection'>()
  const sealed = await secretBox.seal(id, {})
  await act((tx) =>
    sql`insert into connection (id, name, vendor, secrets, status, calls_per_day, call_share)
        values (${id}, ${id}, 'counting', ${sealed}, 'active', ${own.perDay ?? null}, ${own.share ?? 100})`.execute(
      tx,
    ),
  )
  pools = [db.database, other].map((database, index) =>
    createConnectorPool({
      registry: { counting: vendor.definitionFor(`worker ${index}`) },
      secretBox,
      database,
      clock,
      logger: silent,
      standing: createConnectionStanding({ events: createEventBus({}), clock }),
      webhookUrl: () => 'https://partners.example.com',
      concurrency: 50,
      flushMs: 200,
    }),
  )
}
const connection = async (): Promise<Connection> => (await act((tx) => findConnection(tx, id)))!
const callAs = async (worker: number, priority: Priority = 'live') => {
  const connector = await pools[worker]!.connectorFor(await connection(), priority)
  await connector.read('Deal', ['1'], [], signal)
}
const faultOf = (work: Promise<unknown>): Promise<ConnectorFault> =>
  work.then(
    () => Promise.reject(new Error('expected a fault')),
    (error: unknown) => (error instanceof ConnectorFault ? error : Promise.reject(error)),
  )
const usage = () =>
  act((tx) =>
    createConnectionUseCases({
      clock,
      registry: { counting: vendor.definitionFor('nobody') },
      secretBox,
      defaultMappings: () => [],
      lastPolls: async () => new Map(),
    }).usage(tx, id),
  )

beforeEach(() => {
  pools = []
})
afterEach(() => Promise.all(pools.map((pool) => pool.close())))

/** The most calls in any stretch of so many milliseconds. */
const densest = (ms: number) => {
  const times = vendor.calls.map(({ at }) => at).sort((a, b) => a - b)
  return Math.max(...times.map((at) => times.filter((one) => one >= at && one < at + ms).length))
}

describe('two workers on one connection', () => {
  test('together never call more often than the vendor allows, in any stretch of its window', async () => {
    await startWorkers({ concurrentCalls: 50, windows: [{ calls: 20, seconds: 1 }] })
    await Promise.all(Array.from({ length: 50 }, (_, index) => callAs(index % 2)))
    expect(vendor.calls).toHaveLength(50)
    expect(densest(1_000)).toBeLessThanOrEqual(20)
    expect(new Set(vendor.calls.map(({ worker }) => worker)).size).toBe(2)
  })

  test('keep to the share of it that the administrators left to us', async () => {
    await startWorkers({ concurrentCalls: 50, windows: [{ calls: 20, seconds: 1 }] }, { share: 50 })
    await Promise.all(Array.from({ length: 20 }, (_, index) => callAs(index % 2)))
    expect(densest(1_000)).toBeLessThanOrEqual(10)
  })

  test('ask the database for many calls at a time', async () => {
    await startWorkers({ concurrentCalls: 50, windows: [{ calls: 1_000, seconds: 10 }] })
    for (let turn = 0; turn < 4; turn += 1)
      await Promise.all(Array.from({ length: 100 }, (_, index) => callAs(index % 2)))
    const { rows } = await act((tx) =>
      sql<{ count: number }>`select count(*)::integer from call_block where connection_id = ${id}`.execute(
        tx,
      ),
    )
    expect(rows[0]?.count).toBeLessThan(60)
    expect(vendor.calls).toHaveLength(400)
  })

  test('both stop when one of them is asked to wait, until exactly then', async () => {
    await startWorkers({ concurrentCalls: 50, windows: [] })
    await Promise.all([callAs(0), callAs(1)])
    const retryAt = new Date(Date.now() + 2_500)
    vendor.answerWith(async (worker) => {
      if (worker === 'worker 0') throw new ConnectorFault('throttled', 'Too many', { code: '429', retryAt })
    })
    await faultOf(callAs(0))
    vendor.answerWith(async () => undefined)
    expect((await usage()).throttledUntil).toEqual(retryAt)
    await new Promise((resolve) => setTimeout(resolve, 600))
    const before = vendor.calls.length
    for (const worker of [0, 1]) {
      const { kind, details } = await faultOf(callAs(worker))
      expect([kind, details.code, details.retryAt]).toEqual(['throttled', 'THROTTLED', retryAt])
    }
    expect(vendor.calls).toHaveLength(before)
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(retryAt.getTime()), 5_000)
    await Promise.all([callAs(0), callAs(1)])
    expect(vendor.calls).toHaveLength(before + 2)
  })

  test('share the calls that may be under way at once', async () => {
    await startWorkers({ concurrentCalls: 6, windows: [] })
    await Promise.all([callAs(0), callAs(1)])
    await new Promise((resolve) => setTimeout(resolve, 600))
    await Promise.all([callAs(0), callAs(1)])
    vendor.forget()
    vendor.answerWith(() => new Promise((resolve) => setTimeout(resolve, 20)))
    await Promise.all(Array.from({ length: 24 }, (_, index) => callAs(index % 2)))
    expect(vendor.mostAtOnce()).toBeLessThanOrEqual(6)
    expect(vendor.mostAtOnce()).toBeGreaterThan(3)
  })
})

describe('of a limit', () => {
  test('a fifth is kept from bulk work and a tenth from repair, and live work gets it', async () => {
    await startWorkers({ concurrentCalls: 50, windows: [{ calls: 20, seconds: 60 }] })
    for (let call = 0; call < 16; call += 1) await callAs(0, 'bulk')
    expect((await faultOf(callAs(0, 'bulk'))).details.code).toBe('RESERVED')
    expect((await faultOf(callAs(1, 'bulk'))).details.code).toBe('RESERVED')
    expect([pools[0]?.mayRun(id, 'bulk'), pools[0]?.mayRun(id, 'repair')]).toEqual([false, true])
    for (let call = 0; call < 2; call += 1) await callAs(1, 'repair')
    expect((await faultOf(callAs(1, 'repair'))).details.code).toBe('RESERVED')
    for (let call = 0; call < 2; call += 1) await callAs(0, 'live')
    const over = await faultOf(callAs(0, 'live'))
    expect([over.kind, over.details.code]).toEqual(['throttled', 'BUDGET'])
    expect(vendor.calls).toHaveLength(20)
  })

  test('that was set for a day both workers keep, and it can be looked up', async () => {
    await startWorkers({ concurrentCalls: 50, windows: [] }, { perDay: 10 })
    let made = 0
    const until = Date.now() + 10_000
    for (let turn = 0; made < 10 && Date.now() < until; turn += 1) {
      await callAs(turn % 2).then(
        () => {
          made += 1
        },
        () => undefined,
      )
    }
    expect(made).toBe(10)
    await Promise.all(pools.map((pool) => pool.flush()))
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    const { details } = await faultOf(callAs(0))
    expect(details.code).toBe('BUDGET')
    expect(details.retryAt?.getTime()).toBeGreaterThan(Date.now())
    expect(await usage()).toMatchObject({
      day: {
        limit: 10,
        calls: 10,
        byOperation: [{ operation: 'read', calls: 10, records: 10 }],
        byPriority: [{ priority: 'live', calls: 10, records: 10 }],
      },
      throttledUntil: null,
    })
  })
})

test('what a worker took and did not use goes back, and what a dead one took is free after the window', async () => {
  await startWorkers({ concurrentCalls: 50, windows: [{ calls: 40, seconds: 2 }] })
  await Promise.all(Array.from({ length: 8 }, () => callAs(0)))
  await callAs(0)
  await new Promise((resolve) => setTimeout(resolve, 600))
  await pools[0]?.flush()
  const [used] = (await usage()).windows
  expect(used).toEqual({ seconds: 2, limit: 40, ceiling: 40, used: 9 })
  await act((tx) =>
    sql`insert into call_block (connection_id, worker, calls) values (${id}, ${newId()}, 31)`.execute(tx),
  )
  const began = performance.now()
  await callAs(1)
  expect(performance.now() - began).toBeGreaterThan(500)
})
