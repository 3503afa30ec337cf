import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLogger } from '#config/logger.ts'
import type { Application } from '#src/application.ts'
import { createRoutes } from '#src/routes.ts'
import { tellStory } from '#test/demo/story.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { createApi } from '#test/support/api-client.ts'
import { startApplication } from '#test/support/application.ts'
import { useDatabase } from '#test/support/database.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'
import { dumpTables } from '#test/support/sql.ts'

const redisUrl = process.env['TEST_REDIS_URL'] ?? null
const db = useDatabase()
let application: Application & { readonly url: string }
let simulator: SalesforceSimulator
let token: string
const log: string[] = []

beforeAll(async () => {
  simulator = await startSalesforceSimulator()
  const logger = createLogger({ level: 'trace', destination: { write: (line) => void log.push(line) } })
  application = await startApplication(db.database, db.url, { redisUrl, logger })
  await application.startWork()
})
afterAll(async () => {
  await application.close(10_000)
  await simulator.close()
})

test(`one deal from draft to commission and back, with the bell on ${redisUrl ? 'Redis' : 'PostgreSQL'}`, async () => {
  token = (await application.bootstrapToken()) ?? ''
  const report = await tellStory(
    createApi(application.url, token),
    [salesforceDesk(simulator)],
    () => undefined,
  )
  expect(report.steps.filter(({ ok }) => !ok)).toEqual([])
  expect(report.steps.length).toBeGreaterThan(12)
}, 180_000)

describe('what such a deal leaves behind', () => {
  /** Our tokens and those of the CRM as they look, and the secret that the CRM gave us. */
  const secretsIn = (text: string) => [
    ...(text.match(/cp_[\w-]{43}/g) ?? []),
    ...(text.match(/00D\w{12,15}![\w.]{20,}/g) ?? []),
    ...(text.includes(simulator.credentials.clientSecret) ? ['the secret of the connection'] : []),
  ]

  test('holds no secret in any table', async () => {
    const tables = await dumpTables(db.database)
    expect(tables['api_token']).toContain('secret_hash')
    expect(tables['connection']).toContain('secrets')
    expect(Object.entries(tables).filter(([, text]) => secretsIn(text).length > 0)).toEqual([])
  })

  test('holds no secret in the log, even of the finest grain', async () => {
    // What a CRM refuses is where a secret would slip in.
    const admin = createApi(application.url, token)
    const { items } = await admin.get('/api/v1/connections')
    simulator.expireSessions()
    await admin.post(`/api/v1/connections/${items[0].id}/check`).catch(() => undefined)
    await fetch(`${application.url}/api/v1/me?token=${token}`, {
      headers: { authorization: `Bearer ${token}x` },
    })
    expect(log.length).toBeGreaterThan(100)
    expect(log.flatMap(secretsIn)).toEqual([])
  })

  test('holds no secret in any answer', async () => {
    const { items } = await createApi(application.url, token).get('/api/v1/connections')
    for (const { method, path, run } of createRoutes(application.capabilities)) {
      if (method !== 'GET' || run.kind !== 'transaction') continue
      const url =
        application.url + path.replace(':connectionId', items[0].id).replaceAll(/:\w+/g, items[0].id)
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
      expect([path, secretsIn(await answer.text())]).toEqual([path, []])
    }
  })
})
