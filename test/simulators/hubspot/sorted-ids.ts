/** Record ids in numeric order, for paging by "after this id" without walking over what came before. */
export interface SortedIds {
  add(id: string): void
  remove(id: string): void
  /** At most `limit` ids above `after`. */
  page(after: string | null, limit: number): readonly string[]
  has(id: string): boolean
  readonly size: number
}

export function createSortedIds(): SortedIds {
  const ids: number[] = []

  /** The place of the first id that is not below `id`. */
  function place(id: number): number {
    const last = ids.at(-1)
    if (last === undefined || last < id) return ids.length
    let low = 0
    let high = ids.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ids[middle] ?? 0) < id) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    add(text) {
      const id = Number(text)
      const at = place(id)
      if (at === ids.length) ids.push(id)
      else if (ids[at] !== id) ids.splice(at, 0, id)
    },
    remove(text) {
      const id = Number(text)
      const at = place(id)
      if (ids[at] === id) ids.splice(at, 1)
    },
    page(after, limit) {
      const from = after === null ? 0 : place(Number(after) + 1)
      return ids.slice(from, from + limit).map(String)
    },
    has: (text) => ids[place(Number(text))] === Number(text),
    get size() {
      return ids.length
    },
  }
}
