import { type Day, dayIn, daySchema, startOfDay } from '#src/kernel/calendar.ts'
import type { CellIssue } from './import.ts'

const instantForm = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/

/** Reads the cells of one row one by one and gathers what is wrong. A blank cell is undefined. */
export function createCellReader(cells: ReadonlyMap<string, string>) {
  const issues: CellIssue[] = []
  const fail = (column: string | null, code: string, message: string): undefined => {
    issues.push({ column, code, message })
    return undefined
  }
  const text = (column: string): string | undefined => cells.get(column)
  const read = <Value>(
    column: string,
    parse: (cell: string) => Value | null,
    code: string,
    message: (cell: string) => string,
  ): Value | undefined => {
    const cell = text(column)
    if (cell === undefined) return undefined
    return parse(cell) ?? fail(column, code, message(cell))
  }
  return {
    issues: issues as readonly CellIssue[],
    fail,
    text,
    read,
    needed(column: string, what: string): string {
      return text(column) ?? fail(column, 'required', `Name ${what}`) ?? ''
    },
    choice: <Choice extends string>(column: string, choices: readonly Choice[]): Choice | undefined =>
      read(
        column,
        (cell) => {
          const wanted = cell.toLowerCase().replaceAll(/[\s-]+/g, '_')
          return choices.find((choice) => choice === wanted) ?? null
        },
        'unknown_choice',
        (cell) => `"${cell}" is none of: ${choices.join(', ')}`,
      ),
    list: (column: string): string[] | undefined =>
      text(column)
        ?.split('|')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    day: (column: string): Day | undefined =>
      read(
        column,
        (cell) => (daySchema.safeParse(cell).success ? cell : null),
        'not_a_day',
        (cell) => `"${cell}" is not a day of the form YYYY-MM-DD`,
      ),
    /** An instant, or a day, which begins at midnight in `timeZone`. */
    instant: (column: string, timeZone: string): Date | undefined =>
      read(column, (cell) => toInstant(cell, timeZone), 'not_an_instant', notAnInstant),
    /** A day, or an instant, which lies on its day in `timeZone`. */
    dayOf: (column: string, timeZone: string): Day | undefined =>
      read(
        column,
        (cell) => {
          const instant = toInstant(cell, timeZone)
          return instant && dayIn(instant, timeZone)
        },
        'not_an_instant',
        notAnInstant,
      ),
  }
}

export type CellReader = ReturnType<typeof createCellReader>

const notAnInstant = (cell: string) =>
  `"${cell}" is neither YYYY-MM-DD nor an instant with offset such as 2026-03-02T14:30:00Z`

function toInstant(cell: string, timeZone: string): Date | null {
  if (daySchema.safeParse(cell).success) return startOfDay(cell, timeZone)
  if (!instantForm.test(cell) || !daySchema.safeParse(cell.slice(0, 10)).success) return null
  const instant = new Date(cell.replace(' ', 'T'))
  return Number.isNaN(instant.getTime()) ? null : instant
}
