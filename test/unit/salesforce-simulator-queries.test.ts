import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type RawSession } from '#test/simulators/salesforce/session.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'

const start = Date.UTC(2026, 10, 20, 10)
let clockMs = start
const now = () => new Date(clockMs)
let simulator: SalesforceSimulator
let session: RawSession

describe('SOQL', () => {
  beforeAll(async () => {
    clockMs = start
    simulator = await startSalesforceSimulator({ now })
    session = await openSession(simulator)
    const [acme = '', globex = ''] = simulator.insertMany('Account', [
      { Name: 'Acme', BillingCity: 'Berlin' },
      { Name: 'globex', Website: "o'brien.example" },
    ])
    clockMs += 5000
    simulator.insertMany('Opportunity', [
      { Name: 'alpha', StageName: 'Prospecting', CloseDate: '2026-11-20', AccountId: acme, Amount: 10 },
      { Name: 'Beta', StageName: 'Closed Won', CloseDate: '2026-12-01', AccountId: globex, Amount: 20 },
      { Name: 'gamma_1', StageName: 'Closed Lost', CloseDate: '2027-01-05', AccountId: acme },
      { Name: '50% off', StageName: 'Prospecting', CloseDate: '2026-11-19', Amount: 5 },
    ])
  })
  afterAll(() => simulator.close())

  const names = async (where: string) => {
    const { status, body } = await session.query(`SELECT Name FROM Opportunity WHERE ${where} ORDER BY Name`)
    expect([status, body[0]?.message]).toEqual([200, undefined])
    return body.records.map((record: { Name: string }) => record.Name)
  }

  it.each([
    ["Name = 'ALPHA'", ['alpha']],
    ["Name != 'alpha'", ['50% off', 'Beta', 'gamma_1']],
    ["Name < 'beta'", ['50% off', 'alpha']],
    ["Name LIKE '%ta'", ['Beta']],
    ["Name LIKE 'gamma\\_%'", ['gamma_1']],
    ["Name LIKE '50\\% o__'", ['50% off']],
    ['(NOT IsClosed = true)', ['50% off', 'alpha']],
    ['IsWon = TRUE', ['Beta']],
    ['Amount = null', ['gamma_1']],
    ['Amount != null', ['50% off', 'alpha', 'Beta']],
    ['Amount > 5 AND Amount <= 20', ['alpha', 'Beta']],
    ['Amount < 6', ['50% off']],
    ["StageName IN ('Prospecting', 'Closed Lost') AND AccountId != null", ['alpha', 'gamma_1']],
    ["StageName NOT IN ('Prospecting')", ['Beta', 'gamma_1']],
    ["Account.Name = 'acme'", ['alpha', 'gamma_1']],
    ["Account.Website = 'o\\'brien.example'", ['Beta']],
    ['Account.BillingCity = null', ['50% off', 'Beta']],
    ['CloseDate = 2026-12-01', ['Beta']],
    ['CloseDate = TODAY', ['alpha']],
    ['CloseDate > TODAY', ['Beta', 'gamma_1']],
    ['CloseDate = LAST_N_DAYS:1', ['50% off', 'alpha']],
    ['CloseDate >= NEXT_MONTH', ['Beta', 'gamma_1']],
    ['SystemModstamp >= 2026-11-20T10:00:05Z', ['50% off', 'alpha', 'Beta', 'gamma_1']],
    ['SystemModstamp > 2026-11-20T11:00:05+01:00', []],
    ["(Name = 'alpha' OR Name = 'Beta') AND (Amount = 20 OR Amount = 5)", ['Beta']],
    ["AccountId IN (SELECT Id FROM Account WHERE Name = 'Globex')", ['Beta']],
  ])('finds by %s', async (where, expected) => {
    expect(await names(where)).toEqual(expected)
  })

  it.each([
    ['SELECT Nope FROM Account', 'INVALID_FIELD'],
    ['SELECT Id FROM Account WHERE Nope = 1', 'INVALID_FIELD'],
    ['SELECT Id FROM Account ORDER BY Nope', 'INVALID_FIELD'],
    ['SELECT Nope.Name FROM Account', 'INVALID_FIELD'],
    ['SELECT CurrencyIsoCode FROM Opportunity', 'INVALID_FIELD'],
    ['SELECT Id FROM Nope', 'INVALID_TYPE'],
    ['SELECT Id FROM', 'MALFORMED_QUERY'],
    ['SELECT Id, Id FROM Account', 'MALFORMED_QUERY'],
    ["SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", 'MALFORMED_QUERY'],
    ["SELECT Id FROM Account WHERE Name = 'a' AND NOT Name = 'b'", 'MALFORMED_QUERY'],
    ["SELECT Id FROM Account WHERE Id = 'abc'", 'INVALID_QUERY_FILTER_OPERATOR'],
    ['SELECT Id FROM Account WHERE Name = 5', 'INVALID_FIELD'],
    ["SELECT Id FROM Account WHERE SystemModstamp > '2026-01-01T00:00:00Z'", 'INVALID_FIELD'],
    ['SELECT Id FROM Account WHERE SystemModstamp > 2026-01-01', 'INVALID_FIELD'],
    ["SELECT Id FROM Account WHERE Description = 'x'", 'INVALID_FIELD'],
    ['SELECT Id FROM Account LIMIT 1 OFFSET 2001', 'NUMBER_OUTSIDE_VALID_RANGE'],
  ])('refuses %s', async (soql, errorCode) => {
    const { status, body } = await session.query(soql)
    expect([status, body[0]?.errorCode]).toEqual([400, errorCode])
  })

  it('nests parents, says null for a missing one, and names types and addresses', async () => {
    const { body } = await session.query(
      'SELECT Id, Account.Name, Account.Owner.Name FROM Opportunity ORDER BY Amount DESC NULLS LAST, Name',
    )
    expect(body.records[0]).toMatchObject({
      attributes: {
        type: 'Opportunity',
        url: `/services/data/v62.0/sobjects/Opportunity/${body.records[0].Id}`,
      },
      Account: { attributes: { type: 'Account' }, Name: 'globex', Owner: { Name: 'Rita Sales' } },
    })
    expect(body.records[2].Account).toBeNull()
  })

  it('sorts by several fields, blanks first unless told otherwise', async () => {
    const list = async (order: string) => {
      const { body } = await session.query(`SELECT Name FROM Opportunity ORDER BY ${order}`)
      return body.records.map((record: { Name: string }) => record.Name)
    }
    expect(await list('Amount, Name')).toEqual(['gamma_1', '50% off', 'alpha', 'Beta'])
    expect(await list('StageName DESC, Name DESC')).toEqual(['alpha', '50% off', 'Beta', 'gamma_1'])
    expect(await list('Account.Name NULLS LAST, Name LIMIT 2 OFFSET 1')).toEqual(['gamma_1', 'Beta'])
  })

  it('counts', async () => {
    const { body } = await session.query("SELECT COUNT() FROM Opportunity WHERE StageName = 'Prospecting'")
    expect(body).toEqual({ totalSize: 2, done: true, records: [] })
  })
})

describe('a queue of changes', () => {
  beforeEach(async () => {
    clockMs = start
    simulator = await startSalesforceSimulator({ now })
    session = await openSession(simulator)
  })
  afterEach(() => simulator.close())

  it('shows deleted records to queryAll only', async () => {
    const [, gone = ''] = simulator.insertMany('Account', [{ Name: 'A' }, { Name: 'B' }])
    simulator.remove('Account', gone)
    const soql = 'SELECT Id, IsDeleted FROM Account WHERE IsDeleted = true'
    expect((await session.query(soql)).body.totalSize).toBe(0)
    expect((await session.query(soql, true)).body.records).toMatchObject([{ Id: gone, IsDeleted: true }])
  })

  it('holds pages of a cursor still while records change, and forgets the oldest of more than ten cursors', async () => {
    simulator.insertMany(
      'Account',
      Array.from({ length: 500 }, (_, index) => ({ Name: `A ${index}` })),
    )
    const read = () =>
      session.send('GET', '/query?q=SELECT+Id+FROM+Account', undefined, {
        'Sforce-Query-Options': 'batchSize=200',
      })
    const first = await read()
    expect(first.body.records).toHaveLength(200)
    simulator.insert('Account', { Name: 'later' })
    const path = first.body.nextRecordsUrl.replace('/services/data/v62.0', '')
    expect((await session.send('GET', path)).body).toMatchObject({ totalSize: 500, done: false })
    for (let index = 0; index < 10; index += 1) await read()
    const { status, body } = await session.send('GET', path)
    expect([status, body[0].errorCode]).toEqual([400, 'INVALID_QUERY_LOCATOR'])
  })

  it('is read complete by (SystemModstamp, Id), whatever is changed, and however pages fall', async () => {
    const step = fc.record({
      create: fc.nat(7),
      touch: fc.nat(20),
      seconds: fc.nat(2),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        async (steps, limit) => {
          for (const row of simulator.list('Account')) simulator.remove('Account', String(row['Id']))
          for (const { create, touch, seconds } of steps) {
            const rows = Array.from({ length: create }, () => ({ Name: 'x' }))
            const ids = simulator.insertMany('Account', rows)
            clockMs += seconds * 1000
            const known = simulator.list('Account')
            if (known.length > 0) {
              simulator.touch('Account', [String(known[touch % known.length]?.['Id']), ...ids.slice(0, 2)])
            }
          }
          const seen: string[] = []
          let stamp = '2000-01-01T00:00:00.000+0000'
          let last = '000000000000000AAA'
          for (;;) {
            const { body } = await session.query(
              `SELECT Id, SystemModstamp FROM Account WHERE SystemModstamp > ${stamp} OR (SystemModstamp = ${stamp} AND Id > '${last}') ORDER BY SystemModstamp, Id LIMIT ${limit}`,
            )
            if (body.records.length === 0) break
            for (const record of body.records) seen.push(record.Id)
            stamp = body.records.at(-1).SystemModstamp
            last = body.records.at(-1).Id
          }
          const live = simulator.list('Account').map((row) => row['Id'])
          expect(new Set(seen)).toEqual(new Set(live))
          expect(seen).toHaveLength(live.length)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('polls 10,000 of 20,000 records, page by page', async () => {
    simulator.insertMany(
      'Account',
      Array.from({ length: 10_000 }, (_, index) => ({ Name: `Old ${index}` })),
    )
    clockMs += 60_000
    simulator.insertMany(
      'Account',
      Array.from({ length: 10_000 }, (_, index) => ({ Name: `New ${index}` })),
    )
    const since = '2026-11-20T10:00:30Z'
    let { body } = await session.query(
      `SELECT Id, Name, SystemModstamp FROM Account WHERE SystemModstamp >= ${since} ORDER BY SystemModstamp, Id`,
    )
    let count = body.records.length
    while (!body.done) {
      ;({ body } = await session.send('GET', body.nextRecordsUrl.replace('/services/data/v62.0', '')))
      count += body.records.length
    }
    expect(count).toBe(10_000)
  })
})
