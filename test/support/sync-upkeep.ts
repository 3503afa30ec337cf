import { pino } from 'pino'
import type { Tx } from '#src/database/database.ts'
import { buildServer } from '#src/http/server.ts'
import { type Actor, type VendorRole, vendorRoles } from '#src/kernel/actor.ts'
import { createEventBus, type EventOf } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { leakRoutes } from '#src/sync/attribution/leak-routes.ts'
import { createLeakUseCases } from '#src/sync/attribution/leak-use-cases.ts'
import { driftRoutes } from '#src/sync/upkeep/drift-routes.ts'
import { createDriftUseCases } from '#src/sync/upkeep/drift-use-cases.ts'
import { taskRoutes } from '#src/sync/upkeep/task-routes.ts'
import { createTaskUseCases } from '#src/sync/upkeep/task-use-cases.ts'
import { createTaskWork } from '#src/sync/upkeep/task-work.ts'
import type { ToySync } from './toy-sync.ts'

const persons = new Map<VendorRole, Actor>(
  vendorRoles.map((role) => [role, { kind: 'vendor', id: newId(), name: `The ${role}`, roles: [role] }]),
)

/** Long tasks of the engine of a test: their routes, and their work on demand. */
export async function upkeepOf(sync: ToySync) {
  const { database } = sync.engine
  const tasks = createTaskUseCases(sync.operations)
  const work = createTaskWork(sync.engine, () => undefined)
  const notices: EventOf<'notification'>[] = []
  const drift = createDriftUseCases({
    engine: sync.engine,
    connectionOf: sync.operations.connectionOf,
    events: createEventBus<Tx>({ notification: [async (_tx, _actor, batch) => void notices.push(...batch)] }),
    ring: () => undefined,
  })
  const leaks = createLeakUseCases({
    ...sync.operations,
    connectionIds: async () => [sync.connection.id],
  })
  const server = await buildServer({
    database,
    routes: [...taskRoutes(tasks), ...driftRoutes(drift), ...leakRoutes(leaks)],
    authenticate: async (token) => persons.get(token as VendorRole) ?? null,
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: 10_000,
    trustProxy: false,
  })
  const base = `/api/v1/connections/${sync.connection.id}`
  async function request(
    method: 'GET' | 'POST',
    path: string,
    payload?: object,
    role = 'revenue_operations',
  ) {
    const answer = await server.inject({
      method,
      url: `${base}${path}`,
      headers: { authorization: `Bearer ${role}` },
      ...(payload ? { payload } : {}),
    })
    return { status: answer.statusCode, body: answer.json() }
  }
  const drain = (signal = AbortSignal.timeout(60_000)) => work.drain(signal)
  return {
    tasks,
    drift,
    notices,
    /** Looks at the CRM's set-up now. */
    checkDrift: async () => (await request('POST', '/drift/check')).body,
    request,
    drain,
    /** The attribution leak report. */
    async leaks(query = '') {
      const url = `/api/v1/reports/attribution-leak?${query}`
      return (await server.inject({ url, headers: { authorization: 'Bearer channel_manager' } })).json()
    },
    async leakCsv(query = '') {
      const url = `/api/v1/reports/attribution-leak/csv?${query}`
      return server.inject({ url, headers: { authorization: 'Bearer auditor' } })
    },
    async backfill(entity: string, dryRun = false) {
      const { body, status } = await request('POST', '/backfills', { entity, dryRun })
      if (status !== 202) throw new Error(JSON.stringify(body))
      await drain()
      return (await request('GET', `/backfills/${body.id}`)).body
    },
    async reconcile() {
      const { body, status } = await request('POST', '/reconciliations')
      if (status !== 202) throw new Error(JSON.stringify(body))
      await drain()
      return (await request('GET', `/reconciliations/${body.id}`)).body
    },
    async repair(id: string) {
      const { body, status } = await request('POST', `/reconciliations/${id}/repair`)
      if (status !== 202) throw new Error(JSON.stringify(body))
      await drain()
      return (await request('GET', `/reconciliations/${id}`)).body
    },
    close: () => server.close(),
  }
}
export type Upkeep = Awaited<ReturnType<typeof upkeepOf>>
