import type { ProgrammeId } from '#src/kernel/ids.ts'
import type { CellReader } from './cell-reader.ts'

export interface KnownProgramme {
  readonly id: ProgrammeId
  readonly name: string
  readonly timeZone: string
  readonly tiers: readonly { readonly id: string; readonly name: string }[]
}

export const sameText = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** The programme that the row names, or the only one there is. Undefined once the reader has the issue. */
export function pickProgramme(
  reader: CellReader,
  programmes: readonly KnownProgramme[],
): KnownProgramme | undefined {
  const wanted = reader.text('programme')
  if (wanted !== undefined) {
    const found = programmes.find(({ id, name }) => sameText(id, wanted) || sameText(name, wanted))
    return found ?? reader.fail('programme', 'unknown_programme', `There is no programme "${wanted}"`)
  }
  const [only, another] = programmes
  if (only && !another) return only
  const names = programmes
    .slice(0, 20)
    .map(({ name }) => name)
    .join(', ')
  return reader.fail('programme', 'required', `Name the programme, one of: ${names || '(there is none yet)'}`)
}
