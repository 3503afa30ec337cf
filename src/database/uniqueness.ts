import type { Refused } from '#src/kernel/errors.ts'
import { violatedConstraint } from './database.ts'

/**
 * For `.catch` of a statement that may violate a unique index: that violation is this refusal, anything else is thrown
 * on. The transaction is lost either way, so nothing may go on in it.
 */
export const refuseTaken =
  (constraint: string, refusal: Refused) =>
  (error: unknown): never => {
    throw violatedConstraint(error) === constraint ? refusal : error
  }
