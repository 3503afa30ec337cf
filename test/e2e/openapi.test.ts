import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

interface Schema {
  readonly [key: string]: unknown
}
const document = JSON.parse(
  readFileSync(join(resolve(import.meta.dirname, '../..'), 'config/openapi.json'), 'utf8'),
)

/** Every place where a schema says nothing at all: a codec or a date that was documented wrongly. */
function emptySchemas(part: unknown, at: string): string[] {
  if (typeof part !== 'object' || part === null) return []
  if (Array.isArray(part)) return part.flatMap((item, index) => emptySchemas(item, `${at}/${index}`))
  return Object.entries(part as Schema).flatMap(([key, value]) => {
    const here = `${at}/${key}`
    const isEmpty =
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
    const holdsSchema = key === 'schema' || /\/properties$/.test(at) || key === 'items'
    return isEmpty && holdsSchema ? [here] : emptySchemas(value, here)
  })
}

test('the committed description is OpenAPI 3.1 and leaves no answer undescribed', () => {
  expect(document.openapi).toBe('3.1.0')
  expect(Object.keys(document.paths).length).toBeGreaterThan(50)
  const empty = emptySchemas(document, '').filter((at) => !at.includes('/204/'))
  expect(empty).toEqual([])
})

test('each operation says who may call it and how errors look', () => {
  for (const [path, operations] of Object.entries<Record<string, Schema>>(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const { description, responses } = operation as { description?: string; responses: Schema }
      expect([method, path, description ?? '']).toEqual([
        method,
        path,
        expect.stringMatching(/May be called by|Anyone may call/),
      ])
      expect([method, path, 'default' in responses]).toEqual([method, path, true])
    }
  }
})
