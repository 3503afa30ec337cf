/**
 * Rows and their indexes: by id, by alternate key, by any attribute that a query compared, and by version. Knows nothing of
 * rules: what is written here was accepted elsewhere.
 */
import type { Change } from '../simulator.ts'
import { createIdList, type IdList } from './id-list.ts'
import type { Row, Scalar, TableSchema } from './schema.ts'

export interface Deletion {
  readonly id: string
  readonly version: number
  readonly at: string
  /** What was deleted, for those who restore it. */
  readonly row: Row
}

interface Moved {
  readonly version: number
  readonly id: string
}

export interface Table {
  readonly schema: TableSchema
  readonly rows: Map<string, Row>
  /** Ascending. */
  readonly ids: IdList
  /** Ascending by version; an entry counts only while its row still has that version. */
  moved: Moved[]
  /** Ascending by version. */
  readonly deletions: Deletion[]
  readonly history: Map<string, Change[]>
  /** Ids by attribute (joined by a comma where several) and folded value. */
  readonly indexes: Map<string, Map<string, Set<string>>>
}

export interface Tables {
  readonly all: Map<string, Table>
  find(object: string): Table | undefined
  add(schema: TableSchema): void
  /** The version of the newest change of any table. */
  readonly version: number
  /** Stores a row under a version of its own; `change` goes into its history. */
  put(table: Table, row: Row, change: Change | null): void
  remove(table: Table, id: string, at: string, change: Change): void
  /** Ids whose attributes have these values, as the database's collation compares them. */
  findBy(table: Table, attributes: readonly string[], values: readonly Scalar[]): ReadonlySet<string>
  /** Drops what was indexed by an attribute that is no more. */
  forget(table: Table, attribute: string): void
  /** Runs `work`; where it throws, everything it changed is undone and the error goes on. */
  attempt<T>(work: () => T): T
  /** Called where the attempt that is under way fails. */
  whenUndone(undo: () => void): void
}

/** The database compares text without regard to case and trailing spaces. */
export const fold = (value: Scalar) =>
  typeof value === 'string' ? `s${value.trimEnd().toLowerCase()}` : `${typeof value}${String(value)}`

const foldAll = (values: readonly Scalar[]) => values.map(fold).join('\u0000')

const nobody: ReadonlySet<string> = new Set()

export function createTables(): Tables {
  const all = new Map<string, Table>()
  let version = 1_000_000
  let journal: (() => void)[] | null = null

  function reindex(table: Table, id: string, row: Row, add: boolean): void {
    for (const [name, index] of table.indexes) {
      const key = foldAll(name.split(',').map((attribute) => row[attribute] ?? null))
      const ids = index.get(key) ?? new Set()
      if (add) index.set(key, ids.add(id))
      else if (ids.delete(id) && ids.size === 0) index.delete(key)
    }
  }

  function store(table: Table, id: string, row: Row | undefined): void {
    const previous = table.rows.get(id)
    if (previous !== undefined) reindex(table, id, previous, false)
    if (row === undefined) {
      table.rows.delete(id)
      table.ids.remove(id)
      return
    }
    table.rows.set(id, row)
    if (previous === undefined) table.ids.add(id)
    reindex(table, id, row, true)
  }

  function indexOf(table: Table, attributes: readonly string[]): Map<string, Set<string>> {
    const name = attributes.join(',')
    const known = table.indexes.get(name)
    if (known !== undefined) return known
    const index = new Map<string, Set<string>>()
    table.indexes.set(name, index)
    for (const [id, row] of table.rows) {
      const key = foldAll(attributes.map((attribute) => row[attribute] ?? null))
      index.set(key, (index.get(key) ?? new Set()).add(id))
    }
    return index
  }

  return {
    all,
    find: (object) => all.get(object),
    add(schema) {
      all.set(schema.logicalName, {
        schema,
        rows: new Map(),
        ids: createIdList(),
        moved: [],
        deletions: [],
        history: new Map(),
        indexes: new Map(),
      })
    },
    get version() {
      return version
    },
    put(table, row, change) {
      const id = String(row[table.schema.primaryId])
      const previous = table.rows.get(id)
      version += 1
      store(table, id, { ...row, versionnumber: version })
      table.moved.push({ version, id })
      // While something may still be undone, entries of older versions are needed.
      if (journal === null && table.moved.length > 2 * table.rows.size + 1000) table.moved = compact(table)
      const log = table.history.get(id) ?? []
      table.history.set(id, log)
      if (change !== null) log.push(change)
      journal?.push(() => {
        store(table, id, previous)
        if (change !== null) log.pop()
      })
    },
    remove(table, id, at, change) {
      const row = table.rows.get(id)
      if (row === undefined) return
      version += 1
      store(table, id, undefined)
      table.history.get(id)?.push(change)
      table.deletions.push({ id, version, at, row })
      journal?.push(() => {
        table.deletions.pop()
        store(table, id, row)
        table.history.get(id)?.pop()
      })
    },
    findBy: (table, attributes, values) => indexOf(table, attributes).get(foldAll(values)) ?? nobody,
    forget(table, attribute) {
      for (const name of table.indexes.keys()) {
        if (name.split(',').includes(attribute)) table.indexes.delete(name)
      }
    },
    attempt(work) {
      const outer = journal
      const mine: (() => void)[] = []
      journal = mine
      try {
        const result = work()
        outer?.push(...mine)
        return result
      } catch (error) {
        journal = null
        for (const undo of mine.reverse()) undo()
        throw error
      } finally {
        journal = outer
      }
    },
    whenUndone: (undo) => void journal?.push(undo),
  }
}

function compact(table: Table): Moved[] {
  return table.moved.filter(({ id, version }) => table.rows.get(id)?.['versionnumber'] === version)
}

/** Where the first entry of a later version stands. */
function firstAfter(list: readonly { readonly version: number }[], version: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle]?.version ?? 0) > version) high = middle
    else low = middle + 1
  }
  return low
}

/** Rows that changed after `since`, up to `upTo`, oldest change first; at most `limit`. */
export function changedRows(table: Table, since: number, upTo: number, limit: number): readonly Row[] {
  const rows: Row[] = []
  for (let place = firstAfter(table.moved, since); place < table.moved.length; place += 1) {
    const entry = table.moved[place]
    if (entry === undefined || entry.version > upTo || rows.length >= limit) break
    const row = table.rows.get(entry.id)
    if (row?.['versionnumber'] === entry.version) rows.push(row)
  }
  return rows
}

/** Records deleted after `since`, up to `upTo`, that were not brought back; at most `limit`. */
export function deletedRows(table: Table, since: number, upTo: number, limit: number): readonly Deletion[] {
  const found: Deletion[] = []
  for (let place = firstAfter(table.deletions, since); place < table.deletions.length; place += 1) {
    const deletion = table.deletions[place]
    if (deletion === undefined || deletion.version > upTo || found.length >= limit) break
    if (!table.rows.has(deletion.id)) found.push(deletion)
  }
  return found
}
