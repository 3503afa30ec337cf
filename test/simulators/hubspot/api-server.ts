/**
 * The HTTP frame around every API call: token, limits, faults, the call log and error bodies. A handler is a plain
 * function from a call to an answer, runs without a pause, and knows nothing of HTTP.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import type { Random } from '#test/support/random.ts'
import type { CallRecorder } from '../calls.ts'
import { applyDelays, cutConnection, htmlError, loseAnswer } from '../mishaps.ts'
import { CallError, errorBody, type RecordProblem, refuseCall } from './errors.ts'
import type { FaultDraw, FaultEffect, Operation, RateLimit } from './faults.ts'
import { namedIn } from './named-ids.ts'
import { findTable, type Portal } from './portal.ts'
import { describeLimit, type RateLimits } from './rate-limits.ts'
import { formatInstant } from './schema.ts'
import type { Sessions } from './sessions.ts'
import type { Actor } from './tables.ts'

export type ApiVersion = 'v1' | 'v3' | 'v4' | '2025-09' | '2026-03' | '2026-09'

export interface ApiCall {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string | readonly string[]>>
  readonly body: unknown
  readonly version: ApiVersion
  readonly url: string
  readonly actor: Actor
  readonly random: Random
  /** The fault that strikes this record of the call, if any. */
  strikeRecord(object: string): RecordProblem | null
}

export interface ApiAnswer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Records carried, for the call log. */
  readonly records?: number
}

export interface VersionedPath {
  readonly path: string
  readonly version: ApiVersion
}

export interface ApiRoute {
  readonly method: HTTPMethods
  readonly paths: readonly VersionedPath[]
  readonly operation: Operation
  /** Search has a limit of its own and no limit headers; `open` calls need no token and count nowhere. */
  readonly access?: 'search' | 'open'
  readonly handle: (call: ApiCall) => ApiAnswer
}

export interface ApiFrame {
  readonly portal: Portal
  readonly sessions: Sessions
  readonly faults: FaultDraw
  readonly calls: CallRecorder<Operation>
  readonly limits: RateLimits
  readonly random: Random
  readonly answerDelayMs: number
  readonly url: () => string
}

const dated = ['2025-09', '2026-03', '2026-09'] as const
const maxUrlLength = 16_384

/** The paths of one endpoint: numbered, and by date in every version that is supported. */
export function crmPaths(area: string, rest: string, numbered: 'v3' | 'v4' = 'v3'): readonly VersionedPath[] {
  return [
    { path: `/crm/${numbered}/${area}${rest}`, version: numbered },
    ...dated.map((version) => ({ path: `/crm/${area}/${version}${rest}`, version })),
  ]
}

/** As `crmPaths`, for areas outside of the CRM. */
export function rootPaths(
  area: string,
  rest: string,
  numbered: readonly ApiVersion[],
): readonly VersionedPath[] {
  return [...numbered, ...dated].map((version) => ({ path: `/${area}/${version}${rest}`, version }))
}

type Answer = ApiAnswer & { readonly html?: string }

const answerProblem = (problem: RecordProblem, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status: problem.status,
  body: errorBody(problem),
  headers,
})

function answerThrottled(limit: RateLimit | undefined, retryAfterSeconds?: number): Answer {
  const message = limit === undefined ? 'Too many requests.' : describeLimit(limit)
  const { correlationId } = errorBody({ status: 429, category: 'RATE_LIMITS', message })
  return {
    status: 429,
    body: {
      status: 'error',
      message,
      errorType: 'RATE_LIMIT',
      correlationId,
      ...(limit === undefined ? {} : { policyName: limit }),
    },
    headers: retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
  }
}

export const expiredToken = (expiredAt: Date, now: Date) =>
  refuseCall(
    401,
    'EXPIRED_AUTHENTICATION',
    `The OAuth token used to make this call expired ${Math.max(0, Math.round((now.getTime() - expiredAt.getTime()) / 1_000))} second(s) ago.`,
    { context: { 'expire time': [formatInstant(expiredAt)] } },
  )

const unknownToken = () =>
  refuseCall(
    401,
    'INVALID_AUTHENTICATION',
    'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
  )

/** What a fault answers in place of the call; null for faults that let it run. */
export function answerFault(fault: FaultEffect, now: Date): Answer | null {
  switch (fault.kind) {
    case 'throttled':
      return answerThrottled(fault.policyName, fault.retryAfterSeconds)
    case 'locked':
      return answerProblem({ status: 423, category: 'LOCKED', message: 'The resource is locked.' })
    case 'migrating':
      return answerProblem(
        { status: 477, category: 'MIGRATION_IN_PROGRESS', message: 'This account is being migrated.' },
        fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) },
      )
    case 'server-error':
      return fault.body === 'json'
        ? answerProblem({ status: fault.status, category: 'INTERNAL_ERROR', message: 'internal error' })
        : { status: fault.status, html: htmlError(fault.status) }
    case 'expired-session':
      return answerProblem(expiredToken(now, now).problem)
    case 'revoked-token':
      return answerProblem(unknownToken().problem)
    case 'missing-scopes': {
      const requiredGranularScopes = fault.scopes ?? ['crm.objects.deals.write']
      const message =
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes."
      const detail = 'One or more of the following scopes are required.'
      const errors = [{ message: detail, context: { requiredGranularScopes } }]
      return answerProblem({ status: 403, category: 'MISSING_SCOPES', message, errors })
    }
    case 'call-error':
      return answerProblem(fault)
    case 'refused-login':
    case 'record-error':
    case 'lost-answer':
    case 'reset':
    case 'slow':
      return null
  }
}

function readToken(frame: ApiFrame, request: FastifyRequest): { readonly isOauth: boolean } {
  const [, token = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  const state = frame.sessions.look(token)
  if (state.kind === 'unknown') throw unknownToken()
  if (state.kind === 'expired') throw expiredToken(state.expiredAt, frame.portal.now())
  return state
}

function readCall(frame: ApiFrame, request: FastifyRequest, route: ApiRoute, version: ApiVersion): ApiCall {
  return {
    params: request.params as ApiCall['params'],
    query: request.query as ApiCall['query'],
    body: request.body,
    version,
    url: `${frame.url()}${request.url.split('?')[0]}`,
    actor: {
      by: frame.portal.integrationUserId,
      source: 'INTEGRATION',
      sourceId: String(frame.portal.appId),
    },
    random: frame.random,
    strikeRecord(object) {
      const fault = frame.faults.drawRecordError(route.operation, object)
      if (fault === null) return null
      const message = fault.message ?? 'The record could not be written.'
      const context = fault.property === undefined ? {} : { context: { propertyName: [fault.property] } }
      return {
        status: fault.status ?? 400,
        category: fault.category ?? 'VALIDATION_ERROR',
        message,
        ...(fault.code === undefined ? {} : { errors: [{ message, code: fault.code, ...context }] }),
      }
    },
  }
}

function run(
  frame: ApiFrame,
  request: FastifyRequest,
  route: ApiRoute,
  version: ApiVersion,
  faults: readonly FaultEffect[],
): Answer {
  if (request.url.length > maxUrlLength) throw refuseCall(414, 'VALIDATION_ERROR', 'URI Too Long')
  const headers: Record<string, string> = {}
  if (route.access !== 'open') {
    const { isOauth } = readToken(frame, request)
    const kind = route.access ?? 'api'
    const exceeded = frame.limits.take(kind)
    if (kind === 'api') Object.assign(headers, frame.limits.headers(isOauth))
    if (exceeded !== null) {
      const answer = answerThrottled(exceeded)
      return { ...answer, headers: { ...headers, ...answer.headers } }
    }
  }
  for (const fault of faults) {
    const answer = answerFault(fault, frame.portal.now())
    if (answer !== null) return { ...answer, headers: { ...headers, ...answer.headers } }
  }
  const answer = route.handle(readCall(frame, request, route, version))
  return { ...answer, headers: { ...headers, ...answer.headers } }
}

function objectOf(frame: ApiFrame, request: FastifyRequest): string | null {
  const name = (request.params as ApiCall['params'])['objectType']
  return name === undefined ? null : (findTable(frame.portal, name)?.schema.name ?? name)
}

/** Sends what was answered, unless a fault keeps it; the call is in the log either way. */
export async function serveCall(
  frame: ApiFrame,
  request: FastifyRequest,
  reply: FastifyReply,
  operation: Operation,
  answerCall: (faults: readonly FaultEffect[]) => Answer,
): Promise<FastifyReply | undefined> {
  const object = objectOf(frame, request)
  const faults = frame.faults.draw(operation, object)
  const record = (status: number, records: number) =>
    frame.calls.record({
      at: frame.portal.now().toISOString(),
      operation,
      method: request.method,
      path: request.url,
      object,
      records,
      status,
      client: request.headers['user-agent'] ?? null,
      ids: namedIn(request.body),
    })
  await applyDelays(faults, frame.answerDelayMs)
  if (faults.some(({ kind }) => kind === 'reset')) {
    record(0, 0)
    cutConnection(reply)
    return undefined
  }
  let answer: Answer
  try {
    answer = answerCall(faults)
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    answer = answerProblem(error.problem)
  }
  if (loseAnswer(reply, faults)) {
    record(0, answer.records ?? 0)
    return undefined
  }
  record(answer.status, answer.records ?? 0)
  reply.code(answer.status).headers({ date: frame.portal.now().toUTCString(), ...answer.headers })
  if (answer.html !== undefined) return reply.type('text/html; charset=UTF-8').send(answer.html)
  if (answer.body === undefined) return reply.send()
  return reply.type('application/json;charset=utf-8').send(JSON.stringify(answer.body))
}

export function addApiRoute(app: FastifyInstance, frame: ApiFrame, route: ApiRoute): void {
  for (const { path, version } of route.paths) {
    app.route({
      method: route.method,
      url: path,
      exposeHeadRoute: false,
      handler: (request, reply) =>
        serveCall(frame, request, reply, route.operation, (faults) =>
          run(frame, request, route, version, faults),
        ),
    })
  }
}
