import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { firstBatchRows, nextBatchRows, restMs, smallerBatchRows } from '#src/imports/batch-size.ts'
import { createCellReader } from '#src/imports/cell-reader.ts'
import { readCustomerRow } from '#src/imports/customer-rows.ts'
import { type DealNames, readDealRow } from '#src/imports/deal-rows.ts'
import { type Import, kindsFor, rateOf } from '#src/imports/import.ts'
import { columnsOf } from '#src/imports/import-columns.ts'
import { toCellIssue } from '#src/imports/issue-columns.ts'
import { readPartnerRow } from '#src/imports/partner-rows.ts'
import { reportHeader, reportLines } from '#src/imports/report-csv.ts'
import { mostFailures, retryAfterMs } from '#src/imports/retry.ts'
import { newId } from '#src/kernel/ids.ts'
import { formatDecimal } from '#src/kernel/money.ts'

const rowOf = (cells: { readonly [column: string]: string }) => ({
  line: 2,
  cells: new Map(Object.entries(cells)),
})
const codes = (issues: readonly { column: string | null; code: string }[]) =>
  issues.map(({ column, code }) => `${column}: ${code}`)

describe('a cell', () => {
  const reader = (cell: string) => createCellReader(new Map([['at', cell]]))

  test.each([
    ['2026-03-02', '2026-03-01T23:00:00.000Z'],
    ['2026-07-02', '2026-07-01T22:00:00.000Z'],
    ['2026-03-02T14:30:00Z', '2026-03-02T14:30:00.000Z'],
    ['2026-03-02 14:30+02:00', '2026-03-02T12:30:00.000Z'],
    ['2026-03-02T14:30:00.250-0500', '2026-03-02T19:30:00.250Z'],
  ])('%s is an instant, a day begins in the zone of the programme', (cell, instant) => {
    expect(reader(cell).instant('at', 'Europe/Berlin')?.toISOString()).toBe(instant)
  })

  test.each([
    '02.03.2026',
    '2026-02-30',
    '2026-02-30T10:00:00Z',
    '2026-03-02T25:00:00Z',
    '2026-03-02T14:30:00',
    '1772461800',
    'yesterday',
  ])('%s is no instant', (cell) => {
    const read = reader(cell)
    expect(read.instant('at', 'UTC')).toBeUndefined()
    expect(codes(read.issues)).toEqual(['at: not_an_instant'])
  })

  test('an instant lies on its day in the zone of the programme', () => {
    expect(reader('2026-03-02T23:30:00Z').dayOf('at', 'Europe/Berlin')).toBe('2026-03-03')
    expect(reader('2026-03-02').dayOf('at', 'America/New_York')).toBe('2026-03-02')
  })

  test('a choice is understood in any case; a list leaves gaps out', () => {
    expect(reader('In Review').choice('at', ['in_review'])).toBe('in_review')
    expect(reader(' a | |b|').list('at')).toEqual(['a', 'b'])
  })

  test('that is blank is not stated, and no issue', () => {
    const read = createCellReader(new Map())
    expect([read.text('at'), read.day('at'), read.list('at'), read.choice('at', ['a'])]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(read.issues).toEqual([])
  })
})

describe('a row of deals', () => {
  const programme = { id: newId<'programme'>(), name: 'Resellers', timeZone: 'UTC', tiers: [] }
  const names: DealNames = {
    programmes: [programme],
    partners: new Map([['P-1', newId<'partner'>()]]),
    products: new Map([['desk', newId<'product'>()]]),
  }
  const now = new Date('2026-03-02T10:00:00Z')
  const least = { external_ref: 'D-1', partner: 'P-1', company_name: 'Contoso' }

  test('with its key, partner and company alone is a new registration of the only programme', () => {
    const { row, issues } = readDealRow(rowOf(least), names, now)
    expect(issues).toEqual([])
    expect(row).toMatchObject({
      ref: 'D-1',
      programmeId: programme.id,
      status: 'submitted',
      registeredAt: null,
      outcome: 'open',
    })
  })

  test('states nothing about a field whose cell is blank', () => {
    const { row } = readDealRow(rowOf(least), names, now)
    const stated = Object.entries(row?.details ?? {}).filter(([, value]) => value !== undefined)
    expect(stated).toEqual([['companyName', 'Contoso']])
  })

  test('has to say which programme where there are several, and may say it by name or id', () => {
    const two = {
      ...names,
      programmes: [programme, { ...programme, id: newId<'programme'>(), name: 'Distributors' }],
    }
    expect(codes(readDealRow(rowOf(least), two, now).issues)).toEqual(['programme: required'])
    for (const said of ['distributors', two.programmes[1]!.id.toUpperCase()]) {
      expect(readDealRow(rowOf({ ...least, programme: said }), two, now).row?.programmeId).toBe(
        two.programmes[1]!.id,
      )
    }
  })

  test('tells all that is wrong at once, each by its column', () => {
    const { row, issues } = readDealRow(
      rowOf({ partner: 'P-2', amount: '1,5', currency: 'EURO', outcome: 'maybe', outcome_on: '1.1.2026' }),
      names,
      now,
    )
    expect(row).toBeNull()
    expect(codes(issues)).toEqual([
      'partner: unknown_partner',
      'external_ref: required',
      'currency: not_a_currency',
      'company_name: required',
      'outcome: unknown_choice',
      'outcome_on: not_a_day',
    ])
  })

  test('keeps amounts exact in every currency', () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 10n ** 15n),
        fc.constantFrom('EUR', 'JPY', 'KWD'),
        (amountMinor, currency) => {
          const amount = formatDecimal(amountMinor, currency)
          const { row } = readDealRow(rowOf({ ...least, amount, currency }), names, now)
          expect(row?.details.amountMinor).toBe(amountMinor)
        },
      ),
    )
  })
})

describe('a row of partners', () => {
  const programme = {
    id: newId<'programme'>(),
    name: 'Resellers',
    timeZone: 'UTC',
    tiers: [{ id: newId(), name: 'Gold' }],
  }
  const least = { external_ref: 'P-1', name: 'Nordwind' }

  test('without a tier leaves memberships alone, with one it sets that one', () => {
    expect(readPartnerRow(rowOf(least), [programme]).row).toEqual({ externalRef: 'P-1', name: 'Nordwind' })
    const { row, issues } = readPartnerRow(rowOf({ ...least, tier: 'gold', territories: 'DE|AT' }), [
      programme,
    ])
    expect(issues).toEqual([])
    expect(row.memberships).toEqual([
      { programmeId: programme.id, tierId: programme.tiers[0]?.id, territories: ['DE', 'AT'] },
    ])
  })

  test('cannot have territories or a programme without a tier', () => {
    for (const cells of [{ territories: 'DE' }, { programme: 'Resellers' }]) {
      expect(codes(readPartnerRow(rowOf({ ...least, ...cells }), [programme]).issues)).toEqual([
        'tier: required',
      ])
    }
  })
})

test('a row of customers states what its cells state', () => {
  const { row } = readCustomerRow(rowOf({ external_ref: 'C-1', name: 'Contoso', postal_code: '24103' }))
  expect(row).toEqual({ externalRef: 'C-1', name: 'Contoso', postalCode: '24103' })
})

test('an issue of a field is named by the column that fills it', () => {
  const named = (kind: 'partners' | 'customers' | 'deals', path: string) =>
    toCellIssue(kind, { path, code: 'x', message: 'x' }).column
  expect(named('deals', '/details/companyName')).toBe('company_name')
  expect(named('deals', '/companyName')).toBe('company_name')
  expect(named('deals', '/amountMinor')).toBe('amount')
  expect(named('deals', '/products/0/productId')).toBe('products')
  expect(named('deals', '/domain')).toBe('company_domain')
  expect(named('partners', '/memberships/0/tierId')).toBe('tier')
  expect(named('partners', '/memberships/0/territories/1')).toBe('territories')
  expect(named('partners', '/domain')).toBe('domain')
  expect(named('customers', '/postalCode')).toBe('postal_code')
  expect(named('customers', '/something/else')).toBeNull()
})

test('column names are plain and unique, and every kind is known by its external reference', () => {
  for (const kind of ['partners', 'customers', 'deals'] as const) {
    const names = columnsOf(kind).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => !/^[a-z][a-z_]*$/.test(name))).toEqual([])
    expect(columnsOf(kind)[0]).toMatchObject({ name: 'external_ref', required: true })
  }
})

test('a report never holds a formula, and quotes what needs it', () => {
  const issues = [{ column: 'name', code: 'too_long', message: 'Too long, "really"' }]
  const text =
    reportHeader() +
    reportLines([
      { line: 7, externalRef: '=cmd()', outcome: 'invalid', issues, cells: { name: '@SUM(1)' } },
      {
        line: 9,
        externalRef: null,
        outcome: 'created',
        issues: [{ column: null, code: 'x', message: 'y' }],
        cells: {},
      },
    ])
  expect(text.split('\n').slice(0, 3)).toEqual([
    'line,external_ref,outcome,column,value,problem,what_to_do',
    `7,'=cmd(),invalid,name,'@SUM(1),"Too long, ""really""",Shorten the text.`,
    '9,,created,,,y,Correct the cell and import the file again; rows that are in are left as they are.',
  ])
})

test('a batch takes about a quarter of a second, whatever a row costs', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.05, max: 40, noNaN: true }), (rowMs) => {
      let rows = firstBatchRows
      for (let batch = 0; batch < 20; batch += 1) rows = nextBatchRows(rows, rows * rowMs)
      expect(rows).toBeGreaterThanOrEqual(10)
      expect(rows).toBeLessThanOrEqual(500)
      if (rows > 10) expect(rows * rowMs).toBeLessThan(300)
      if (rows < 500) expect(rows * rowMs).toBeGreaterThan(200)
    }),
  )
})

test('the row that breaks a batch is reached in a few steps', () => {
  let rows = 500
  let steps = 0
  for (; rows > 1; steps += 1) rows = smallerBatchRows(rows)
  expect(steps).toBeLessThanOrEqual(5)
})

test('others get a tenth of the time, and never wait long for the next batch', () => {
  expect([restMs(500), restMs(60_000)]).toEqual([50, 200])
})

test('failures are answered with patience, but not for ever', () => {
  expect([1, 2, 3, 7, 30].map(retryAfterMs)).toEqual([1_000, 2_000, 4_000, 60_000, 60_000])
  const all = Array.from({ length: mostFailures }, (_, index) => retryAfterMs(index + 1)).reduce(
    (a, b) => a + b,
  )
  expect(all / 60_000).toBeGreaterThan(25)
})

test('progress has a rate once it runs', () => {
  const one: Import = {
    id: newId(),
    kind: 'deals',
    state: 'running',
    fileName: null,
    startedBy: 'Ops',
    problem: null,
    rows: { read: 1_000, created: 100, updated: 50, unchanged: 25, invalid: 25 },
    createdAt: new Date(0),
    receivedAt: new Date(0),
    startedAt: new Date(10_000),
    endedAt: null,
  }
  expect(rateOf(one, new Date(20_000))).toBe(20)
  expect(rateOf({ ...one, endedAt: new Date(110_000) }, new Date(999_000))).toBe(2)
  expect(rateOf({ ...one, startedAt: null }, new Date(20_000))).toBeNull()
  expect(rateOf(one, new Date(10_000))).toBeNull()
})

test('who may import what', () => {
  expect(kindsFor(['administrator'])).toEqual(['partners', 'customers', 'deals'])
  expect(kindsFor(['channel_manager'])).toEqual(['deals'])
  expect(kindsFor(['finance', 'auditor'])).toEqual([])
})
