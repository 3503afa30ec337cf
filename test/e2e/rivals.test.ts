import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Application } from '#src/application.ts'
import { createApi } from '#test/support/api-client.ts'
import { startApplication } from '#test/support/application.ts'
import { useDatabase } from '#test/support/database.ts'
import { createRandom } from '#test/support/random.ts'
import { runConflicts } from '#test/torture/conflicts.ts'

const db = useDatabase()
let application: Application & { readonly url: string }
beforeAll(async () => {
  application = await startApplication(db.database, db.url)
  await application.startWork()
})
afterAll(() => application.close(10_000))

test('of fifty partners that register one deal at once, in spellings of it, one is clear and the others hear of a conflict and no more', async () => {
  const admin = createApi(application.url, (await application.bootstrapToken()) ?? '')
  const said: string[] = []
  const report = await runConflicts(admin, createRandom(7), {
    seed: 7,
    rounds: 2,
    partners: 50,
    importRows: 50,
    say: (text) => void said.push(text),
  })
  expect(report.violations).toEqual([])
  expect(report.roundsInOrder).toBe(report.rounds)
  expect(report.rounds).toBeGreaterThanOrEqual(2)
  expect(said.at(-1)).toContain('each with one clear')
}, 240_000)
