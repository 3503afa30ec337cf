import { z } from 'zod'
import type { FieldIssue } from '#src/kernel/errors.ts'

const pointerPart = (part: PropertyKey) => String(part).replaceAll('~', '~0').replaceAll('/', '~1')

/**
 * What is wrong with credentials, by the vendor's own schema; empty when nothing is. Names fields, repeats no value.
 */
export function checkCredentials(schema: z.ZodType, credentials: unknown): FieldIssue[] {
  const result = schema.safeParse(credentials)
  return (result.error?.issues ?? []).map(({ path, code, message }) => ({
    path: ['/body/credentials', ...path.map(pointerPart)].join('/'),
    code,
    message,
  }))
}

/** The fields that a vendor needs, as JSON Schema; `secret` marks what a form must not show. */
export const describeCredentials = (schema: z.ZodType): Record<string, unknown> => ({
  ...z.toJSONSchema(schema, { io: 'input' }),
})
