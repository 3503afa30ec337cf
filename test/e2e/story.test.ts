import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Application } from '#src/application.ts'
import { tellStory } from '#test/demo/story.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { createApi } from '#test/support/api-client.ts'
import { startApplication } from '#test/support/application.ts'
import { useDatabase } from '#test/support/database.ts'

const redisUrl = process.env['TEST_REDIS_URL'] ?? null
const db = useDatabase()
let application: Application & { readonly url: string }
let simulator: SalesforceSimulator

beforeAll(async () => {
  simulator = await startSalesforceSimulator()
  application = await startApplication(db.database, db.url, { redisUrl })
  await application.startWork()
})
afterAll(async () => {
  await application.close(10_000)
  await simulator.close()
})

test(`one deal from draft to commission and back, with the bell on ${redisUrl ? 'Redis' : 'PostgreSQL'}`, async () => {
  const token = await application.bootstrapToken()
  const report = await tellStory(createApi(application.url, token ?? ''), simulator, () => undefined)
  expect(report.steps.filter(({ ok }) => !ok)).toEqual([])
  expect(report.steps.length).toBeGreaterThan(12)
}, 180_000)
