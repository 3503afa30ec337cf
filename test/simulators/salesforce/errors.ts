/** Errors as the API words them: one that fails a whole call, and one that fails a single record. */

export interface RecordError {
  readonly statusCode: string
  readonly message: string
  readonly fields: readonly string[]
  /** Present on DUPLICATES_DETECTED: what the duplicate rule found. The misspelt key is the API's own. */
  readonly duplicateResut?: unknown
}

export type SaveOutcome =
  | { readonly ok: true; readonly id: string; readonly created: boolean }
  | { readonly ok: false; readonly errors: readonly RecordError[]; readonly id?: string }

/** Answers the whole call: HTTP `status` with a body of `[{message, errorCode, fields?}]`. */
export class CallError extends Error {
  readonly status: number
  readonly errorCode: string
  readonly fields: readonly string[] | undefined
  constructor(status: number, errorCode: string, message: string, fields?: readonly string[]) {
    super(message)
    this.name = 'CallError'
    this.status = status
    this.errorCode = errorCode
    this.fields = fields
  }
}

export function recordError(
  statusCode: string,
  message: string,
  fields: readonly string[] = [],
): RecordError {
  return { statusCode, message, fields }
}

export function refuse(error: RecordError): SaveOutcome {
  return { ok: false, errors: [error] }
}
