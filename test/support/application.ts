import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import type { Logger } from '#config/logger.ts'
import { type Application, createApplication } from '#src/application.ts'
import type { Database } from '#src/database/database.ts'

/** The service in this process, on a test's database, listening on a free loopback port unless told which. */
export async function startApplication(
  database: Database,
  databaseUrl: string,
  options: { readonly redisUrl?: string | null; readonly logger?: Logger; readonly port?: number } = {},
): Promise<Application & { readonly url: string }> {
  const application = await createApplication({
    config: {
      redisUrl: options.redisUrl ?? null,
      rateLimitPerMinute: 0,
      trustProxy: false,
      mail: null,
      // CRMs that sign what they send sign the address as well, so it has to be known beforehand.
      publicUrl: options.port === undefined ? 'http://127.0.0.1' : `http://127.0.0.1:${options.port}`,
    },
    logger: options.logger ?? pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' }),
    database,
    databaseUrl,
    keys: { current: randomBytes(32), previous: [] },
  })
  const url = await application.server.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  return { ...application, url }
}
