import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type FileRow, readCsv } from '#src/imports/csv-rows.ts'
import type { ImportKind } from '#src/imports/import.ts'
import { columnsOf } from '#src/imports/import-columns.ts'
import { InvalidInput } from '#src/kernel/errors.ts'

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(file: string | Uint8Array, kind: ImportKind = 'customers', size = 7) {
  const rows: FileRow[] = []
  const batches: number[] = []
  for await (const batch of readCsv(kind, inPieces(Buffer.from(file), size))) {
    rows.push(...batch.rows)
    batches.push(batch.rows.length)
  }
  return { rows, batches }
}

const lines = async (file: string | Uint8Array) =>
  (await read(file)).rows.map(({ line, cells }) => `${line}: ${cells.join('/')}`)

async function refusal(file: string | Uint8Array, kind: ImportKind = 'customers', size = 7) {
  const error: unknown = await read(file, kind, size).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof InvalidInput)) throw new Error(`Not refused as invalid input: ${String(error)}`)
  return { message: error.message, issues: error.issues.map(({ path, code }) => `${path}: ${code}`) }
}

test('rows know the line on which they begin, whatever ends lines, however many a cell or a gap has', async () => {
  const file = [
    'external_ref,name',
    '1,"Two',
    'lines"',
    '',
    '',
    '2,Plain',
    ',,',
    '3,"Three',
    '',
    'lines"',
    '4,Last',
  ]
  const expected = ['2: 1/Two\nlines', '6: 2/Plain', '8: 3/Three\n\nlines', '11: 4/Last']
  for (const end of ['\n', '\r\n', '\r']) {
    for (const last of ['', end]) expect(await lines(file.join(end) + last)).toEqual(expected)
  }
})

test('a byte order mark, spaces around cells and letters of several bytes do no harm, however the file is cut', async () => {
  const file = Buffer.from('\uFEFFexternal_ref, name ,city\n 1 , "Müller & Söhne, 株式会社 🏭" , Łódź\n')
  for (let size = 1; size < 12; size += 1) {
    expect((await read(file, 'customers', size)).rows).toEqual([
      { line: 2, cells: ['1', 'Müller & Söhne, 株式会社 🏭', 'Łódź'], issues: [] },
    ])
  }
})

test.each([
  ['commas', 'external_ref,name,city\n1,"A;B",C\n'],
  ['semicolons', 'external_ref;name;city\n1;A;B\n'],
  ['tabs', 'external_ref\tname\tcity\n1\tA;B\tC\n'],
])('cells may be separated by %s', async (_name, file) => {
  const [row] = (await read(file)).rows
  expect(row?.cells).toHaveLength(3)
  expect(row?.issues).toEqual([])
})

test('column names are understood as people write them', async () => {
  expect(await lines(' External Ref ,NAME,Postal-Code\n1,A,2\n')).toEqual(['2: 1/A/2'])
})

test('a header that does not fit is refused with everything that is wrong and all columns that there are', async () => {
  const { message, issues } = await refusal('external_ref,colour,city,city,\n1,2,3,4,5\n')
  expect(issues).toEqual([
    'colour: unknown_column',
    'city: repeated_column',
    'column 5: unnamed_column',
    'name: missing_column',
  ])
  for (const { name } of columnsOf('customers')) expect(message).toContain(name)
  expect((await refusal('a header of another world\n1\n', 'deals')).issues).toContain(
    'partner: missing_column',
  )
})

test('a file without a header or without rows is refused', async () => {
  for (const file of ['', '\n\n', '\uFEFF']) expect((await refusal(file)).message).toContain('is empty')
  for (const file of ['external_ref,name', 'external_ref,name\n\n,\n']) {
    expect((await refusal(file)).message).toContain('no rows')
  }
})

test('bytes that are not UTF-8 are refused with their line', async () => {
  const latin = Buffer.concat([
    Buffer.from('external_ref,name\n1,Fine\n2,M'),
    Buffer.from([0xfc]),
    Buffer.from('ller\n'),
  ])
  for (const size of [1, 5, 1_000]) {
    expect(await refusal(latin, 'customers', size)).toEqual({
      message: 'The file is not UTF-8 text: save it as "CSV UTF-8" and send it again',
      issues: ['line 3: not_utf8'],
    })
  }
  const cut = Buffer.from('external_ref,name\n1,ü').subarray(0, -1)
  expect((await refusal(cut)).issues).toEqual(['line 2: not_utf8'])
  const wide = Buffer.from('\uFEFFexternal_ref,name\n1,A\n', 'utf16le')
  expect((await refusal(wide)).issues).toEqual(['line 1: not_utf8'])
})

test('a quotation mark that is never closed is refused with the row that it opens in', async () => {
  const open = 'external_ref,name\n1,Fine\n2,"Open\n3,Never seen\n'
  expect((await refusal(open)).issues).toEqual(['line 3: csv_quote_not_closed'])
  const rest = 'x,y\n'.repeat(400_000)
  expect((await refusal(`external_ref,name\n1,Fine\n2,"Open\n${rest}`, 'customers', 65_536)).issues).toEqual([
    'line 3: csv_max_record_size',
  ])
  expect((await refusal('external_ref,name\n1,"A" b\n')).issues).toEqual([
    'line 2: csv_non_trimable_char_after_closing_quote',
  ])
  expect((await refusal('external_ref,name\n1,"A"b\n')).issues).toHaveLength(1)
  expect((await refusal('external_ref,name\n1,24" screen\n')).issues).toEqual([
    'line 2: invalid_opening_quote',
  ])
})

test('a cell that is too long spoils its row only, and is not kept', async () => {
  const { rows } = await read(`external_ref,name,city\n1,${'x'.repeat(100_000)},Kiel\n2,Short,Bonn\n`)
  expect(rows.map(({ cells, issues }) => [cells[1]?.length, issues])).toEqual([
    [
      200,
      [
        {
          column: 'name',
          code: 'too_long',
          message: 'The cell has 100000 characters, at most 300 are possible',
        },
      ],
    ],
    [5, []],
  ])
})

test('a row of another length than the header and letters that no database keeps spoil their row only', async () => {
  const { rows } = await read('external_ref,name,city\n1,A\n2,A,B,C\n3,A\0B,C\n4,"A\nB",C\n5,A,B\n')
  expect(rows.map(({ issues }) => issues.map(({ column, code }) => `${column}: ${code}`))).toEqual([
    ['null: wrong_cell_count'],
    ['null: wrong_cell_count'],
    ['name: not_plain_text'],
    ['name: not_plain_text'],
    [],
  ])
  expect(rows[2]?.cells[1]).toBe('A B')
})

test('prose may have line breaks', async () => {
  const { rows } = await read('external_ref,partner,company_name,notes\n1,P,C,"one\ntwo"\n', 'deals')
  expect(rows[0]).toMatchObject({ cells: ['1', 'P', 'C', 'one\ntwo'], issues: [] })
})

test('batches are bounded by rows and by size, so that memory is', async () => {
  const short = Array.from({ length: 2_500 }, (_, index) => `${index},N`).join('\n')
  expect((await read(`external_ref,name\n${short}`, 'customers', 65_536)).batches).toEqual([
    1_000, 1_000, 500,
  ])
  const prose = 'x'.repeat(10_000)
  const long = Array.from({ length: 250 }, (_, index) => `${index},P,C,${prose}`).join('\n')
  const { batches } = await read(`external_ref,partner,company_name,notes\n${long}`, 'deals', 65_536)
  expect(Math.max(...batches)).toBeLessThanOrEqual(100)
})

test('the file is read no faster than its rows are taken', async () => {
  let sent = 0
  async function* endless() {
    yield Buffer.from('external_ref,name\n')
    for (;;) {
      sent += 1
      yield Buffer.from('1,Name of a company\n'.repeat(3_000))
    }
  }
  const rows = readCsv('customers', endless())
  await rows.next()
  await new Promise((done) => setTimeout(done, 50))
  expect(sent).toBeLessThan(10)
  await rows.return(undefined)
  const atEnd = sent
  await new Promise((done) => setTimeout(done, 20))
  expect(sent).toBe(atEnd)
})

test('what a program writes as CSV is read back as it was, with its lines', async () => {
  const cell = fc
    .string({ unit: fc.constantFrom('a', 'Ü', ' ', ',', ';', '"', '\n', '|', '🏭'), maxLength: 8 })
    .map((text) => text.trim())
  const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 30 })
  const header = ['external_ref', 'partner', 'company_name', 'notes']
  await fc.assert(
    fc.asyncProperty(
      table,
      fc.integer({ min: 1, max: 50 }),
      fc.constantFrom('unix', 'windows'),
      async (given, size, end) => {
        const records = given.map(([partner, notes], index) => [`${index}`, partner, 'x', notes])
        const file = stringify([header, ...records], { record_delimiter: end, quoted_string: true })
        const { rows } = await read(file, 'deals', size)
        expect(rows.map(({ cells }) => cells)).toEqual(records)
        const heights = [1, ...records.map((record) => record.join('').split('\n').length)]
        const begins = records.map((_, index) => 1 + heights.slice(0, index + 1).reduce((a, b) => a + b, 0))
        expect(rows.map(({ line }) => line)).toEqual(begins)
      },
    ),
    { numRuns: 200 },
  )
})
