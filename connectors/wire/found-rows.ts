import { ConnectorFault } from '../fault.ts'

/** A field that is no key may match half the CRM; such a search is refused rather than read on for hours. */
const maxPages = 20
const rowsPerValue = 2

export interface Places {
  /** Whether a row with this value is among those to answer; takes its place. */
  take(value: string): boolean
  /** Rows of some value are still to be found. */
  isOpen(): boolean
}

/** Two rows per value, ignoring case: enough to tell that a value is not unique. */
export function createPlaces(values: readonly string[]): Places {
  const places = new Map(values.map((value) => [value.toLowerCase(), rowsPerValue]))
  return {
    take(value) {
      const key = value.toLowerCase()
      const left = places.get(key)
      if (left === undefined) return false
      if (left > 1) places.set(key, left - 1)
      else places.delete(key)
      return true
    },
    isOpen: () => places.size > 0,
  }
}

/** Reads page after page: `read` answers where the next one is, or null when no more are wanted. */
export async function followPages<Page>(
  object: string,
  first: Page,
  read: (page: Page) => Promise<Page | null>,
): Promise<void> {
  let next: Page | null = first
  for (let page = 0; page < maxPages && next !== null; page += 1) next = await read(next)
  if (next === null) return
  throw new ConnectorFault('configuration', `Too many records of ${object} match; search by a key instead`, {
    code: 'SEARCH_TOO_WIDE',
  })
}
