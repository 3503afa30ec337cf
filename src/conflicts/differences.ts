/** What differs between two values that came out of JSON, down to single values, for people to read. Pure. */

export interface Difference {
  /** JSON pointer. */
  readonly path: string
  readonly kind: 'added' | 'removed' | 'changed'
  /** As JSON. */
  readonly before: string | null
  readonly after: string | null
}

/**
 * Entries of lists are known by what they say, so that one more or less moves nothing else. Empty: the two say the same.
 */
export function differencesOf(before: unknown, after: unknown, path = ''): Difference[] {
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(before, after, path)
  const [old, young] = [membersOf(before), membersOf(after)]
  if (!old || !young) {
    const texts = { before: textOf(before), after: textOf(after) }
    if (texts.before === texts.after) return []
    const kind = texts.before === null ? 'added' : texts.after === null ? 'removed' : 'changed'
    return [{ path, kind, ...texts }]
  }
  return [...new Set([...old.keys(), ...young.keys()])].flatMap((name) =>
    differencesOf(old.get(name), young.get(name), `${path}/${name}`),
  )
}

function compareLists(before: readonly unknown[], after: readonly unknown[], path: string): Difference[] {
  const old = before.map((entry) => JSON.stringify(entry))
  const young = after.map((entry) => JSON.stringify(entry))
  const [inOld, inYoung] = [new Set(old), new Set(young)]
  const removed = old.flatMap((text, index): Difference[] =>
    inYoung.has(text) ? [] : [{ path: `${path}/${index}`, kind: 'removed', before: text, after: null }],
  )
  const added = young.flatMap((text, index): Difference[] =>
    inOld.has(text) ? [] : [{ path: `${path}/${index}`, kind: 'added', before: null, after: text }],
  )
  if (removed.length > 0 || added.length > 0 || old.join() === young.join()) return [...removed, ...added]
  return [{ path, kind: 'changed', before: `[${old.join()}]`, after: `[${young.join()}]` }]
}

const membersOf = (value: unknown): ReadonlyMap<string, unknown> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : null

const textOf = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value))
