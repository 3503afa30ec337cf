import { pipeline } from 'node:stream'
import { CsvError, type Info, type Parser, parse } from 'csv-parse'
import { InvalidInput } from '#src/kernel/errors.ts'
import { lineSchema, textSchema } from '#src/kernel/text.ts'
import type { CellIssue, ImportKind } from './import.ts'
import { type Column, columnsOf, readHeader } from './import-columns.ts'
import { countLines, decodeText } from './utf8-text.ts'

/** A row as it stands in the file. */
export interface FileRow {
  readonly line: number
  /** In the order of the header; what is too long to keep is cut. */
  readonly cells: readonly string[]
  /** Why it cannot even be read; such a row is never applied. */
  readonly issues: readonly CellIssue[]
}

export interface RowBatch {
  readonly columns: readonly string[]
  readonly rows: readonly FileRow[]
}

const batchRows = 1_000
const batchLetters = 1_000_000
const recordLetters = 1_000_000
const headLetters = 64_000
const keptLetters = 200

/**
 * The rows of a CSV file (comma, semicolon or tab between cells; quotes; UTF-8) in batches of bounded size, read no
 * faster than they are taken.
 * @throws InvalidInput for a header that does not fit, no rows at all, or a file whose rows cannot be told apart
 */
export async function* readCsv(kind: ImportKind, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RowBatch> {
  const text = decodeText(bytes)
  const head = await readHead(text)
  let lastLine = 0
  const parser = parse({
    delimiter: delimiterOf(head),
    record_delimiter: '\n',
    info: true,
    trim: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    max_record_size: recordLetters,
    // Rows wait in a buffer that an error throws away, so this is how far the parser itself was.
    on_record: (cells: string[], { lines }) => {
      lastLine = lines
      return cells
    },
  })
  // What goes wrong on the way destroys the parser, so that whoever reads it gets the error.
  pipeline(joined(head, text), parser, () => undefined)
  try {
    yield* batchesOf(kind, parser)
  } catch (error) {
    throw error instanceof CsvError ? unreadable(error, lastLine + 1) : error
  }
}

async function* batchesOf(kind: ImportKind, parser: Parser): AsyncGenerator<RowBatch> {
  let columns: readonly Column[] | null = null
  let rows: FileRow[] = []
  let letters = 0
  let any = false
  for await (const { line, cells } of recordsOf(parser)) {
    if (!columns) {
      columns = inOrder(kind, readHeader(kind, cells))
      continue
    }
    const row = readRow(columns, line, cells)
    rows.push(row)
    any = true
    letters += row.cells.reduce((sum, cell) => sum + cell.length, 0)
    if (rows.length < batchRows && letters < batchLetters) continue
    yield { columns: columns.map(({ name }) => name), rows }
    rows = []
    letters = 0
  }
  if (!columns) throw new InvalidInput('The file is empty: its first line names the columns')
  if (!any) throw new InvalidInput('The file has a header but no rows')
  if (rows.length > 0) yield { columns: columns.map(({ name }) => name), rows }
}

const inOrder = (kind: ImportKind, names: readonly string[]): Column[] =>
  names.flatMap((name) => columnsOf(kind).find((column) => column.name === name) ?? [])

interface Record {
  readonly line: number
  readonly cells: readonly string[]
}

async function* recordsOf(parser: AsyncIterable<{ record: string[]; info: Info }>): AsyncGenerator<Record> {
  for await (const { record, info } of parser) {
    yield { line: info.lines - record.reduce((sum, cell) => sum + countLines(cell), 0), cells: record }
  }
}

/** A quotation mark that is wrong makes all that follows doubtful, so the file is not taken at all. */
function unreadable(error: CsvError, line: number): InvalidInput {
  const problems: { [code: string]: string } = {
    CSV_QUOTE_NOT_CLOSED: 'A quotation mark that opens in the row from here on is never closed',
    CSV_MAX_RECORD_SIZE:
      'The row that begins here is larger than 1 MB; most likely a quotation mark is not closed',
    CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE:
      'A cell goes on behind its closing quotation mark; double a mark inside text',
    INVALID_OPENING_QUOTE:
      'A quotation mark stands inside a cell without quotes; quote the cell and double it',
  }
  const message = problems[error.code] ?? 'This row cannot be read as CSV'
  return new InvalidInput('The file cannot be read as CSV, so nothing of it was taken', [
    { path: `line ${line}`, code: error.code.toLowerCase(), message: `Line ${line}: ${message}` },
  ])
}

function readRow(columns: readonly Column[], line: number, given: readonly string[]): FileRow {
  const issues: CellIssue[] = []
  if (given.length !== columns.length) {
    const message = `The row has ${given.length} cells, the header has ${columns.length}`
    issues.push({ column: null, code: 'wrong_cell_count', message })
  }
  const cells = given.slice(0, columns.length).map((raw, index) => {
    const cell = raw.trim()
    const column = columns[index]
    const issue = column && cell !== '' ? cellIssue(column, cell) : null
    if (!issue) return cell
    issues.push(issue)
    return cell.replaceAll(/[[\p{Cc}\p{Cs}]--\n]/gv, ' ').slice(0, keptLetters)
  })
  return { line, cells, issues }
}

function cellIssue({ name, maxLength, manyLines }: Column, cell: string): CellIssue | null {
  // Nearly every cell is plain and short enough: that is seen much faster.
  if (cell.length <= maxLength && !/[\p{Cc}\p{Cs}]/u.test(cell)) return null
  const problem = (manyLines ? textSchema : lineSchema)(maxLength).safeParse(cell).error?.issues[0]
  if (!problem) return null
  return problem.code === 'too_big'
    ? {
        column: name,
        code: 'too_long',
        message: `The cell has ${cell.length} characters, at most ${maxLength} are possible`,
      }
    : { column: name, code: 'not_plain_text', message: `The cell is not ${problem.message}` }
}

/** Enough text to see the header. */
async function readHead(text: AsyncIterator<string>): Promise<string> {
  let head = ''
  while (!head.includes('\n') && head.length < headLetters) {
    const next = await text.next()
    if (next.done) break
    head += next.value
  }
  return head
}

async function* joined(head: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield head
  yield* rest
}

/** What stands between the column names, of which none has such a letter in it. */
function delimiterOf(head: string): string {
  const [line = ''] = head.split('\n', 1)
  const counted = [',', ';', '\t'].map((letter) => ({ letter, count: line.split(letter).length }))
  return counted.reduce((most, each) => (each.count > most.count ? each : most)).letter
}
