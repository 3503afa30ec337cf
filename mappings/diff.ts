/** What changed between two versions of a document, for the people who publish or roll back. */
import type { MappingDocument, MappingLine } from './document.ts'

export interface DocumentChange {
  /** JSON pointer; a field line goes by our name instead of its place. */
  readonly path: string
  readonly kind: 'added' | 'removed' | 'changed'
  /** What changed, in words: `field amount: owner`. */
  readonly subject: string
  readonly before: string | null
  readonly after: string | null
}

/** Lines are matched by our name, so that moving one is no change. Empty: the two mean the same. */
export function diffDocuments(before: MappingDocument, after: MappingDocument): DocumentChange[] {
  const plain = (['entity', 'object', 'keyField', 'include'] as const).flatMap((name) =>
    compare(`/${name}`, name, before[name], after[name]),
  )
  const fixed = (['onCreate', 'always', 'onMoved'] as const).flatMap((part) =>
    compareMembers(
      `/fixed/${part}`,
      `fixed value (${part})`,
      before.fixed[part] ?? {},
      after.fixed[part] ?? {},
    ),
  )
  return [...plain, ...fixed, ...compareLines(before.fields, after.fields)]
}

function compareLines(before: readonly MappingLine[], after: readonly MappingLine[]): DocumentChange[] {
  const names = [...new Set([...before, ...after].map(({ local }) => local))]
  return names.flatMap((name) => {
    const old = before.find(({ local }) => local === name)
    const young = after.find(({ local }) => local === name)
    const path = `/fields/${name}`
    return old && young
      ? compareMembers(path, `field ${name}:`, old, young)
      : compare(path, `field ${name}`, old, young)
  })
}

function compareMembers(path: string, subject: string, before: object, after: object): DocumentChange[] {
  const old: Record<string, unknown> = { ...before }
  const young: Record<string, unknown> = { ...after }
  return [...new Set([...Object.keys(old), ...Object.keys(young)])].flatMap((name) =>
    compare(`${path}/${name}`, `${subject} ${name}`, old[name], young[name]),
  )
}

function compare(path: string, subject: string, before: unknown, after: unknown): DocumentChange[] {
  const old = describe(before)
  const young = describe(after)
  if (old === young) return []
  const kind = old === null ? 'added' : young === null ? 'removed' : 'changed'
  return [{ path, kind, subject, before: old, after: young }]
}

/** `kind: number, scale: 2`; members by name, so that their order in the file does not matter. */
function describe(value: unknown): string | null {
  if (value === undefined) return null
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  const texts = members
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => {
      const text = describe(member)
      const nested = typeof member === 'object' && member !== null && !Array.isArray(member)
      return `${name}: ${nested ? `{${text}}` : text}`
    })
  return texts.join(', ')
}
