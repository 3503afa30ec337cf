import { pino } from 'pino'
import type { Database } from '#src/database/database.ts'
import { buildServer } from '#src/http/server.ts'
import { type Actor, type VendorRole, vendorRoles } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { syncRoutes } from '#src/sync/operations/operation-routes.ts'
import { createSyncOperations } from '#src/sync/operations/operation-use-cases.ts'
import type { ToySync } from './toy-sync.ts'

const persons = new Map<VendorRole, Actor>(
  vendorRoles.map((role) => [role, { kind: 'vendor', id: newId(), name: `The ${role}`, roles: [role] }]),
)

/** The routes of the sync engine over an engine with capabilities in memory; whoever asks has one role. */
export async function syncApi(database: Database, sync: ToySync) {
  const server = await buildServer({
    database,
    routes: syncRoutes(createSyncOperations(sync.operations), { pollNow: () => sync.poll() }),
    authenticate: async (token) => persons.get(token as VendorRole) ?? null,
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: 10_000,
    trustProxy: false,
  })
  async function request(
    method: 'GET' | 'POST',
    path: string,
    payload?: object,
    role: VendorRole = 'revenue_operations',
  ) {
    const answer = await server.inject({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${role}` },
      ...(payload ? { payload } : {}),
    })
    return { status: answer.statusCode, body: answer.json() }
  }
  return {
    request,
    get: async (path: string) => (await request('GET', path)).body,
    /** The one open item of a kind. */
    async openReview(kind: string) {
      const { items } = (
        await request('GET', `/review-items?connectionId=${sync.connection.id}&kind=${kind}&state=open`)
      ).body
      if (items.length !== 1) throw new Error(`${items.length} open items of kind ${kind}, not one`)
      return items[0]
    },
    resolve: (id: string, resolution: object, reason = 'as agreed on the phone') =>
      request('POST', `/review-items/${id}/resolve`, { resolution, reason }),
    close: () => server.close(),
  }
}
export type SyncApi = Awaited<ReturnType<typeof syncApi>>
