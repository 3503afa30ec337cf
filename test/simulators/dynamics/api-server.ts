/**
 * The HTTP frame around every call of the Web API: token, limits, faults, the call log and error bodies. Handlers run
 * without a pause and know nothing of HTTP.
 */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallRecorder } from '../calls.ts'
import { applyDelays, cutConnection, htmlError, loseAnswer } from '../mishaps.ts'
import { settleKeys } from './administration.ts'
import { type ApiCall, apiPath, type Plan, readPrefer } from './api-call.ts'
import { type BatchParts, readBatchRun, runBatch } from './batch.ts'
import { formatInstant } from './dates.ts'
import { DataverseError } from './errors.ts'
import type { FaultDraw, FaultEffect, Operation } from './faults.ts'
import { namedIn } from './guids.ts'
import { type ServiceLimits, throttled } from './limits.ts'
import type { Sessions } from './oauth.ts'
import type { Organisation } from './organisation.ts'
import {
  answerCall,
  answerError,
  readCall,
  renderAnswer,
  type WireContext,
  type WireRequest,
} from './parts.ts'

export interface ApiFrame {
  readonly organisation: Organisation
  readonly sessions: Sessions
  readonly faults: FaultDraw
  readonly calls: CallRecorder<Operation>
  readonly limits: ServiceLimits
  readonly requestLimit: number
  readonly answerDelayMs: number
  readonly dispatch: (call: ApiCall) => Plan
  readonly tenantId: string
}

export interface OutgoingAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly records: number
  /** Of a batch. */
  readonly parts?: BatchParts
  readonly ids?: readonly string[]
}

/** Longer ones go within a batch. */
const maxUrlLength = 32_768

const html = (
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): OutgoingAnswer => ({
  status,
  headers: { 'content-type': 'text/html; charset=utf-8', ...headers },
  body,
  records: 0,
})

const fromError = (error: DataverseError): OutgoingAnswer => {
  const answer = answerError(error)
  return { status: answer.status, ...renderAnswer(answer), records: 0 }
}

function unauthorised(frame: ApiFrame): OutgoingAnswer {
  const authority = `https://login.microsoftonline.com/${frame.tenantId}/oauth2/authorize`
  return html(401, 'HTTP Error 401 - Unauthorized: Access is denied', {
    'www-authenticate': `Bearer authorization_uri=${authority}, resource_id=https://vendor.crm.dynamics.com/`,
  })
}

/** What a fault answers in place of the call; null for faults that let it run. */
function answerFault(frame: ApiFrame, fault: FaultEffect): OutgoingAnswer | null {
  switch (fault.kind) {
    case 'throttled': {
      const seconds = fault.retryAfterSeconds === undefined ? 5 : fault.retryAfterSeconds
      return fromError(throttled(fault.limit, seconds, frame.requestLimit))
    }
    case 'server-error':
      return fault.body === 'json'
        ? fromError(new DataverseError(fault.status, '0x80040216', 'An unexpected error occurred.'))
        : html(fault.status, htmlError(fault.status))
    case 'expired-session':
      return unauthorised(frame)
    case 'call-error':
      return fromError(new DataverseError(fault.status, fault.code, fault.message))
    case 'refused-login':
    case 'record-error':
    case 'half-batch':
    case 'lost-answer':
    case 'reset':
    case 'slow':
      return null
  }
}

function readWire(request: FastifyRequest): WireRequest {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) headers[name] = [value].flat().join(', ')
  return {
    method: request.method,
    url: request.url.slice(apiPath.length),
    headers,
    body: typeof request.body === 'string' ? request.body : '',
  }
}

/** What a call is, before it runs: told from its address even where its body cannot be read. */
interface Prepared {
  readonly operation: Operation
  readonly object: string | null
  readonly run: (faults: readonly FaultEffect[]) => OutgoingAnswer
}

const isBatch = (wire: WireRequest) => /^\/+(\$|%24)batch\/?(\?|$)/.test(wire.url)

function prepareBatch(frame: ApiFrame, wire: WireRequest, context: WireContext): Prepared {
  return {
    operation: 'batch',
    object: null,
    run(faults) {
      const half = faults.find((fault) => fault.kind === 'half-batch')
      const stopAfter = half?.after ?? Number.POSITIVE_INFINITY
      const run = readBatchRun(wire.headers, wire.body, readPrefer(wire.headers['prefer']), stopAfter)
      const { status, contentType, body, records, parts, ids } = runBatch(
        frame.organisation,
        frame.dispatch,
        context,
        run,
      )
      if (half?.how === 'timeout') return { ...html(504, htmlError(504)), parts, ids }
      const headers = { 'content-type': contentType, 'odata-version': '4.0' }
      return { status, headers, body, records, parts, ids }
    },
  }
}

function prepare(frame: ApiFrame, wire: WireRequest, context: WireContext): Prepared {
  const failing = (error: unknown): Prepared => {
    if (!(error instanceof DataverseError)) throw error
    return { operation: 'unknown', object: null, run: () => fromError(error) }
  }
  if (isBatch(wire)) return prepareBatch(frame, wire, context)
  try {
    const call = readCall(wire, context)
    const plan = frame.dispatch(call)
    return {
      operation: plan.operation,
      object: plan.object,
      run() {
        const answer = answerCall(call, plan, frame.organisation.tables.attempt)
        return { status: answer.status, ...renderAnswer(answer), records: answer.records ?? 0 }
      },
    }
  } catch (error) {
    return failing(error)
  }
}

function answer(
  frame: ApiFrame,
  request: FastifyRequest,
  prepared: Prepared,
  faults: readonly FaultEffect[],
): OutgoingAnswer {
  const [, token = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (request.url.length > maxUrlLength) return html(414, htmlError(414))
  if (frame.sessions.findUser(token) === null) return unauthorised(frame)
  for (const fault of faults) {
    const struck = answerFault(frame, fault)
    if (struck !== null) return struck
  }
  settleKeys(frame.organisation)
  try {
    return prepared.run(faults)
  } catch (error) {
    if (error instanceof DataverseError) return fromError(error)
    throw error
  }
}

export function addApi(app: FastifyInstance, frame: ApiFrame): void {
  const serve = async (request: FastifyRequest, reply: FastifyReply) => {
    const wire = readWire(request)
    const context = { userId: frame.organisation.integrationUserId, faults: frame.faults, inChangeSet: false }
    const prepared = prepare(frame, wire, context)
    const faults = frame.faults.draw(prepared.operation, prepared.object)
    const record = (
      status: number,
      { records, parts, ids }: Pick<OutgoingAnswer, 'records' | 'parts' | 'ids'>,
    ) =>
      frame.calls.record({
        at: formatInstant(frame.organisation.now()),
        operation: prepared.operation,
        method: request.method,
        path: request.url,
        object: prepared.object,
        records,
        status,
        client: request.headers['user-agent'] ?? null,
        ids: ids ?? namedIn(request.url),
        ...(parts ? { parts } : {}),
      })
    let outgoing: OutgoingAnswer
    try {
      frame.limits.enter()
      await applyDelays(faults, frame.answerDelayMs)
      if (faults.some((fault) => fault.kind === 'reset')) {
        record(0, { records: 0 })
        cutConnection(reply)
        return
      }
      outgoing = answer(frame, request, prepared, faults)
    } catch (error) {
      if (!(error instanceof DataverseError)) throw error
      outgoing = fromError(error)
    } finally {
      frame.limits.leave()
    }
    const cut = faults.some((fault) => fault.kind === 'half-batch' && fault.how === 'cut')
    if (loseAnswer(reply, cut ? [{ kind: 'lost-answer' }] : faults)) {
      record(0, outgoing)
      return
    }
    record(outgoing.status, outgoing)
    return reply
      .headers({
        ...frame.limits.headers(),
        'cache-control': 'no-cache',
        'x-ms-service-request-id': randomUUID(),
        req_id: randomUUID(),
        ...outgoing.headers,
      })
      .code(outgoing.status)
      .send(outgoing.body)
  }
  app.all(apiPath, serve)
  app.all(`${apiPath}/*`, serve)
}
