/**
 * The HTTP frame around every API call: session, limits, faults, the call log and error bodies. A handler is a plain
 * function from a call to an answer, runs without a pause, and knows nothing of HTTP.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import type { CallRecorder } from '../calls.ts'
import { applyDelays, cutConnection, htmlError, loseAnswer } from '../mishaps.ts'
import { namedIn } from './bodies.ts'
import { formatDatetime } from './dates.ts'
import { CallError, type RecordError } from './errors.ts'
import type { FaultDraw, FaultEffect, Operation } from './faults.ts'
import type { Sessions } from './oauth.ts'
import type { Organisation } from './organisation.ts'
import type { SaveContext } from './saves.ts'

export interface ApiCall {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly save: SaveContext
  /** The fault that strikes this record of the call, if any. */
  strikeRecord(object: string): RecordError | null
}

export interface ApiAnswer {
  readonly status: number
  readonly body?: unknown
  /** In place of a body. */
  readonly csv?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Records carried, for the call log. */
  readonly records?: number
}

export interface ApiRoute {
  readonly method: HTTPMethods
  /** Below `/services/data/v62.0`. */
  readonly path: string
  readonly operation: Operation
  readonly object?: (call: Pick<ApiCall, 'params' | 'query' | 'body'>) => string | null
  readonly handle: (call: ApiCall) => ApiAnswer
}

export interface ApiFrame {
  readonly organisation: Organisation
  readonly sessions: Sessions
  readonly faults: FaultDraw
  readonly calls: CallRecorder<Operation>
  readonly dailyLimit: number
  readonly answerDelayMs: number
  usedCalls: number
}

export const apiBase = '/services/data/v62.0'
const maxUrlLength = 16_384

export function errorBody(error: CallError): unknown {
  const { message, errorCode, fields } = error
  return [fields === undefined ? { message, errorCode } : { message, errorCode, fields }]
}

/** What a fault answers in place of the call; null for faults that let it run. */
export function answerFault(fault: FaultEffect): (ApiAnswer & { html?: string }) | null {
  switch (fault.kind) {
    case 'throttled': {
      const message =
        fault.limit === 'TotalRequests'
          ? 'TotalRequests Limit exceeded.'
          : 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.'
      return { status: 403, body: [{ message, errorCode: 'REQUEST_LIMIT_EXCEEDED' }] }
    }
    case 'server-error':
      return fault.body === 'json'
        ? {
            status: fault.status,
            body: [
              fault.status === 503
                ? { message: 'Server Unavailable', errorCode: 'SERVER_UNAVAILABLE' }
                : { message: 'An unexpected error occurred.', errorCode: 'UNKNOWN_EXCEPTION' },
            ],
          }
        : { status: fault.status, html: htmlError(fault.status) }
    case 'expired-session':
      return {
        status: 401,
        body: [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }],
      }
    case 'refused-login':
      return {
        status: 400,
        body: {
          error: fault.error,
          error_description: fault.description ?? fault.error.replaceAll('_', ' '),
        },
      }
    case 'call-error':
      return { status: fault.status, body: [{ message: fault.message, errorCode: fault.errorCode }] }
    case 'record-error':
    case 'lost-answer':
    case 'reset':
    case 'slow':
      return null
  }
}

function readSession(frame: ApiFrame, request: FastifyRequest): string {
  const header = request.headers.authorization ?? ''
  if (header !== '' && !/^(Bearer|OAuth) \S+$/i.test(header)) {
    throw new CallError(401, 'INVALID_AUTH_HEADER', 'INVALID_HEADER_TYPE')
  }
  const user = frame.sessions.findUser(header.replace(/^\S+\s/, ''))
  if (user === null) throw new CallError(401, 'INVALID_SESSION_ID', 'Session expired or invalid')
  return user
}

/** The client name of `Sforce-Call-Options: client=…`, which change events carry on. */
function readClient(request: FastifyRequest): string | null {
  const options = String(request.headers['sforce-call-options'] ?? '')
  return /client\s*=\s*([^;,\s]+)/i.exec(options)?.[1] ?? null
}

function readCall(frame: ApiFrame, request: FastifyRequest, route: ApiRoute, userId: string): ApiCall {
  const rule = String(request.headers['sforce-duplicate-rule-header'] ?? '')
  return {
    params: request.params as Readonly<Record<string, string>>,
    query: request.query as Readonly<Record<string, string>>,
    body: request.body,
    headers: request.headers,
    save: { by: userId, allowDuplicates: /allowSave\s*=\s*true/i.test(rule) },
    strikeRecord(object) {
      const fault = frame.faults.drawRecordError(route.operation, object)
      if (fault === null) return null
      return {
        statusCode: fault.statusCode ?? 'UNABLE_TO_LOCK_ROW',
        message: fault.message ?? 'unable to obtain exclusive access to this record',
        fields: fault.fields ?? [],
      }
    },
  }
}

function run(frame: ApiFrame, request: FastifyRequest, route: ApiRoute, faults: readonly FaultEffect[]) {
  if (request.url.length > maxUrlLength) throw new CallError(414, 'URI_TOO_LONG', 'URI Too Long')
  const userId = readSession(frame, request)
  frame.usedCalls += 1
  if (frame.usedCalls > frame.dailyLimit) {
    throw new CallError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.')
  }
  for (const fault of faults) {
    const answer = answerFault(fault)
    if (answer !== null) return answer
  }
  const client = readClient(request)
  const origin = `com/salesforce/api/rest/62.0${client === null ? '' : `;client=${client}`}`
  return frame.organisation.changeEvents.transact(origin, () =>
    route.handle(readCall(frame, request, route, userId)),
  )
}

export function addApiRoute(app: FastifyInstance, frame: ApiFrame, route: ApiRoute): void {
  const serve = async (request: FastifyRequest, reply: FastifyReply) => {
    const partial = {
      params: request.params as Readonly<Record<string, string>>,
      query: request.query as Readonly<Record<string, string>>,
      body: request.body,
    }
    const object = route.object?.(partial) ?? null
    const faults = frame.faults.draw(route.operation, object)
    const record = (status: number, records: number) =>
      frame.calls.record({
        at: formatDatetime(frame.organisation.now()),
        operation: route.operation,
        method: request.method,
        path: request.url,
        object,
        records,
        status,
        client: readClient(request),
        ids: namedIn(request.body),
      })
    await applyDelays(faults, frame.answerDelayMs)
    if (faults.some((fault) => fault.kind === 'reset')) {
      record(0, 0)
      cutConnection(reply)
      return
    }
    let answer: ApiAnswer & { html?: string }
    try {
      answer = run(frame, request, route, faults)
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      answer = { status: error.status, body: errorBody(error) }
    }
    if (loseAnswer(reply, faults)) {
      record(0, answer.records ?? 0)
      return
    }
    record(answer.status, answer.records ?? 0)
    reply.headers({
      date: frame.organisation.now().toUTCString(),
      'sforce-limit-info': `api-usage=${Math.min(frame.usedCalls, frame.dailyLimit)}/${frame.dailyLimit}`,
      'cache-control': 'no-cache,must-revalidate,max-age=0,no-store,private',
      ...answer.headers,
    })
    reply.code(answer.status)
    if (answer.html !== undefined) return reply.type('text/html; charset=UTF-8').send(answer.html)
    if (answer.csv !== undefined) return reply.type('text/csv; charset=UTF-8').send(answer.csv)
    if (answer.body === undefined) return reply.send()
    return reply.type('application/json;charset=UTF-8').send(JSON.stringify(answer.body))
  }
  app.route({ method: route.method, url: apiBase + route.path, handler: serve, exposeHeadRoute: false })
}
