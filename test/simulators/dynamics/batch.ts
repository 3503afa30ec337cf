/** Running a `$batch`: its items in order, change sets whole or not at all, and where it stops. */
import { randomUUID } from 'node:crypto'
import type { Call } from '../calls.ts'
import { type ApiAnswer, type ApiCall, apiPath, type Plan } from './api-call.ts'
import { DataverseError, errors } from './errors.ts'
import type { Operation } from './faults.ts'
import { namedIn } from './guids.ts'
import {
  type AnswerItem,
  type BatchItem,
  type PartAnswer,
  type PartRequest,
  readBatch,
  writeBatch,
} from './multipart.ts'
import type { Organisation } from './organisation.ts'
import { answerCall, answerError, readCall, renderAnswer, type WireContext } from './parts.ts'

const maxOperations = 1000

export interface BatchRun {
  readonly items: readonly BatchItem[]
  readonly continueOnError: boolean
  /** Items that run at all; the rest never happens. */
  readonly stopAfter: number
}

export interface BatchAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  readonly records: number
  readonly parts: BatchParts
  /** Of the records that the parts address. */
  readonly ids: readonly string[]
}

/** For the call log: what ran, whatever became of it. */
export type BatchParts = NonNullable<Call<Operation>['parts']>

/** Throws where the frame is broken, holds too much, or holds another batch. */
export function readBatchRun(
  headers: Readonly<Record<string, string>>,
  text: string,
  prefer: ReadonlyMap<string, string>,
  stopAfter: number,
): BatchRun {
  const items = readBatch(headers['content-type'], text)
  const requests = items.flatMap((item) => (item.kind === 'request' ? [item.request] : item.requests))
  if (requests.length > maxOperations) {
    throw errors.badRequest(
      `The number of operations in the batch request exceeded the maximum of ${maxOperations}.`,
    )
  }
  if (requests.some(({ url }) => /\$batch\b/.test(url))) {
    throw errors.badRequest('A batch request cannot contain another batch request.')
  }
  const continueOnError =
    prefer.has('odata.continue-on-error') && prefer.get('odata.continue-on-error') !== 'false'
  return { items, continueOnError, stopAfter }
}

/** An absolute address, one from the root, or one below the version. */
const belowVersion = (url: string) =>
  url.replace(/^https?:\/\/[^/]+/i, '').replace(new RegExp(`^/?${apiPath.slice(1)}/`), '')

/** Puts the address of an earlier part in the place of `$1`. */
function refer(text: string, addresses: ReadonlyMap<string, string>, inBody: boolean): string {
  const find = (id: string) => {
    const address = addresses.get(id)
    if (address === undefined) {
      throw errors.badRequest(`Content-ID Reference: '$${id}' does not exist in the batch context.`)
    }
    return address
  }
  return inBody
    ? text.replace(/"\$([A-Za-z0-9_-]+)"/g, (_all, id: string) => JSON.stringify(find(id)))
    : text.replace(/^\/?\$(\d[A-Za-z0-9_-]*)/, (_all, id: string) => find(id))
}

/** Ends a change set at the part that failed, so that all of it is undone. */
class FailedPart extends Error {
  readonly part: PartAnswer
  constructor(part: PartAnswer) {
    super(`a part of the change set failed with ${part.status}`)
    this.name = 'FailedPart'
    this.part = part
  }
}

export function runBatch(
  organisation: Organisation,
  dispatch: (call: ApiCall) => Plan,
  context: WireContext,
  run: BatchRun,
): BatchAnswer {
  const { tables } = organisation
  let records = 0
  const parts: BatchParts[number][] = []
  const ids: string[] = []

  function runRequest(
    request: PartRequest,
    known: ReadonlyMap<string, string>,
    inChangeSet: boolean,
  ): ApiAnswer {
    try {
      const call = readCall(
        {
          method: request.method,
          url: belowVersion(inChangeSet ? refer(request.url, known, false) : request.url),
          headers: { 'content-type': 'application/json', ...request.headers },
          body: inChangeSet ? refer(request.body, known, true) : request.body,
        },
        { ...context, inChangeSet },
      )
      const plan = dispatch(call)
      parts.push({ operation: plan.operation, object: plan.object })
      ids.push(...namedIn(request.url))
      return answerCall(call, plan, tables.attempt)
    } catch (error) {
      if (error instanceof DataverseError) return answerError(error)
      throw error
    }
  }

  const toPart = (answer: ApiAnswer, contentId: string | null): PartAnswer => {
    records += answer.status < 400 ? (answer.records ?? 0) : 0
    const { headers, body } = renderAnswer(answer)
    return { status: answer.status, headers, body, contentId }
  }

  function runChangeSet(requests: readonly PartRequest[]): AnswerItem {
    const boundary = `changesetresponse_${randomUUID()}`
    const before = records
    try {
      const answers = tables.attempt(() => {
        const known = new Map<string, string>()
        return requests.map((request) => {
          const answer = runRequest(request, known, true)
          if (answer.status >= 400) throw new FailedPart(toPart(answer, request.contentId))
          const address = answer.headers?.['odata-entityid']
          if (request.contentId !== null && address !== undefined) known.set(request.contentId, address)
          return toPart(answer, request.contentId)
        })
      })
      return { kind: 'change-set', boundary, answers }
    } catch (error) {
      if (!(error instanceof FailedPart)) throw error
      records = before
      return { kind: 'change-set', boundary, answers: [error.part] }
    }
  }

  const answers: AnswerItem[] = []
  let status = 200
  for (const item of run.items.slice(0, run.stopAfter)) {
    const answer: AnswerItem =
      item.kind === 'change-set'
        ? runChangeSet(item.requests)
        : {
            kind: 'answer',
            // Outside of change sets nothing promises that the Content-ID comes back.
            answer: toPart(runRequest(item.request, new Map(), false), null),
          }
    answers.push(answer)
    const worst = answer.kind === 'answer' ? answer.answer.status : (answer.answers.at(-1)?.status ?? 200)
    if (worst >= 400 && !run.continueOnError) {
      // The whole batch then answers with the status of the operation that stopped it.
      status = worst
      break
    }
  }
  const boundary = `batchresponse_${randomUUID()}`
  return {
    status,
    contentType: `multipart/mixed; boundary=${boundary}`,
    body: writeBatch(boundary, answers),
    records,
    parts,
    ids,
  }
}
