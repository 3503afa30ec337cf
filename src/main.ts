/**
 * The process: reads its settings, opens the database, starts what its role asks for, and ends gracefully.
 * What is made of what stands in application.ts.
 */
import { resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { type Config, readConfig } from '#config/env.ts'
import { createLogger, type Logger } from '#config/logger.ts'
import { readKeyFile } from '#config/secret-keys.ts'
import { type Application, createApplication } from './application.ts'
import { openDatabase } from './database/database.ts'
import { chooseFolder } from './database/embedded/home.ts'
import { type EmbeddedServer, startEmbeddedServer } from './database/embedded/server.ts'
import { migrate } from './database/migrations.ts'

const checkout = resolve(import.meta.dirname, '..')

async function start(config: Config, logger: Logger): Promise<(reason: string) => Promise<void>> {
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    for (const step of closers.splice(0).reverse()) await step()
  }
  try {
    const embedded = config.databaseUrl === null ? await startEmbedded(config, logger) : null
    if (embedded) closers.push(() => embedded.stop())
    const url = embedded?.url() ?? config.databaseUrl ?? ''
    const steps = await migrate(url)
    if (steps.length > 0) logger.info({ steps }, 'the database schema was brought up to date')
    const database = openDatabase({
      url,
      onIdleError: (err) => logger.warn({ err }, 'an idle database connection failed'),
    })
    closers.push(() => database.close())
    const keys =
      config.secretKeys ?? readKeyFile(embedded?.home.folder ?? chooseFolder(config.dataFolder, checkout))
    const application = await createApplication({ config, logger, database, databaseUrl: url, keys })
    closers.push(() => application.close(config.shutdownMs))
    if (config.role !== 'worker') {
      await listen(application.server, config)
      await announce(application, config)
    }
    if (config.role !== 'api') {
      await application.startWork()
      logger.info({ role: config.role }, 'working')
    }
  } catch (error) {
    await close().catch((err: unknown) => logger.error({ err }, 'closing after a failed start failed'))
    throw error
  }
  return async (reason) => {
    logger.info({ reason }, 'stopping: what is in hand is finished first')
    await close()
    logger.info('stopped')
  }
}

async function startEmbedded(config: Config, logger: Logger): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer({ dataFolder: config.dataFolder, checkout })
  logger.info({ folder: server.home.folder }, 'the embedded database is ready')
  void server.died.then((reason) => {
    logger.fatal({ reason }, 'the embedded database ended by itself; the service cannot go on')
    process.exit(1)
  })
  return server
}

async function listen(server: FastifyInstance, { host, port }: Config): Promise<void> {
  try {
    await server.listen({ host, port })
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    if (error.code === 'EADDRINUSE') {
      throw new Error(
        `Port ${port} on ${host} is taken by another program. Stop that one, or set PORT to a free port.`,
      )
    }
    if (error.code === 'EADDRNOTAVAIL')
      throw new Error(`This machine has no address ${host}. Set HOST to one it has.`)
    if (error.code === 'EACCES')
      throw new Error(`Port ${port} may not be opened by this user. Set PORT to one above 1023.`)
    throw error
  }
}

/** What a person needs at the start; the token is shown once, when the first administrator is made. */
async function announce(application: Application, config: Config): Promise<void> {
  const address = application.server.server.address()
  const url =
    typeof address === 'object' && address !== null
      ? `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
      : config.publicUrl
  const token = await application.bootstrapToken()
  const lines = [`Counterpart is running at ${url}`, `API reference: ${url}/docs`]
  if (token) lines.push(`Administrator token (shown once, keep it): ${token}`)
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function run(): Promise<void> {
  const config = readConfig()
  const logger = createLogger({ level: config.logLevel })
  let stop: ((reason: string) => Promise<void>) | null = null
  let asked: string | null = null
  const end = (stopNow: (reason: string) => Promise<void>, signal: string) => {
    const deadline = setTimeout(() => {
      logger.fatal('work in hand did not end in time; leases give it to others')
      process.exit(1)
    }, config.shutdownMs + 5_000)
    deadline.unref()
    stopNow(signal).then(
      () => process.exit(0),
      (err: unknown) => {
        logger.fatal({ err }, 'stopping failed')
        process.exit(1)
      },
    )
  }
  // Work may begin before the start is over; whoever is asked to stop in between finishes both in order.
  const onSignal = (signal: string) => {
    // Asked twice before the start is over: whatever holds it up is not waited for.
    if (asked !== null && !stop) process.exit(1)
    if (asked !== null) return
    asked = signal
    if (stop) end(stop, signal)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal)
  stop = await start(config, logger)
  if (asked !== null) end(stop, asked)
}

run().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error)
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
  process.stderr.write(message.includes(cause) ? `${message}\n` : `${message}\n  ${cause}\n`)
  process.exit(1)
})
