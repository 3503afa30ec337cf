/**
 * What search sees of a table: live rows, late by the lag of the index. Keeps a log of changes in their order, so that
 * a search by the time of change looks at the newest rows only.
 */
import type { Row } from './schema.ts'

export interface SearchIndex {
  note(row: Row): void
  /** Rows by id, as of now. */
  rows(): ReadonlyMap<string, Row>
  /** Rows changed at or after `since` (ISO), in the order of their changes. */
  changedSince(since: string): readonly Row[]
  /** Rows whose property has this value, whatever the case; the index over a property is built when first asked for. */
  withValue(property: string, value: string): readonly Row[]
  /** Moves with everything that becomes visible. */
  version(): number
}

interface Entry {
  readonly at: number
  readonly row: Row
}

export function createSearchIndex(clock: { now(): Date; indexLagMs: number }): SearchIndex {
  const visible = new Map<string, Row>()
  const waiting: { readonly dueAt: number; readonly row: Row }[] = []
  const byValue = new Map<string, Map<string, Set<string>>>()
  let log: Entry[] = []
  let sorted = true
  let moved = 0

  function mark(row: Row | undefined, on: boolean): void {
    for (const [property, index] of byValue) {
      const value = row?.properties[property]?.toLowerCase()
      if (row === undefined || value === undefined) continue
      const ids = index.get(value) ?? new Set()
      if (on) index.set(value, ids.add(row.id))
      else if (ids.delete(row.id) && ids.size === 0) index.delete(value)
    }
  }

  function build(property: string): Map<string, Set<string>> {
    const index = new Map<string, Set<string>>()
    for (const row of visible.values()) {
      const value = row.properties[property]?.toLowerCase()
      if (value === undefined) continue
      const ids = index.get(value)
      if (ids === undefined) index.set(value, new Set([row.id]))
      else ids.add(row.id)
    }
    byValue.set(property, index)
    return index
  }

  function show(row: Row): void {
    moved += 1
    mark(visible.get(row.id), false)
    if (!row.archived) mark(row, true)
    if (row.archived) {
      visible.delete(row.id)
      return
    }
    visible.set(row.id, row)
    const at = Date.parse(row.updatedAt)
    if (at < (log.at(-1)?.at ?? 0)) sorted = false
    log.push({ at, row })
    if (log.length > 2 * visible.size + 1_000) log = log.filter((entry) => isCurrent(entry))
  }

  const isCurrent = ({ row }: Entry) => visible.get(row.id) === row

  function settle(): void {
    if (waiting.length === 0) return
    const now = clock.now().getTime()
    let due = 0
    while (due < waiting.length && (waiting[due]?.dueAt ?? 0) <= now) due += 1
    for (const { row } of waiting.splice(0, due)) show(row)
  }

  return {
    note(row) {
      if (clock.indexLagMs === 0) show(row)
      else waiting.push({ dueAt: clock.now().getTime() + clock.indexLagMs, row })
    },
    rows() {
      settle()
      return visible
    },
    changedSince(since) {
      settle()
      if (!sorted) {
        log = log.filter((entry) => isCurrent(entry)).sort((left, right) => left.at - right.at)
        sorted = true
      }
      const from = Date.parse(since)
      let low = 0
      let high = log.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((log[middle]?.at ?? 0) < from) low = middle + 1
        else high = middle
      }
      return log
        .slice(low)
        .filter((entry) => isCurrent(entry))
        .map(({ row }) => row)
    },
    withValue(property, value) {
      settle()
      const index = byValue.get(property) ?? build(property)
      return [...(index.get(value.toLowerCase()) ?? [])].flatMap((id) => visible.get(id) ?? [])
    },
    version() {
      settle()
      return moved
    },
  }
}
