/** How batches are answered: what went well in no particular order, what did not as errors of a 207. */

import type { JsonObject } from '../json.ts'
import type { ApiAnswer, ApiCall } from './api-server.ts'
import { readInputs } from './bodies.ts'
import { CallError, type RecordProblem } from './errors.ts'
import type { Portal } from './portal.ts'
import { formatInstant } from './schema.ts'

/** One error of a 207; records that are missing share one. */
export interface BatchError {
  readonly category: string
  readonly message: string
  readonly context: Readonly<Record<string, readonly string[]>>
  readonly errors?: RecordProblem['errors']
}

export function describeError(
  { category, message, errors, context }: RecordProblem,
  about: BatchError['context'],
): BatchError {
  return { category, message, context: { ...context, ...about }, ...(errors === undefined ? {} : { errors }) }
}

export function answerBatch(
  portal: Portal,
  call: ApiCall,
  results: readonly JsonObject[],
  errors: readonly BatchError[],
  status: 200 | 201,
): ApiAnswer {
  const at = formatInstant(portal.now())
  const failed = { numErrors: errors.length, errors: errors.map((error) => ({ status: 'error', ...error })) }
  const body = {
    status: 'COMPLETE',
    results: call.random.shuffled(results),
    startedAt: at,
    completedAt: at,
    ...(errors.length === 0 ? {} : failed),
  }
  return { status: errors.length === 0 ? status : 207, body, records: results.length }
}

/** Carries out each input of a batch on its own; `about` names the input in its error. */
export function settleEach(
  portal: Portal,
  call: ApiCall,
  status: 200 | 201,
  about: (input: JsonObject) => BatchError['context'],
  carryOut: (input: JsonObject) => readonly JsonObject[],
  most?: number,
): ApiAnswer {
  const results: JsonObject[] = []
  const errors: BatchError[] = []
  for (const input of readInputs(call.body, most)) {
    try {
      results.push(...carryOut(input))
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      errors.push(describeError(error.problem, about(input)))
    }
  }
  return answerBatch(portal, call, results, errors, status)
}
