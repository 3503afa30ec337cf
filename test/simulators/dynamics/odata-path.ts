/** The address of a resource: segments, each with its key where it has one. Refuses what it does not know. */
import { errors } from './errors.ts'
import { readGuid } from './guids.ts'

export type KeyLiteral = string | number | boolean | null

export type SegmentKey =
  | { readonly kind: 'id'; readonly id: string }
  /** An alternate key, or the parameters of a function. */
  | { readonly kind: 'named'; readonly values: ReadonlyMap<string, KeyLiteral> }

export interface Segment {
  readonly name: string
  readonly key: SegmentKey | null
}

/** Cuts at a separator that stands outside of quotes and parentheses. */
export function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = []
  let depth = 0
  let quoted = false
  let start = 0
  for (let place = 0; place < text.length; place += 1) {
    const letter = text[place]
    if (letter === "'") quoted = !quoted
    else if (quoted) continue
    else if (letter === '(') depth += 1
    else if (letter === ')') depth -= 1
    else if (letter === separator && depth === 0) {
      parts.push(text.slice(start, place))
      start = place + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

function readLiteral(text: string, aliases: ReadonlyMap<string, string>): KeyLiteral {
  if (text.startsWith('@')) {
    const value = aliases.get(text)
    if (value === undefined) throw errors.badRequest(`Parameter alias '${text}' has no value.`)
    return readLiteral(value, aliases)
  }
  // An enumeration: Microsoft.Dynamics.CRM.EndpointAccessType'Default'
  const quoted = /^(?:[A-Za-z.]+)?'((?:[^']|'')*)'$/.exec(text)
  if (quoted?.[1] !== undefined) return quoted[1].replaceAll("''", "'")
  if (text === 'null') return null
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  const id = readGuid(text)
  if (id !== null) return id
  throw errors.badRequest(`Syntax error: the key value '${text}' is not a literal.`)
}

function readKey(text: string, aliases: ReadonlyMap<string, string>): SegmentKey | null {
  if (text === '') return null
  const id = readGuid(text)
  if (id !== null) return { kind: 'id', id }
  const values = new Map<string, KeyLiteral>()
  for (const part of splitOutside(text, ',')) {
    const [, name, literal] = /^\s*([A-Za-z_][\w.]*)\s*=\s*(.+?)\s*$/s.exec(part) ?? []
    if (name === undefined || literal === undefined) {
      throw errors.badRequest(`Bad Request - Error in query syntax. The key '${text}' is not valid.`)
    }
    values.set(name, readLiteral(literal, aliases))
  }
  return { kind: 'named', values }
}

/** `path` below the version, still percent-encoded, without the query. */
export function readPath(path: string, aliases: ReadonlyMap<string, string> = new Map()): readonly Segment[] {
  const trimmed = path.replace(/^\/+|\/+$/g, '')
  if (trimmed === '') return []
  let decoded: string
  try {
    decoded = decodeURIComponent(trimmed)
  } catch {
    throw errors.badRequest('Bad Request - Error in query syntax.')
  }
  return splitOutside(decoded, '/').map((text) => {
    const [, name, key] = /^([$A-Za-z_][\w.]*)(?:\((.*)\))?$/s.exec(text) ?? []
    if (name === undefined) throw errors.noResource(text)
    return { name, key: key === undefined ? null : readKey(key.trim(), aliases) }
  })
}
