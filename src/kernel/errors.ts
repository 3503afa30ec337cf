/** Where a value came from and what is wrong with it; `path` is a JSON pointer or a column name. */
export interface FieldIssue {
  readonly path: string
  readonly code: string
  readonly message: string
}

/** Thrown errors are few and grouped by what the receiver must do. An expected "no" inside a capability is a value. */
export abstract class CounterpartError extends Error {
  abstract readonly status: number
}

/** The request is malformed: fix the named fields and send again. */
export class InvalidInput extends CounterpartError {
  readonly status = 422
  readonly issues: readonly FieldIssue[]
  constructor(message: string, issues: readonly FieldIssue[] = []) {
    super(message)
    this.name = 'InvalidInput'
    this.issues = issues
  }
}

/** The request is well formed, but our rules say no in the present state. `code` is stable and documented. */
export class Refused extends CounterpartError {
  readonly status = 409
  readonly code: string
  readonly issues: readonly FieldIssue[]
  constructor(code: string, message: string, issues: readonly FieldIssue[] = []) {
    super(message)
    this.name = 'Refused'
    this.code = code
    this.issues = issues
  }
}

/** There is no such record for this actor (a record of another partner is not there either). */
export class NotFound extends CounterpartError {
  readonly status = 404
  constructor(what: string) {
    super(`${what} was not found`)
    this.name = 'NotFound'
  }
}

export class NotAllowed extends CounterpartError {
  readonly status = 403
  constructor(message = 'Your role does not permit this') {
    super(message)
    this.name = 'NotAllowed'
  }
}

/** The record changed since the caller read it: read again, then decide again. */
export class Stale extends CounterpartError {
  readonly status = 412
  constructor(message = 'The record has changed since you read it') {
    super(message)
    this.name = 'Stale'
  }
}

/** Asked too often: wait so long, then ask again. */
export class TooMany extends CounterpartError {
  readonly status = 429
  readonly retryAfterS: number
  constructor(message: string, retryAfterS: number) {
    super(message)
    this.name = 'TooMany'
    this.retryAfterS = retryAfterS
  }
}
