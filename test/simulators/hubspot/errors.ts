/** Errors as the API words them: of a whole call, of one record in a batch, of one property of a record. */
import { randomUUID } from 'node:crypto'

export interface ErrorDetail {
  readonly message: string
  readonly code?: string
  readonly in?: string
  readonly context?: Readonly<Record<string, readonly string[]>>
}

/** What is wrong with one record; also the whole of a call's error where the call is about one record. */
export interface RecordProblem {
  readonly status: number
  readonly category: string
  readonly message: string
  readonly errors?: readonly ErrorDetail[]
  readonly context?: Readonly<Record<string, readonly string[]>>
}

export interface PropertyProblem {
  readonly name: string
  readonly error: string
  readonly message: string
}

/** Answers the whole call. */
export class CallError extends Error {
  readonly problem: RecordProblem
  constructor(problem: RecordProblem) {
    super(problem.message)
    this.name = 'CallError'
    this.problem = problem
  }
}

export function refuseCall(
  status: number,
  category: string,
  message: string,
  rest: Pick<RecordProblem, 'errors' | 'context'> = {},
): CallError {
  return new CallError({ status, category, message, ...rest })
}

export const notFound = (message = 'resource not found') => refuseCall(404, 'OBJECT_NOT_FOUND', message)

export const invalidInput = (message: string) => refuseCall(400, 'VALIDATION_ERROR', message)

/** The message carries the list of invalid properties as JSON inside its text; `errors` says it once more. */
export function describePropertyProblems(problems: readonly PropertyProblem[]): RecordProblem {
  const listed = problems.map(({ name, error, message }) => ({ isValid: false, message, error, name }))
  return {
    status: 400,
    category: 'VALIDATION_ERROR',
    message: `Property values were not valid: ${JSON.stringify(listed)}`,
    errors: problems.map(({ name, error, message }) => ({
      message,
      code: error,
      context: { propertyName: [name] },
    })),
  }
}

export function errorBody(problem: RecordProblem): Readonly<Record<string, unknown>> {
  const { category, message, errors, context } = problem
  return {
    status: 'error',
    message,
    correlationId: randomUUID(),
    ...(context === undefined ? {} : { context }),
    ...(errors === undefined ? {} : { errors }),
    category,
  }
}
