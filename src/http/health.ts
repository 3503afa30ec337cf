import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Named checks of readiness; a check that throws makes the service not ready, and its message is shown. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<void>>>

/** Figures read when metrics are asked for: name, help and current values by label. */
export interface Figures {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  read(): Promise<readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>
}

const checkTimeoutMs = 3_000

/**
 * `/livez`: the process runs (restart it when not). `/readyz`: it can serve (send no traffic when not).
 * `/metrics`: Prometheus text. None of them shows business data; keep /metrics inside your network all the same.
 */
export function healthPlugin(checks: ReadinessChecks, figures: readonly Figures[]) {
  return (app: FastifyInstance): void => {
    const registry = new Registry()
    collectDefaultMetrics({ register: registry })
    const requests = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Duration of HTTP requests',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers: [registry],
    })
    for (const { name, help, labels, read } of figures) {
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers: [registry],
        async collect() {
          this.reset()
          // Without the database there are no figures of ours, but those of the process are wanted most then.
          const values = await read().catch((err: unknown) => {
            app.log.warn({ err, figures: name }, 'figures could not be read')
            return []
          })
          for (const { labels: at, value } of values) this.set({ ...at }, value)
        },
      })
    }
    app.server.on('close', () => registry.clear())
    app.get('/livez', { schema: { hide: true }, config: { rateLimit: false } }, async () => ({
      status: 'alive',
    }))
    app.get('/readyz', { schema: { hide: true }, config: { rateLimit: false } }, async (_request, reply) => {
      const results = await runChecks(checks)
      const ready = Object.values(results).every((result) => result === 'ok')
      return reply.status(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks: results })
    })
    app.get('/metrics', { schema: { hide: true }, config: { rateLimit: false } }, async (_request, reply) =>
      reply.type(registry.contentType).send(await registry.metrics()),
    )
    app.addHook('onResponse', (request, reply, done) => {
      const route = request.routeOptions.url ?? 'unknown'
      requests.observe(
        { method: request.method, route, status: String(reply.statusCode) },
        reply.elapsedTime / 1_000,
      )
      done()
    })
  }
}

async function runChecks(checks: ReadinessChecks): Promise<Record<string, string>> {
  const results = Object.entries(checks).map(async ([name, check]) => [name, await outcomeOf(check)] as const)
  return Object.fromEntries(await Promise.all(results))
}

async function outcomeOf(check: () => Promise<void>): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${checkTimeoutMs / 1_000} s`), checkTimeoutMs)
  })
  const outcome = check().then(
    () => 'ok',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  try {
    return await Promise.race([outcome, timeout])
  } finally {
    clearTimeout(timer)
  }
}
