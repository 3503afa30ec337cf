/** One request of the Web API, from its address and body to its answer: alone, or as a part of a batch. */
import { type ApiAnswer, type ApiCall, type Plan, readAddress, readPrefer } from './api-call.ts'
import { DataverseError, errorBody, errors } from './errors.ts'
import type { FaultDraw, Operation } from './faults.ts'

export interface WireRequest {
  readonly method: string
  /** Below the version. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface WireContext {
  readonly userId: string
  readonly faults: FaultDraw
  readonly inChangeSet: boolean
}

const methodsWithBody: readonly string[] = ['POST', 'PATCH', 'PUT']

function readJson(request: WireRequest): unknown {
  if (!methodsWithBody.includes(request.method) || request.body.trim() === '') return undefined
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json\b/i.test(type)) {
    throw new DataverseError(
      415,
      '0x80060888',
      `A supported MIME type could not be found that matches the content type of the request: '${type}'.`,
    )
  }
  try {
    return JSON.parse(request.body)
  } catch (error) {
    throw errors.unreadable(error instanceof Error ? error.message : '')
  }
}

/** Throws a DataverseError where the address or the body cannot be read. */
export function readCall(request: WireRequest, context: WireContext): ApiCall {
  const { segments, query } = readAddress(request.url)
  const { headers } = request
  return {
    method: request.method,
    segments,
    query,
    headers,
    prefer: readPrefer(headers['prefer']),
    body: readJson(request),
    save: {
      by: context.userId,
      tag: query.get('tag') ?? null,
      detectDuplicates: headers['mscrm.suppressduplicatedetection']?.toLowerCase() === 'false',
    },
    strikeRecord(operation: Operation, object: string) {
      const fault = context.faults.drawRecordError(operation, object)
      if (fault === null) return
      throw new DataverseError(
        fault.status ?? 500,
        fault.code ?? '0x80044339',
        fault.message ?? 'Could not obtain lock on the resource. Please try again.',
      )
    },
    inChangeSet: context.inChangeSet,
  }
}

export const answerError = (error: DataverseError): ApiAnswer => ({
  status: error.status,
  headers: error.headers,
  body: errorBody(error),
})

/** A write that fails half-way through leaves nothing behind. */
export function answerCall(call: ApiCall, plan: Plan, attempt: <T>(work: () => T) => T): ApiAnswer {
  try {
    return attempt(() => plan.handle(call))
  } catch (error) {
    if (error instanceof DataverseError) return answerError(error)
    throw error
  }
}

/** Headers and body as they go out. */
export function renderAnswer(answer: ApiAnswer): {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
} {
  const odata = { 'odata-version': '4.0', ...answer.headers }
  if (answer.body === undefined) return { headers: odata, body: '' }
  if (typeof answer.body === 'number') {
    return { headers: { 'content-type': 'text/plain', ...odata }, body: String(answer.body) }
  }
  return {
    headers: { 'content-type': 'application/json; odata.metadata=minimal; odata.streaming=true', ...odata },
    body: JSON.stringify(answer.body),
  }
}
