import type { z } from 'zod'
import type { FieldIssue } from './errors.ts'

/** What became of one imported row. Rows are keyed by the reference that the vendor's other system gave them. */
export interface RowResult {
  readonly externalRef: string | null
  /** Our record; null when the row is invalid. */
  readonly id: string | null
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'invalid'
  readonly issues: readonly FieldIssue[]
}

export const invalidRow = (externalRef: string | null, issues: readonly FieldIssue[]): RowResult => ({
  externalRef,
  id: null,
  outcome: 'invalid',
  issues,
})

/** The rows that can be read, and the verdict on the others, each by its index. A reference that comes twice counts once. */
export function readRows<Row extends { readonly externalRef: string }>(
  schema: z.ZodType<Row>,
  rows: readonly unknown[],
): { readonly read: ReadonlyMap<number, Row>; readonly rejected: ReadonlyMap<number, RowResult> } {
  const read = new Map<number, Row>()
  const rejected = new Map<number, RowResult>()
  const seen = new Set<string>()
  for (const [index, row] of rows.entries()) {
    const parsed = schema.safeParse(row)
    if (!parsed.success) {
      const issues = parsed.error.issues.map(({ path, code, message }) => ({
        path: `/${path.map(String).join('/')}`,
        code,
        message,
      }))
      rejected.set(index, invalidRow(null, issues))
      continue
    }
    const { externalRef } = parsed.data
    if (seen.has(externalRef)) {
      const message = 'An earlier row has the same reference'
      rejected.set(index, invalidRow(externalRef, [{ path: '/externalRef', code: 'repeated', message }]))
      continue
    }
    seen.add(externalRef)
    read.set(index, parsed.data)
  }
  return { read, rejected }
}
