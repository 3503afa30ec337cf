import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type FieldIssue, InvalidInput } from '#src/kernel/errors.ts'
import { isStorableText } from '#src/kernel/text.ts'

const deepest = 50
const mostIssues = 100

/** Refuses, wherever it stands in a request, what no database keeps, so that no capability has to think of it. */
export function refuseUnstorableText(app: FastifyInstance): void {
  app.addHook('preValidation', async (request: FastifyRequest) => {
    const { params, query, body } = request
    const issues = Object.entries({
      params: { ...Object(params) },
      query: { ...Object(query) },
      body,
    }).flatMap(([part, value]) => unstorableText(value, `/${part}`))
    if (issues.length > 0) throw new InvalidInput('Some text cannot be stored; see the issues', issues)
  })
}

/**
 * NUL characters, halves of characters (surrogates without their pair) and JSON nested so deep that it can only be an
 * attack, as JSON pointers below `at`. Bytes and streams are left alone.
 */
export function unstorableText(value: unknown, at: string, depth = 0): FieldIssue[] {
  if (typeof value === 'string') return isStorableText(value) ? [] : [{ path: at, ...unstorable }]
  if (typeof value !== 'object' || value === null || !isPlain(value)) return []
  if (depth === deepest) {
    return [{ path: at, code: 'too_deep', message: `Nested more than ${deepest} levels deep` }]
  }
  const issues: FieldIssue[] = []
  for (const [key, part] of Object.entries(value)) {
    if (!isStorableText(key)) issues.push({ path: at, ...unstorable })
    else
      issues.push(
        ...unstorableText(part, `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth + 1),
      )
    if (issues.length >= mostIssues) break
  }
  return issues
}

const unstorable = {
  code: 'unstorable_text',
  message: 'Contains a NUL character or half of a character, which cannot be stored',
} as const

const isPlain = (value: object) => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Array.isArray(value)
}
