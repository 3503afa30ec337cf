import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Database } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { addEndpoint, compileValidator } from './endpoints.ts'
import { openApiOptions } from './openapi.ts'
import { sendProblem } from './problem.ts'
import { limitRequests } from './rate-limits.ts'
import { answerMissing, answerUnreadable, takeJsonOnly } from './request-form.ts'
import { refuseUnstorableText } from './request-text.ts'
import type { Route } from './route.ts'

declare module 'fastify' {
  interface FastifyRequest {
    actor: Actor | null
  }
}

export interface ServerOptions {
  readonly database: Database
  readonly routes: readonly Route[]
  /** The actor behind a bearer token, or null. */
  authenticate(token: string): Promise<Actor | null>
  readonly logger: FastifyBaseLogger
  readonly version: string
  /** Per caller, and per address of those who are nobody; 0 sets no limit. */
  readonly requestsPerMinute: number
  /** How long a body that is held in memory may take to arrive; two minutes unless said. */
  readonly bodyWithinMs?: number
  readonly trustProxy: boolean | number | readonly string[]
  /** Routes that need the raw request (webhooks, streamed files) or live outside /api (health, metrics). */
  readonly plugins?: readonly ((app: FastifyInstance) => void | Promise<void>)[]
}

const bodyLimitBytes = 1_048_576
const uploadMs = 3_600_000

/** Builds the HTTP service without listening, so that tests need no port. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: options.logger,
    bodyLimit: bodyLimitBytes,
    trustProxy: proxyTrust(options.trustProxy),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newId(),
    return503OnClosing: false,
    requestTimeout: uploadMs,
    routerOptions: { ignoreTrailingSlash: true },
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    clientErrorHandler: answerUnreadable,
  })
  endIdleConnections(app)
  app.decorateRequest('actor', null)
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler(answerMissing(options.routes))
  app.setValidatorCompiler(compileValidator)
  app.setSerializerCompiler(
    () => (payload) => (typeof payload === 'string' ? payload : JSON.stringify(payload)),
  )
  takeJsonOnly(app)
  refuseUnstorableText(app)
  await app.register(helmet, {
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null, imgSrc: ["'self'", 'data:'] } },
  })
  await limitRequests(app, options.requestsPerMinute, async (request) => {
    request.actor = await identify(request, options)
  })
  await app.register(swagger, openApiOptions(options.version))
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    theme: { title: 'Counterpart API' },
    // Without the bar on top, which would load the description of anybody's API.
    uiConfig: { layout: 'BaseLayout', docExpansion: 'none', filter: true },
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        url: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    )
  })
  for (const plugin of options.plugins ?? []) await app.register(async (scope) => plugin(scope))
  for (const definition of options.routes) {
    await addEndpoint(app, definition, {
      database: options.database,
      bodyWithinMs: options.bodyWithinMs ?? 120_000,
    })
  }
  return app
}

/** Connections whose last request ends while we close would stay open for another one, and hold up the stop. */
function endIdleConnections(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const sweep = setInterval(() => app.server.closeIdleConnections(), 100)
    app.server.once('close', () => clearInterval(sweep))
  })
}

/** So many hops in front of us, or these addresses, may say who the caller is. */
function proxyTrust(trust: ServerOptions['trustProxy']) {
  if (typeof trust === 'number') return (_address: string, hop: number) => hop < trust
  return typeof trust === 'object' ? [...trust] : trust
}

async function identify(request: FastifyRequest, options: ServerOptions): Promise<Actor | null> {
  const header = request.headers.authorization
  if (!header) return null
  const token = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header)?.[1]
  return token ? options.authenticate(token) : null
}
