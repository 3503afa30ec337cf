import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  FastifySchemaCompiler,
} from 'fastify'
import { z } from 'zod'
import type { Database, Tx } from '#src/database/database.ts'
import type { Actor, Role } from '#src/kernel/actor.ts'
import { InvalidInput, NotAllowed } from '#src/kernel/errors.ts'
import { answerFlowing, flowingBody, isFlowing, takeFlowing } from './flow.ts'
import { runOnce, type SentAnswer } from './idempotency.ts'
import { answersOf, headersOf } from './openapi.ts'
import { fieldIssues } from './problem.ts'
import type { Access, Route } from './route.ts'

const networkTimeoutMs = 60_000
const anyone: Actor = { kind: 'system', name: 'anonymous' }

/** The actor, if its roles permit; a missing or unknown token is 401, a role that does not suffice 403. */
function requireActor(request: FastifyRequest, access: Access): Actor {
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
function limitArrival(request: FastifyRequest, reply: FastifyReply, withinMs: number): void {
  const late = setTimeout(() => {
    reply.raw.once('finish', () => request.raw.destroy())
    const message = `The body did not arrive within ${withinMs / 1_000} seconds`
    reply.header('connection', 'close')
    void reply.send(Object.assign(new Error(message), { statusCode: 408, code: 'too_slow' }))
  }, withinMs).unref()
  for (const event of ['end', 'close']) request.raw.once(event, () => clearTimeout(late))
}

/** What every route has, whatever runs it. */
const statement = (route: Route, headers = headersOf(route)) => ({
  method: route.method,
  url: route.path,
  schema: schemaOf(route),
  config: headers ? { documentedHeaders: headers } : {},
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
  response: answersOf(route),
})

/** Serves a route: who may call, what it says, once per idempotency key, in one unit of work. */
export async function addEndpoint(
  app: FastifyInstance,
  route: Route,
  surroundings: { readonly database: Database; readonly bodyWithinMs: number },
): Promise<void> {
  const { database, bodyWithinMs } = surroundings
  if (route.run.kind === 'stream') await addStreamRoute(app, database, route, route.run)
  else if (route.run.kind === 'raw') await addRawRoute(app, route, route.run, bodyWithinMs)
  else addRoute(app, database, route, bodyWithinMs)
}

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
        assertValid(request, route)
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
type RawRun = Extract<Route['run'], { kind: 'raw' }>

/** In a scope of its own, which leaves the body as it came, whatever it says of itself. */
function addRawRoute(app: FastifyInstance, route: Route, run: RawRun, bodyWithinMs: number) {
  return app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    scope.setValidatorCompiler(() => (value) => ({ value }))
    const { limitBytes, description } = run.takes
    scope.route({
      ...statement(route),
      config: { countsRefusalsOnly: true },
      schema: { ...schemaOf(route), ...documentedBody({ mediaType: '*/*', description }) },
      bodyLimit: limitBytes,
      onRequest: async (request, reply) => limitArrival(request, reply, bodyWithinMs),
      handler: async (request, reply) => {
        const { status, contentType, body } = await run.handle({
          params: request.params as Readonly<Record<string, string>>,
          method: route.method,
          search: /\?.*$/s.exec(request.url)?.[0] ?? '',
          headers: Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
          ),
          body: request.body instanceof Uint8Array ? request.body : new Uint8Array(),
        })
        return send(reply, { status, body, headers: { 'content-type': contentType } })
      },
    })
  })
}

export const compileValidator: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (value) => {
    const result = z.safeParse(schema, value)
    return result.success ? { value: result.data } : { error: result.error }
  }

const validateAllButBody: FastifySchemaCompiler<z.ZodType> = (part) =>
  part.httpPart === 'body' ? (value) => ({ value }) : compileValidator(part)

/** For the documentation; there is nothing to validate before it has flowed. */
const documentedBody = ({
  mediaType,
  description,
}: Pick<NonNullable<StreamRun['takes']>, 'mediaType' | 'description'>) => ({
  body: z.string().describe(description),
  consumes: [mediaType],
})

function addRoute(app: FastifyInstance, database: Database, route: Route, bodyWithinMs: number): void {
  const mutates = route.method !== 'GET'
  app.route({
    ...statement(route),
    onRequest: async (request, reply) => {
      requireActor(request, route.access)
      limitArrival(request, reply, bodyWithinMs)
    },
    handler: async (request, reply) => {
      assertValid(request, route)
      const actor = requireActor(request, route.access)
      const { run } = route
      if (run.kind === 'stream' || run.kind === 'raw') throw new Error('Such a route has a scope of its own')
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

type Result = Awaited<ReturnType<Exclude<Route['run'], RawRun>['handle']>>

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

/** What a route does not take is refused too: ignored, it would leave the caller in the belief that it counted. */
function assertValid(request: FastifyRequest, route: Route): void {
  if (request.validationError) throw validationProblem(request.validationError)
  const query = route.query ? [] : Object.keys(request.query ?? {})
  const issues = query.map((key) => ({
    path: `/query/${key}`,
    code: 'unrecognized_keys',
    message: 'There is no such parameter',
  }))
  if (!route.body && route.run.kind !== 'stream' && Object.keys(request.body ?? {}).length > 0)
    issues.push({ path: '/body', code: 'no_body', message: 'This takes no body' })
  if (issues.length > 0) throw new InvalidInput('The request holds what is not read here', issues)
}

const partNames: Readonly<Record<string, string>> = { querystring: 'query' }

/** The validator's error is zod's own; the framework adds where it was found. */
function validationProblem(error: Error & { validationContext?: string }): Error {
  const { validationContext: part = '' } = error
  if (!(error instanceof z.ZodError)) return error
  return new InvalidInput(
    'Some fields are not valid; see the issues',
    fieldIssues(error, `/${partNames[part] ?? part}`),
  )
}
