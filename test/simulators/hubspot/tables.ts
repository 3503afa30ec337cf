/** Rows and their indexes. Knows nothing of rules: what is written here was accepted elsewhere. */
import type { Change as CommonChange } from '../simulator.ts'
import type { ObjectSchema, Property, Row } from './schema.ts'
import { createSearchIndex, type SearchIndex } from './search-index.ts'
import { createSortedIds, type SortedIds } from './sorted-ids.ts'

/** Where a change came from, as property histories and webhooks tell it. */
export interface Actor {
  /** The user, or `system`. */
  readonly by: string
  readonly source: 'CRM_UI' | 'INTEGRATION' | 'CALCULATED' | 'MERGE_OBJECTS'
  readonly sourceId: string | null
}

export interface Change extends CommonChange, Actor {
  readonly fields: Readonly<Record<string, string>>
}

export interface Table {
  readonly schema: ObjectSchema
  /** Every row there ever was: live, archived, and merged away. */
  readonly rows: Map<string, Row>
  readonly history: Map<string, Change[]>
  readonly live: SortedIds
  readonly archived: SortedIds
  readonly index: SearchIndex
  put(row: Row, change: Change | null): void
  /** The live row that holds this value of a unique property. */
  findUnique(property: Property, value: string): Row | undefined
  /** The live row of this id, following merges. */
  resolve(id: string): Row | undefined
  dropUniqueIndex(name: string): void
  /** Takes the row's place where nothing happened to the record itself: no stamp moves, no history is kept. */
  replaceQuietly(id: string, row: Row): void
}

/** E-mail addresses are one whatever the case; other unique values are taken as they are. */
const foldUnique = (property: Property, value: string) =>
  property.name === 'email' ? value.toLowerCase() : value

export function createTable(schema: ObjectSchema, clock: { now(): Date; indexLagMs: number }): Table {
  const rows = new Map<string, Row>()
  const history = new Map<string, Change[]>()
  const unique = new Map<string, Map<string, string>>()
  const live = createSortedIds()
  const archived = createSortedIds()
  const index = createSearchIndex(clock)

  function uniqueIndex(property: Property): Map<string, string> {
    const known = unique.get(property.name)
    if (known !== undefined) return known
    const built = new Map<string, string>()
    for (const row of rows.values()) {
      const value = row.properties[property.name]
      if (!row.archived && value !== undefined) built.set(foldUnique(property, value), row.id)
    }
    unique.set(property.name, built)
    return built
  }

  function reindex(row: Row | undefined, add: boolean): void {
    if (row === undefined || row.archived) return
    for (const [name, ids] of unique) {
      const property = schema.properties.get(name)
      const value = row.properties[name]
      if (property === undefined || value === undefined) continue
      const key = foldUnique(property, value)
      if (add) ids.set(key, row.id)
      else if (ids.get(key) === row.id) ids.delete(key)
    }
  }

  return {
    schema,
    rows,
    history,
    live,
    archived,
    index,
    put(row, change) {
      reindex(rows.get(row.id), false)
      rows.set(row.id, row)
      reindex(row, true)
      if (row.archived) live.remove(row.id)
      else live.add(row.id)
      if (row.archived && row.mergedInto === null) archived.add(row.id)
      else archived.remove(row.id)
      index.note(row)
      if (change === null) return
      const log = history.get(row.id)
      if (log === undefined) history.set(row.id, [change])
      else log.push(change)
    },
    findUnique(property, value) {
      const id = uniqueIndex(property).get(foldUnique(property, value))
      return id === undefined ? undefined : rows.get(id)
    },
    resolve(id) {
      let row = rows.get(id)
      while (row !== undefined && row.mergedInto !== null) row = rows.get(row.mergedInto)
      return row?.archived === true ? undefined : row
    },
    dropUniqueIndex: (name) => {
      unique.delete(name)
    },
    replaceQuietly(id, row) {
      rows.set(id, row)
      index.note(row)
    },
  }
}
