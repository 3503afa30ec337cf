import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import type { Logger } from '#config/logger.ts'
import { type Application, createApplication } from '#src/application.ts'
import type { Database } from '#src/database/database.ts'

/** The service in this process, on a test's database, listening on a free loopback port. */
export async function startApplication(
  database: Database,
  databaseUrl: string,
  options: { readonly redisUrl?: string | null; readonly logger?: Logger } = {},
): Promise<Application & { readonly url: string }> {
  const application = await createApplication({
    config: {
      redisUrl: options.redisUrl ?? null,
      rateLimitPerMinute: 0,
      trustProxy: false,
      mail: null,
      publicUrl: 'http://127.0.0.1',
    },
    logger: options.logger ?? pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' }),
    database,
    databaseUrl,
    keys: { current: randomBytes(32), previous: [] },
  })
  const url = await application.server.listen({ host: '127.0.0.1', port: 0 })
  return { ...application, url }
}
