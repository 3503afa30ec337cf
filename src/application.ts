/** The service as a whole: routes on one side, work behind them on the other. main.ts starts and stops it. */
import type { FastifyInstance } from 'fastify'
import type { Config, SecretKeys } from '#config/env.ts'
import type { Logger } from '#config/logger.ts'
import type { Bell } from '#jobs/bell.ts'
import { checkRedis, createBullBell } from '#jobs/bull-bell.ts'
import { createPostgresBell } from '#jobs/postgres-bell.ts'
import { registerJobs } from '#jobs/registry.ts'
import { type Schedule, startSchedule } from '#jobs/schedule.ts'
import { type Capabilities, createCapabilities } from './capabilities.ts'
import type { Database } from './database/database.ts'
import { healthPlugin } from './http/health.ts'
import { buildServer } from './http/server.ts'
import { systemActor } from './kernel/actor.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { createRoutes } from './routes.ts'
import { holdChannels } from './sync/passes/listening.ts'
import { queueFigures } from './sync/passes/queue-figures.ts'
import { createJobs, createSchedules } from './work.ts'

export interface ApplicationOptions {
  readonly config: Pick<Config, 'redisUrl' | 'rateLimitPerMinute' | 'trustProxy' | 'mail' | 'publicUrl'>
  readonly logger: Logger
  readonly database: Database
  readonly databaseUrl: string
  readonly keys: SecretKeys
  readonly clock?: Clock
}

export interface Application {
  readonly server: FastifyInstance
  readonly capabilities: Capabilities
  /** The first administrator's token, made once on an empty installation; null afterwards. */
  bootstrapToken(): Promise<string | null>
  /** Begins to work off jobs and schedules in this process. */
  startWork(): Promise<void>
  /** Takes no more requests, finishes what is in hand within the time, gives back leases and connections. */
  close(withinMs: number): Promise<void>
}

export const version = '0.1.0'
const gateActor = systemActor('sign-in')

export async function createApplication(options: ApplicationOptions): Promise<Application> {
  const { config, logger, database } = options
  const clock = options.clock ?? systemClock
  const bell = await openBell(options)
  const capabilities = createCapabilities({
    database,
    clock,
    logger,
    keys: options.keys,
    publicUrl: config.publicUrl,
    ring: (name, notBefore) => bell.ring(name, notBefore),
  })
  const figures = queueFigures(database, capabilities.push)
  const server = await buildServer({
    database,
    routes: createRoutes(capabilities),
    authenticate: (token) =>
      database.transact(gateActor, (tx) => capabilities.partners.authenticate(tx, token)),
    logger,
    version,
    requestsPerMinute: config.rateLimitPerMinute,
    trustProxy: config.trustProxy,
    plugins: [
      healthPlugin(
        {
          database: () => assertReachable(database, logger),
          jobs: async () => assertHealthy(bell),
        },
        figures,
      ),
    ],
  })
  let schedule: Schedule | null = null
  const stopping = new AbortController()
  let listening: Promise<void> = Promise.resolve()
  return {
    server,
    capabilities,
    bootstrapToken: () =>
      database.transact(gateActor, (tx) => capabilities.partners.bootstrapAdministrator(tx)),
    async startWork() {
      registerJobs(
        bell,
        createJobs(capabilities, {
          database,
          clock,
          logger,
          bell,
          mail: config.mail,
          publicUrl: config.publicUrl,
        }),
      )
      schedule = startSchedule({
        database,
        entries: createSchedules(capabilities, { database, clock, bell }),
        logger,
        clock,
      })
      listening = holdChannels(capabilities.engine, bell, stopping.signal)
      await schedule.catchUp()
    },
    async close(withinMs) {
      stopping.abort()
      const late = setTimeout(() => server.server.closeAllConnections(), withinMs)
      // All at once: together they may take no longer than each of them.
      await Promise.all([server.close(), schedule?.close(withinMs), bell.close(withinMs), listening])
      clearTimeout(late)
      await capabilities.pool.close()
    },
  }
}

async function openBell({ config, logger, databaseUrl }: ApplicationOptions): Promise<Bell> {
  if (config.redisUrl === null) return createPostgresBell({ url: databaseUrl, logger })
  for (const warning of await checkRedis(config.redisUrl)) logger.warn(warning)
  return createBullBell({ url: config.redisUrl, logger })
}

/** Anybody may ask, so why it is not reachable stands in the log alone. */
async function assertReachable(database: Database, logger: Logger): Promise<void> {
  try {
    await database.transact(gateActor, async () => undefined)
  } catch (err) {
    logger.warn({ err }, 'the database cannot be reached')
    throw new Error('cannot be reached')
  }
}

/** A drain that failed last time and has not succeeded since makes the process not ready. */
function assertHealthy(bell: Bell): void {
  const failing = bell
    .health()
    .filter(({ lastFailure, failures, runs }) => lastFailure !== null && failures > 3 && runs > 3)
  if (failing.length > 0) throw new Error(`failing: ${failing.map(({ name }) => name).join(', ')}`)
}
