/** Which records are associated, under which labels, seen from both ends. Knows nothing of rules. */
import { type AssociationType, standardTypes } from './association-types.ts'

/** Type ids by the id of the other record. */
type Links = ReadonlyMap<string, ReadonlySet<number>>

export interface Associations {
  readonly types: Map<number, AssociationType>
  findDefault(from: string, to: string): AssociationType | undefined
  read(from: string, fromId: string, to: string): Links
  /** Answers whether anything changed. */
  set(type: AssociationType, fromId: string, toId: string, on: boolean): boolean
  /** Takes every label between two records away. */
  clear(from: string, fromId: string, to: string, toId: string): readonly number[]
}

const none: Links = new Map()

export function createAssociations(): Associations {
  const types = new Map(standardTypes.map((type) => [type.id, type]))
  const links = new Map<string, Map<string, Set<number>>>()
  const keyOf = (from: string, fromId: string, to: string) => `${from}:${fromId}:${to}`

  function mark(type: AssociationType, fromId: string, toId: string, on: boolean): boolean {
    const key = keyOf(type.from, fromId, type.to)
    const known = links.get(key) ?? new Map<string, Set<number>>()
    const labels = known.get(toId) ?? new Set<number>()
    if (labels.has(type.id) === on) return false
    if (on) labels.add(type.id)
    else labels.delete(type.id)
    if (labels.size > 0) known.set(toId, labels)
    else known.delete(toId)
    if (known.size > 0) links.set(key, known)
    else links.delete(key)
    return true
  }

  function set(type: AssociationType, fromId: string, toId: string, on: boolean): boolean {
    const inverse = types.get(type.inverse)
    const changed = mark(type, fromId, toId, on)
    if (inverse !== undefined) mark(inverse, toId, fromId, on)
    return changed
  }

  const read: Associations['read'] = (from, fromId, to) => links.get(keyOf(from, fromId, to)) ?? none

  return {
    types,
    findDefault: (from, to) =>
      [...types.values()].find(
        (type) =>
          type.from === from && type.to === to && type.label === null && type.category === 'HUBSPOT_DEFINED',
      ),
    read,
    set,
    clear(from, fromId, to, toId) {
      const ids = [...(read(from, fromId, to).get(toId) ?? [])]
      for (const id of ids) {
        const type = types.get(id)
        if (type !== undefined) set(type, fromId, toId, false)
      }
      return ids
    },
  }
}
