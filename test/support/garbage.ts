import fc from 'fast-check'
import { z } from 'zod'

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly required?: readonly string[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
}

const nobody = '01a1fb67-3bb7-738b-aeb2-c4764ca23af5'
const plainText = 'A text that is long enough for every reason'

/** Texts at the edges of what patterns, types and tables hold. */
const texts = [
  'a',
  'x',
  'USD',
  'EUR',
  'JPY',
  'XXX',
  'DE',
  'ZZ',
  '0',
  '1',
  '-1',
  '100',
  '999999999999999999',
  '-999999999999999999',
  '9223372036854775808',
  '1.5',
  'resale',
  'deal',
  'customer',
  'opportunity',
  '2026-11',
  '0000-01',
  '9999-12',
  'UTC',
  'Europe/Berlin',
  'somebody@example.org',
  'www.example.org',
  'https://example.org/?a=b',
  'A text that is long enough for every reason',
  "'; drop table deal; --",
  '%_\\',
  '😀 ß İ ﷺ',
  '\u202egnirts',
  '\u0001\u007f',
  '\ufeff',
  ' ',
  '',
]
const days = [
  '2027-01-31',
  '0001-01-01',
  '1582-10-10',
  '9999-12-31',
  '2024-02-29',
  '2026-02-30',
  '2026-1-1',
  '10000-01-01',
]
const instants = [
  '2027-01-31T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '2027-01-31T00:00:00+23:59',
  '2027-02-30T00:00:00Z',
  '-000001-01-01T00:00:00Z',
]
/** What takes the place of something right. JSON text, so that it may say what JavaScript's own writer would not. */
const broken = [
  'null',
  'true',
  '0',
  '-1',
  '-0',
  '1.5',
  '1e308',
  '-1e400',
  '2147483648',
  '9007199254740993',
  '""',
  '" "',
  '"\\u0000"',
  '"a\\ud800b"',
  '"\\udc00"',
  '"NaN"',
  '[]',
  '{}',
  '[[[[[[[[]]]]]]]]',
  '[null]',
  '{"":""}',
  '{"toString":null,"constructor":1}',
  `"${'x'.repeat(20_000)}"`,
  `[${'0,'.repeat(2_000)}0]`,
  '"00000000-0000-0000-0000-000000000000"',
]

/** What is right for a property or parameter of this name, such as ids of records that exist; empty: anything. */
export type KnownValues = (name: string) => readonly unknown[]

/** Values that a schema accepts, mostly: every optional part may be there, and everything may be at its edge. */
export function valuesOf(schema: z.ZodType, knownOf: KnownValues): fc.Arbitrary<unknown> {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  return arbitraryOf(root, root, '', knownOf, 0)
}

function arbitraryOf(
  root: JsonSchema,
  part: JsonSchema,
  name: string,
  knownOf: KnownValues,
  depth: number,
): fc.Arbitrary<unknown> {
  const inner = (schema: JsonSchema, key: string) => arbitraryOf(root, schema, key, knownOf, depth + 1)
  if (depth > 8) return fc.constant(null)
  if (part.$ref === '#') return inner(root, name)
  if (part.$ref) return inner(root.$defs?.[part.$ref.replace('#/$defs/', '')] ?? {}, name)
  if (part.const !== undefined) return fc.constant(part.const)
  if (part.enum) return fc.constantFrom(...part.enum)
  const choices = part.anyOf ?? part.oneOf
  if (choices) return fc.oneof(...choices.map((choice) => inner(choice, name)))
  const type = typeof part.type === 'string' ? part.type : part.type?.[0]
  const anything = fc.oneof(fc.constantFrom<unknown>(...texts), fc.jsonValue({ maxDepth: 2 }))
  if (type === undefined) return anything
  switch (type) {
    case 'object': {
      const known = knownOf(name)
      if (known.length > 0) return fc.constantFrom(...known)
      const fields = Object.entries(part.properties ?? {}).map(
        ([key, schema]) => [key, inner(schema, key)] as const,
      )
      const others = typeof part.additionalProperties === 'object' ? part.additionalProperties : null
      if (fields.length === 0 && others)
        return fc.dictionary(fc.constantFrom(...texts), inner(others, name), { maxKeys: 3 })
      return fc.record(Object.fromEntries(fields), { requiredKeys: [...(part.required ?? [])] })
    }
    case 'array':
      return fc.array(inner(part.items ?? {}, name), {
        minLength: part.minItems ?? 0,
        maxLength: (part.minItems ?? 0) + 2,
      })
    case 'integer':
    case 'number': {
      const { least, most } = { least: part.minimum ?? -2_147_483_648, most: part.maximum ?? 2_147_483_647 }
      const within = [1, 7, 0, 100, least, most].filter((value) => value >= least && value <= most)
      return mostly(within.slice(0, 2), within)
    }
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'string':
      return textOf(part, name, knownOf)
    default:
      return anything
  }
}

/** Mostly something plain, so that one edge at a time gets as far as it can. */
const mostly = (plain: readonly unknown[], edges: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: fc.constantFrom(...plain), weight: 20 },
    { arbitrary: fc.constantFrom(...(edges.length > 0 ? edges : plain)), weight: 1 },
  )

function textOf(part: JsonSchema, name: string, knownOf: KnownValues): fc.Arbitrary<unknown> {
  const { minLength = 0, maxLength = 1_000 } = part
  const known = knownOf(name)
  if (part.format === 'uuid') return mostly(known.length > 0 ? known : [nobody], [nobody])
  if (part.format === 'date') return mostly(['2027-01-31'], days)
  if (part.format === 'date-time') return mostly(['2027-01-31T00:00:00Z'], instants)
  if (part.format === 'email')
    return mostly(['somebody@example.org'], [`${'x'.repeat(60)}@${'y'.repeat(60)}.org`])
  const pattern = part.pattern ? new RegExp(part.pattern, 'u') : null
  const fits = (text: string) => text.length >= minLength && (!pattern || pattern.test(text))
  const fitting = [
    ...texts,
    'y'.repeat(Math.max(minLength, 1)),
    'ß'.repeat(Math.min(maxLength, 20_000)),
  ].filter(fits)
  const plain: readonly unknown[] =
    known.length > 0 ? known : [plainText, ...fitting].filter(fits).slice(0, 1)
  return mostly(plain.length > 0 ? plain : texts, fitting)
}

/** JSON texts of values of a schema in which one thing may be wrong: replaced, left out, too much, or cut off. */
export function bodiesOf(schema: z.ZodType, knownOf: KnownValues): fc.Arbitrary<string> {
  const damage = fc.oneof(
    { arbitrary: fc.constant(null), weight: 9 },
    { arbitrary: fc.record({ at: fc.nat(), by: fc.constantFrom(...broken, undefined) }), weight: 6 },
    { arbitrary: fc.constantFrom('cut', 'more', 'other'), weight: 1 },
  )
  return fc.tuple(valuesOf(schema, knownOf), damage).map(([value, how]) => {
    const text = JSON.stringify(value)
    if (how === null) return text
    if (how === 'cut') return text.slice(0, Math.floor(text.length / 2))
    if (how === 'more') return text.replace(/^\{/, '{"nobodyKnowsThis":1,')
    if (how === 'other') return '[{}]'
    return replaceOne(value, how.at, how.by)
  })
}

/** The value as JSON with one of its parts (counted in the order of the text, the whole being 0) replaced or left out. */
function replaceOne(value: unknown, at: number, by: string | undefined): string {
  const total = countParts(value)
  let left = at % total
  const write = (part: unknown): string | undefined => {
    if (left-- === 0) return by
    if (Array.isArray(part))
      return `[${part
        .map(write)
        .filter((text) => text !== undefined)
        .join(',')}]`
    if (typeof part !== 'object' || part === null) return JSON.stringify(part)
    const members = Object.entries(part).flatMap(([key, member]) => {
      const text = write(member)
      return text === undefined ? [] : [`${JSON.stringify(key)}:${text}`]
    })
    return `{${members.join(',')}}`
  }
  return write(value) ?? ''
}

function countParts(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, part) => sum + countParts(part), 1)
}

/** Query strings: a few parameters that a schema knows, seldom with a value that does not fit, seldom one too many. */
export function queriesOf(schema: z.ZodType | undefined, knownOf: KnownValues): fc.Arbitrary<string> {
  const shape = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {}
  const hostile = fc.constantFrom(...texts, ...days, ...instants, '%00', '%ZZ', 'null', '[]', 'WyJhIl0', '😀')
  const cursors = fc
    .array(fc.constantFrom(...texts, nobody, '-createdAt', 'createdAt', 'name', '\0'), { maxLength: 3 })
    .map((parts) => Buffer.from(JSON.stringify(parts)).toString('base64url'))
  const parameters = Object.entries(shape).map(([key, part]) => ({
    isNeeded: !part.safeParse(undefined).success,
    text: fc
      .oneof(
        { arbitrary: key === 'cursor' ? cursors : valuesOf(part, knownOf), weight: 9 },
        { arbitrary: hostile, weight: 1 },
      )
      .map((value) => `${key}=${encodeText(value)}`),
  }))
  const needed = parameters.filter(({ isNeeded }) => isNeeded).map(({ text }) => text)
  const others = parameters.filter(({ isNeeded }) => !isNeeded).map(({ text }) => text)
  const unknown = hostile.map((value) => `${encodeText(value)}=${encodeText(value)}`)
  return fc
    .record({
      needed: fc.tuple(...needed),
      others: fc
        .subarray(others, { maxLength: Math.min(2, others.length) })
        .chain((chosen) => fc.tuple(...chosen)),
      more: fc.oneof({ arbitrary: fc.constant([]), weight: 19 }, { arbitrary: fc.tuple(unknown), weight: 1 }),
    })
    .map((parts) => [...parts.needed, ...parts.others, ...parts.more])
    .map((parts) => (parts.length > 0 ? `?${parts.join('&')}` : ''))
}

const encodeText = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.startsWith('%') ? text : encodeURIComponent(text.toWellFormed())
}

/** A path with its parameters filled in: mostly with ids that are there. */
export function pathsOf(path: string, knownOf: KnownValues): fc.Arbitrary<string> {
  const parts = path.split('/').map((part) => {
    if (!part.startsWith(':')) return fc.constant(part)
    const known = knownOf(part.slice(1))
    return fc.oneof(
      { arbitrary: fc.constantFrom(...(known.length > 0 ? known.map(String) : [nobody])), weight: 20 },
      {
        arbitrary: fc.constantFrom('0', 'x', '%00', '%F0%9F', "'", '2147483648', nobody),
        weight: 1,
      },
    )
  })
  return fc.tuple(...parts).map((filled) => filled.join('/'))
}
