import { z } from 'zod'

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly minLength?: number
  readonly minItems?: number
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
}

/** Texts that the API's patterns ask for; the first that fits is taken. */
const texts = [
  'USD',
  'DE',
  '100',
  'resale',
  '2026-11',
  'sample',
  'cp_sample',
  'A sample that is long enough for every reason',
]

/**
 * The smallest body that a schema accepts, so that a request reaches the rule behind it.
 * @param idOf the id for a property that holds one, by its name
 */
export function sampleOf(schema: z.ZodType, idOf: (name: string) => string): unknown {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  const make = (part: JsonSchema, name: string): unknown => {
    if (part.$ref) return make(root.$defs?.[part.$ref.replace('#/$defs/', '')] ?? {}, name)
    if (part.const !== undefined) return part.const
    if (part.enum) return part.enum[0]
    const choice = part.anyOf ?? part.oneOf
    if (choice) return make(choice.find(({ type }) => type !== 'null') ?? {}, name)
    const type = typeof part.type === 'string' ? part.type : part.type?.[0]
    if (type === 'object') {
      return Object.fromEntries(
        (part.required ?? []).map((key) => [key, make(part.properties?.[key] ?? {}, key)]),
      )
    }
    if (type === 'array')
      return Array.from({ length: part.minItems ?? 0 }, () => make(part.items ?? {}, name))
    if (type === 'integer' || type === 'number') return Math.max(part.minimum ?? 1, 1)
    if (type === 'boolean') return true
    return sampleText(part, name)
  }
  const sampleText = (part: JsonSchema, name: string): string => {
    if (part.format === 'uuid') return idOf(name)
    if (part.format === 'email') return 'somebody@example.org'
    if (part.format === 'date') return '2027-01-31'
    if (part.format === 'date-time') return '2027-01-31T00:00:00Z'
    const pattern = part.pattern ? new RegExp(part.pattern) : null
    const fits = (text: string) =>
      text.length >= (part.minLength ?? 0) && (pattern === null || pattern.test(text))
    return (pattern ? texts : [...texts].reverse()).find(fits) ?? 'x'.repeat(part.minLength ?? 1)
  }
  return make(root, '')
}
