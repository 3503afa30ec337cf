/** Ids in ascending order; those that ascend by themselves, as nearly all do, cost nothing to add. */
export interface IdList {
  readonly all: readonly string[]
  add(id: string): void
  remove(id: string): void
  /** Where the first id after `id` stands. */
  placeAfter(id: string): number
}

export function createIdList(): IdList {
  const all: string[] = []

  function place(id: string, after: boolean): number {
    let low = 0
    let high = all.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = all[middle] ?? ''
      if (after ? other > id : other >= id) high = middle
      else low = middle + 1
    }
    return low
  }

  return {
    all,
    add(id) {
      const last = all.at(-1)
      if (last === undefined || last < id) all.push(id)
      else all.splice(place(id, false), 0, id)
    },
    remove(id) {
      const at = place(id, false)
      if (all[at] === id) all.splice(at, 1)
    },
    placeAfter: (id) => place(id, true),
  }
}
