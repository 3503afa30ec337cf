import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifySchema,
  type FastifySchemaCompiler,
  LogController,
} from 'fastify'
import { z } from 'zod'
import type { Database, Tx } from '#src/database/database.ts'
import type { Actor, Role } from '#src/kernel/actor.ts'
import { InvalidInput, NotAllowed } from '#src/kernel/errors.ts'
import { newId } from '#src/kernel/ids.ts'
import { answerFlowing, flowingBody, isFlowing, takeFlowing } from './flow.ts'
import { runOnce, type SentAnswer } from './idempotency.ts'
import { openApiOptions } from './openapi.ts'
import { fieldIssues, problemSchema, sendProblem } from './problem.ts'
import { limitRequests } from './rate-limits.ts'
import { answerMissing, answerUnreadable, takeJsonOnly } from './request-form.ts'
import { refuseUnstorableText } from './request-text.ts'
import type { Access, Route } from './route.ts'

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
  readonly trustProxy: boolean | number | readonly string[]
  /** Routes that need the raw request (webhooks, streamed files) or live outside /api (health, metrics). */
  readonly plugins?: readonly ((app: FastifyInstance) => void | Promise<void>)[]
}

const bodyLimitBytes = 1_048_576
const networkTimeoutMs = 60_000
const arrivalMs = 120_000
const uploadMs = 3_600_000
const anyone: Actor = { kind: 'system', name: 'anonymous' }

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
  app.decorateRequest('actor', null)
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler(answerMissing(options.routes))
  acceptEmptyJson(app)
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
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
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
    if (definition.run.kind === 'stream')
      await addStreamRoute(app, options.database, definition, definition.run)
    else addRoute(app, options.database, definition)
  }
  return app
}

/** A client that always says "JSON" may send nothing where nothing is asked. */
function acceptEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parse(request, body, done)
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

/** The actor, if its roles permit; a missing or unknown token is 401, a role that does not suffice 403. */
export function requireActor(request: FastifyRequest, access: Access): Actor {
  if (access === 'anyone') return request.actor ?? anyone
  const { actor } = request
  if (!actor) {
    throw Object.assign(new Error('Send "Authorization: Bearer <API token>" with a token that is valid'), {
      statusCode: 401,
      code: 'unauthenticated',
    })
  }
  const roles: readonly Role[] = actor.kind === 'vendor' || actor.kind === 'partner' ? actor.roles : []
  if (!roles.some((role) => access.includes(role))) {
    throw new NotAllowed(`This needs one of the roles: ${access.join(', ')}`)
  }
  return actor
}

/** The server waits long enough for a large file; what is held in memory has to arrive sooner. */
function limitArrival(request: FastifyRequest): void {
  const late = setTimeout(() => request.raw.destroy(), arrivalMs).unref()
  for (const event of ['end', 'close']) request.raw.once(event, () => clearTimeout(late))
}

/** What every route has, whatever runs it. */
const statement = (route: Route) => ({
  method: route.method,
  url: route.path,
  schema: schemaOf(route),
  attachValidation: true,
})

const schemaOf = (route: Route): FastifySchema => ({
  summary: route.summary,
  description: describeAccess(route),
  tags: [route.tag],
  ...(route.access === 'anyone' ? { security: [] } : {}),
  ...(route.params ? { params: route.params } : {}),
  ...(route.query ? { querystring: route.query } : {}),
  ...(route.body ? { body: route.body } : {}),
  response: { ...route.answers, default: problemSchema },
})

/** In a scope of its own: it reads no body but the one that it takes, and that one it does not hold. */
function addStreamRoute(app: FastifyInstance, database: Database, route: Route, run: StreamRun) {
  return app.register(async (scope) => {
    takeFlowing(scope, run.takes?.mediaType ?? null)
    scope.setValidatorCompiler(validateAllButBody)
    scope.route({
      ...statement(route),
      schema: { ...schemaOf(route), ...(run.takes ? documentedBody(run.takes) : {}) },
      onRequest: async (request) => void requireActor(request, route.access),
      handler: async (request, reply) => {
        if (request.validationError) throw validationProblem(request.validationError)
        const actor = requireActor(request, route.access)
        const body = flowingBody(request, run.takes?.limitBytes ?? 0)
        const context = { ...contextOf(request, actor), body, database, signal: request.signal }
        const result = await run.handle(context)
        return isFlowing(result.body)
          ? answerFlowing(reply, { ...result, body: result.body }, route.contentType)
          : send(reply, encode(route, result))
      },
    })
  })
}

type StreamRun = Extract<Route['run'], { kind: 'stream' }>

const compileValidator: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (value) => {
    const result = z.safeParse(schema, value)
    return result.success ? { value: result.data } : { error: result.error }
  }

const validateAllButBody: FastifySchemaCompiler<z.ZodType> = (part) =>
  part.httpPart === 'body' ? (value) => ({ value }) : compileValidator(part)

/** For the documentation; there is nothing to validate before it has flowed. */
const documentedBody = ({ mediaType, description }: NonNullable<StreamRun['takes']>) => ({
  body: z.string().describe(description),
  consumes: [mediaType],
})

function addRoute(app: FastifyInstance, database: Database, route: Route): void {
  const mutates = route.method !== 'GET'
  app.route({
    ...statement(route),
    onRequest: async (request) => {
      requireActor(request, route.access)
      limitArrival(request)
    },
    handler: async (request, reply) => {
      if (request.validationError) throw validationProblem(request.validationError)
      const actor = requireActor(request, route.access)
      const { run } = route
      if (run.kind === 'stream') throw new Error('A stream route has a scope of its own')
      if (run.kind === 'network') {
        const signal = AbortSignal.any([AbortSignal.timeout(networkTimeoutMs), request.signal])
        const result = await run.handle({ ...contextOf(request, actor), database, signal })
        return send(reply, encode(route, result))
      }
      const work = async (tx: Tx) => encode(route, await run.handle({ ...contextOf(request, actor), tx }))
      const key = request.headers['idempotency-key']
      const sent =
        mutates && typeof key === 'string'
          ? await runOnce(database, idempotentCall(route, actor, key, request), work)
          : await database.transact(actor, work)
      return send(reply, sent)
    },
  })
}

const idempotentCall = (route: Route, actor: Actor, key: string, request: FastifyRequest) => ({
  actor,
  route: `${route.method} ${route.path}`,
  key,
  input: { params: request.params, query: request.query, body: request.body },
  holdsSecret: route.holdsSecret,
})

function describeAccess(route: Route): string {
  const who =
    route.access === 'anyone' ? 'Anyone may call this.' : `May be called by: ${route.access.join(', ')}.`
  return route.description ? `${route.description}\n\n${who}` : who
}

function contextOf(request: FastifyRequest, actor: Actor) {
  const { params, query, body, log } = request
  return { actor, params, query, body, ifMatch: readIfMatch(request), log }
}

type Result = Awaited<ReturnType<Route['run']['handle']>>

function encode(route: Route, result: Result): SentAnswer {
  const schema = route.answers[result.status]
  if (!schema)
    throw new Error(`${route.method} ${route.path} answered with undeclared status ${result.status}`)
  const encoded = z.encode(schema, result.body)
  const text = typeof encoded === 'string' && route.contentType
  return {
    status: result.status,
    body: result.status === 204 ? '' : text ? encoded : JSON.stringify(encoded),
    headers: {
      ...(result.status === 204
        ? {}
        : { 'content-type': route.contentType ?? 'application/json; charset=utf-8' }),
      ...(result.etag === undefined ? {} : { etag: `"${result.etag}"` }),
      ...result.headers,
    },
  }
}

function readIfMatch(request: FastifyRequest): number | null {
  const header = request.headers['if-match']
  if (header === undefined || header === '*') return null
  const revision = /^(?:W\/)?"(\d{1,9})"$/.exec(header)?.[1]
  if (revision !== undefined) return Number(revision)
  throw new InvalidInput('If-Match is not an ETag of ours', [
    {
      path: '/headers/if-match',
      code: 'invalid_etag',
      message: 'Send the ETag of the record as you read it',
    },
  ])
}

function send(reply: FastifyReply, sent: SentAnswer): FastifyReply {
  return reply
    .status(sent.status)
    .headers({ 'cache-control': 'no-store', ...sent.headers })
    .serializer((payload) => String(payload))
    .send(sent.body)
}

const partNames: Readonly<Record<string, string>> = { querystring: 'query' }

/** The validator's error is zod's own; the framework adds where it was found. */
function validationProblem(error: Error & { validationContext?: string }): Error {
  if (!(error instanceof z.ZodError)) return error
  const part = error.validationContext ?? ''
  return new InvalidInput(
    'Some fields are not valid; see the issues',
    fieldIssues(error, `/${partNames[part] ?? part}`),
  )
}
