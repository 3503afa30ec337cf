import type { z } from 'zod'
import type { FieldIssue } from '#src/kernel/errors.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { ApplyOutcome } from '#src/kernel/synced-entity.ts'

/** Values that a CRM states, as far as they have the right shape; what becomes of the others. */
export interface Stated {
  readonly patch: Readonly<Record<string, FieldValue>>
  readonly outcomes: readonly ApplyOutcome[]
}

const review = (field: string, code: string, message: string): ApplyOutcome => ({
  field,
  kind: 'review',
  code,
  message,
})

/** Nothing that a CRM states is thrown away: a value that does not fit the schema of its field is left for a person. */
export function readStated(
  changes: Readonly<Record<string, FieldValue>>,
  schemas: Readonly<Record<string, z.ZodType>>,
): Stated {
  const patch: Record<string, FieldValue> = {}
  const outcomes: ApplyOutcome[] = []
  for (const [field, value] of Object.entries(changes)) {
    const schema = schemas[field]
    // Blank text is no value.
    const given = value === '' ? null : value
    const problem = schema?.safeParse(given).error?.issues[0]
    if (!schema) outcomes.push(review(field, 'not_writable', `A CRM does not change ${field}`))
    else if (problem) outcomes.push(review(field, problem.code, problem.message))
    else patch[field] = given
  }
  return { patch, outcomes }
}

/** The outcomes of the values that were tried: those with an issue wait for a person, the others are in. */
export const outcomesOf = (stated: Stated, issues: readonly FieldIssue[]): readonly ApplyOutcome[] => [
  ...stated.outcomes,
  ...Object.keys(stated.patch).map((field): ApplyOutcome => {
    const issue = issues.find(({ path }) => path === `/${field}`)
    return issue ? review(field, issue.code, issue.message) : { field, kind: 'applied' }
  }),
]

/** When our record is not there (any more). */
export const outcomesWithoutRecord = (
  changes: Readonly<Record<string, FieldValue>>,
  what: string,
): readonly ApplyOutcome[] =>
  Object.keys(changes).map((field) => review(field, 'record_missing', `The ${what} does not exist here`))
