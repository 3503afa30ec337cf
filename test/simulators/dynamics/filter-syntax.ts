/** The documented grammar of `$filter` into a tree; what is not documented is refused. */
import { errors } from './errors.ts'
import { readGuid } from './guids.ts'

export type Literal = string | number | boolean | null
export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le'
export type TextTest = 'contains' | 'startswith' | 'endswith'

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Filter[] }
  | { readonly kind: 'not'; readonly part: Filter }
  | {
      readonly kind: 'compare'
      readonly operator: Comparison
      readonly path: string
      readonly value: Literal
    }
  | { readonly kind: 'text'; readonly test: TextTest; readonly path: string; readonly value: string }
  | {
      readonly kind: 'in'
      readonly path: string
      readonly values: readonly Literal[]
      readonly negated: boolean
    }

type Token =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'word'; readonly value: string }
  | { readonly kind: 'mark'; readonly value: string }

const pattern = /\s+|'((?:[^']|'')*)'|([()[\],=])|"((?:[^"\\]|\\.)*)"|(@?[A-Za-z0-9_.:/+{}-]+)/gy

function readTokens(text: string): readonly Token[] {
  const tokens: Token[] = []
  let place = 0
  while (place < text.length) {
    pattern.lastIndex = place
    const match = pattern.exec(text)
    if (match === null) throw syntax(text, place)
    place = pattern.lastIndex
    const [, single, mark, double, word] = match
    if (single !== undefined) tokens.push({ kind: 'text', value: single.replaceAll("''", "'") })
    else if (double !== undefined) tokens.push({ kind: 'text', value: JSON.parse(`"${double}"`) as string })
    else if (mark !== undefined) tokens.push({ kind: 'mark', value: mark })
    else if (word !== undefined) tokens.push({ kind: 'word', value: word })
  }
  return tokens
}

const syntax = (text: string, place: number) =>
  errors.badRequest(`Syntax error at position ${place} in '${text}'.`)

const comparisons: readonly string[] = ['eq', 'ne', 'gt', 'ge', 'lt', 'le']
const textTests: readonly string[] = ['contains', 'startswith', 'endswith']
const isComparison = (word: string): word is Comparison => comparisons.includes(word)
const isTextTest = (word: string): word is TextTest => textTests.includes(word)

/** Values after `Microsoft.Dynamics.CRM.` that are conditions and not the name of an enumeration. */
const inFunctions: Readonly<Record<string, boolean>> = {
  'Microsoft.Dynamics.CRM.In': false,
  'Microsoft.Dynamics.CRM.NotIn': true,
}

function readWord(word: string): Literal | undefined {
  if (word === 'null') return null
  if (word === 'true' || word === 'false') return word === 'true'
  if (/^-?\d+(\.\d+)?$/.test(word)) return Number(word)
  const id = readGuid(word)
  if (id !== null) return id
  return /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(word) ? word : undefined
}

export function parseFilter(text: string): Filter {
  const tokens = readTokens(text)
  let place = 0
  const fail = () => syntax(text, place)
  const peek = (value: string) => {
    const token = tokens[place]
    return token !== undefined && token.kind !== 'text' && token.value === value
  }
  const take = (): Token => {
    const token = tokens[place]
    if (token === undefined) throw fail()
    place += 1
    return token
  }
  const expect = (value: string) => {
    if (!peek(value)) throw fail()
    place += 1
  }
  const takeWord = () => {
    const token = take()
    if (token.kind !== 'word') throw fail()
    return token.value
  }
  const takeLiteral = (): Literal => {
    const token = take()
    if (token.kind === 'text') return token.value
    const value = token.kind === 'word' ? readWord(token.value) : undefined
    if (value !== undefined) return value
    // Microsoft.Dynamics.CRM.AttributeTypeCode'Money'
    const next = tokens[place]
    if (token.kind !== 'word' || !token.value.startsWith('Microsoft.') || next?.kind !== 'text') throw fail()
    place += 1
    return next.value
  }

  function readIn(negated: boolean): Filter {
    expect('(')
    expect('PropertyName')
    expect('=')
    const path = take()
    if (path.kind !== 'text') throw fail()
    expect(',')
    expect('PropertyValues')
    expect('=')
    expect('[')
    const values: Literal[] = [takeLiteral()]
    while (peek(',')) {
      place += 1
      values.push(takeLiteral())
    }
    expect(']')
    expect(')')
    return { kind: 'in', path: path.value, values, negated }
  }

  function readOne(): Filter {
    if (peek('not')) {
      place += 1
      return { kind: 'not', part: readOne() }
    }
    if (peek('(')) {
      place += 1
      const inner = readOr()
      expect(')')
      return inner
    }
    const word = takeWord()
    const negated = inFunctions[word]
    if (negated !== undefined) return readIn(negated)
    if (isTextTest(word) && peek('(')) {
      place += 1
      const path = takeWord()
      expect(',')
      const value = takeLiteral()
      expect(')')
      return { kind: 'text', test: word, path, value: String(value) }
    }
    const operator = takeWord()
    if (!isComparison(operator)) throw fail()
    return { kind: 'compare', operator, path: word, value: takeLiteral() }
  }

  function readList(word: 'and' | 'or', next: () => Filter): Filter {
    const first = next()
    const parts = [first]
    while (peek(word)) {
      place += 1
      parts.push(next())
    }
    return parts.length === 1 ? first : { kind: word, parts }
  }

  const readAnd = () => readList('and', readOne)
  const readOr = (): Filter => readList('or', readAnd)

  const filter = readOr()
  if (place < tokens.length) throw fail()
  return filter
}
