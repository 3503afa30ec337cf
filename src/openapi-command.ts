/**
 * `npm run openapi` writes the description of the API to config/openapi.json; with --check it only compares, and says
 * so when the committed file is not what the routes say.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createLogger } from '#config/logger.ts'
import { version } from './application.ts'
import { createCapabilities } from './capabilities.ts'
import { openDatabase } from './database/database.ts'
import { buildServer } from './http/server.ts'
import { systemClock } from './kernel/clock.ts'
import { createRoutes } from './routes.ts'

const file = join(resolve(import.meta.dirname, '..'), 'config/openapi.json')
const logger = createLogger({ level: 'silent' })
// Describing the routes asks the database nothing, so it need not be there.
const database = openDatabase({ url: 'postgres://nobody@127.0.0.1:1/none' })
const made = createCapabilities({
  database,
  clock: systemClock,
  logger,
  keys: { current: randomBytes(32), previous: [] },
  publicUrl: 'http://127.0.0.1',
  ring: () => undefined,
})
const server = await buildServer({
  database,
  routes: createRoutes(made),
  authenticate: async () => null,
  logger,
  version,
  requestsPerMinute: 0,
  trustProxy: false,
})
await server.ready()
const text = `${JSON.stringify(server.swagger(), null, 2)}\n`
await server.close()
await made.pool.close()
await database.close()

if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) {
  process.stderr.write('config/openapi.json is not what the routes say. Run: npm run openapi\n')
  process.exitCode = 1
}
