import { stringify } from 'csv-stringify/sync'
import type { ToldRow } from './import.ts'
import { adviceFor } from './issue-columns.ts'

const header = ['line', 'external_ref', 'outcome', 'column', 'value', 'problem', 'what_to_do'] as const
const shownLetters = 200

export const reportHeader = (): string => toCsv([header])

/** One line per thing that there is to say about these rows. */
export const reportLines = (rows: readonly ToldRow[]): string =>
  toCsv(
    rows.flatMap(({ line, externalRef, outcome, issues, cells }) =>
      issues.map(({ column, code, message }) => [
        String(line),
        externalRef ?? '',
        outcome,
        column ?? '',
        shown(column === null ? undefined : cells[column]),
        message,
        adviceFor(code),
      ]),
    ),
  )

/** The cell as it was sent, short enough to read. */
export const shown = (cell: string | undefined): string => (cell ?? '').slice(0, shownLetters)

/** What people sent must not become a formula when somebody opens the report in a spreadsheet. */
const toCsv = (records: readonly (readonly string[])[]): string =>
  stringify(
    records.map((record) => [...record]),
    { escape_formulas: true },
  )
