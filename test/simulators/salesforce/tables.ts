/** Rows and their indexes. Knows nothing of rules: what is written here was accepted elsewhere. */
import { createIdSequence } from './ids.ts'
import type { FieldSchema, ObjectSchema, Row, Scalar } from './schema.ts'

export interface Change {
  readonly at: string
  /** The user who made it; `system` for changes the platform made by itself. */
  readonly by: string
  readonly fields: Readonly<Record<string, Scalar>>
}

export interface Table {
  readonly schema: ObjectSchema
  /** Live and deleted rows; insertion order follows the last change, so it is nearly sorted by SystemModstamp. */
  readonly rows: Map<string, Row>
  readonly history: Map<string, Change[]>
  /** Live ids by unique field (lower case) and folded value. */
  readonly unique: Map<string, Map<string, string>>
  sorted: readonly Row[] | null
}

/** A row before and after a change that was kept. */
export interface KeptChange {
  readonly table: Table
  readonly previous: Row | undefined
  readonly next: Row
  readonly change: Change
}

export interface Tables {
  readonly all: Map<string, Table>
  find(object: string): Table | undefined
  nextId(table: Table): string
  /** Replaces a row (undefined: takes it out, only to undo an insert) and keeps the indexes true. */
  put(table: Table, id: string, next: Row | undefined, change: Change | null): void
  /** The id of the live row that holds this value of a unique field. */
  findUnique(table: Table, field: FieldSchema, value: Scalar): string | undefined
  /** All rows by (SystemModstamp, Id). */
  sortedRows(table: Table): readonly Row[]
  /** Runs `work`; where it answers false, everything it changed is undone. */
  attempt(work: () => boolean): boolean
  /** Tells of every change that is kept, in the order of the changes. */
  watch(watcher: (kept: KeptChange) => void): void
}

export function foldKey(field: FieldSchema, value: Scalar): string {
  return field.caseSensitive ? String(value) : String(value).toLowerCase()
}

function compareByStamp(left: Row, right: Row): number {
  const a = String(left['SystemModstamp'])
  const b = String(right['SystemModstamp'])
  if (a !== b) return a < b ? -1 : 1
  return String(left['Id']) < String(right['Id']) ? -1 : 1
}

export function createTables(schemas: readonly ObjectSchema[]): Tables {
  const all = new Map<string, Table>()
  for (const schema of schemas) {
    all.set(schema.name.toLowerCase(), {
      schema,
      rows: new Map(),
      history: new Map(),
      unique: new Map(),
      sorted: null,
    })
  }
  const nextId = createIdSequence()
  let journal: (() => void)[] | null = null
  let unannounced: KeptChange[] = []
  const watchers: ((kept: KeptChange) => void)[] = []

  function announce(): void {
    const kept = unannounced
    unannounced = []
    for (const each of kept) for (const watcher of watchers) watcher(each)
  }

  function uniqueIndex(table: Table, field: FieldSchema): Map<string, string> {
    const name = field.name.toLowerCase()
    const known = table.unique.get(name)
    if (known) return known
    const index = new Map<string, string>()
    for (const [id, row] of table.rows) {
      const value = row[field.name] ?? null
      if (value !== null && row['IsDeleted'] !== true) index.set(foldKey(field, value), id)
    }
    table.unique.set(name, index)
    return index
  }

  function reindex(table: Table, row: Row | undefined, add: boolean): void {
    if (row === undefined || row['IsDeleted'] === true) return
    for (const [name, index] of table.unique) {
      const field = table.schema.fields.get(name)
      const value = field === undefined ? null : (row[field.name] ?? null)
      if (field === undefined || value === null) continue
      const key = foldKey(field, value)
      const id = String(row['Id'])
      if (add) index.set(key, id)
      else if (index.get(key) === id) index.delete(key)
    }
  }

  function store(table: Table, id: string, next: Row | undefined): void {
    reindex(table, table.rows.get(id), false)
    table.rows.delete(id)
    if (next !== undefined) table.rows.set(id, next)
    reindex(table, next, true)
    table.sorted = null
  }

  return {
    all,
    find: (object) => all.get(object.toLowerCase()),
    nextId: (table) => nextId(table.schema.keyPrefix),
    put(table, id, next, change) {
      const previous = table.rows.get(id)
      store(table, id, next)
      const log = table.history.get(id) ?? []
      table.history.set(id, log)
      if (change !== null) log.push(change)
      journal?.push(() => {
        store(table, id, previous)
        if (change !== null) log.pop()
        if (previous === undefined) table.history.delete(id)
      })
      if (change === null || next === undefined) return
      unannounced.push({ table, previous, next, change })
      if (journal === null) announce()
    },
    findUnique: (table, field, value) => uniqueIndex(table, field).get(foldKey(field, value)),
    sortedRows(table) {
      table.sorted ??= [...table.rows.values()].sort(compareByStamp)
      return table.sorted
    },
    attempt(work) {
      const outer = journal
      const mine: (() => void)[] = []
      const before = unannounced.length
      journal = mine
      const keep = work()
      journal = outer
      if (keep) outer?.push(...mine)
      else {
        for (const undo of mine.reverse()) undo()
        unannounced.length = before
      }
      if (outer === null) announce()
      return keep
    },
    watch(watcher) {
      watchers.push(watcher)
    },
  }
}
