import { beforeEach, describe, expect, it } from 'vitest'
import type { ChangePage } from '#connectors/connector.ts'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  connector,
  gate,
  insertDeals,
  never,
  poll,
  reconnect,
  simulator,
  useSalesforce,
} from '#test/support/salesforce-organisation.ts'

useSalesforce()
beforeEach(() => reconnect({ bulkFromRows: 3000 }))

const fields = ['Name', 'Amount', 'CloseDate', 'IsWon', 'LastModifiedDate', 'NextStep']
async function pass(cursor: string | null, signal = never): Promise<readonly ChangePage[]> {
  const pages: ChangePage[] = []
  for await (const page of connector.changes('Opportunity', cursor, fields, signal)) pages.push(page)
  return pages
}
const byId = (pages: readonly ChangePage[]) =>
  new Map(pages.flatMap(({ records }) => records.map((record) => [record.id, record])))
const operations = () => simulator.calls.log.map(({ operation }) => operation)

describe('the first pass over a large table', () => {
  it('goes by a query job, in few calls, and holds what single pages would hold', async () => {
    const ids = insertDeals(24_000)
    simulator.update('Opportunity', ids[0]!, {
      Name: 'He said "no", then\nleft',
      Amount: 100.5,
      NextStep: 'a,b;c',
    })
    simulator.remove('Opportunity', ids[1]!)
    const pages = await pass(null)
    const records = byId(pages)
    expect(records.size).toBe(23_999)
    expect(new Set(pages.flatMap(({ deletions }) => deletions.map(({ id }) => id)))).toEqual(
      new Set([ids[1]]),
    )
    expect(pages.every((page) => page.records.length <= connector.traits.batch.changes)).toBe(true)
    expect(pages.map(({ done }) => done).lastIndexOf(false)).toBe(pages.length - 2)
    expect(operations().filter((operation) => operation === 'job-results')).toHaveLength(2)
    const [read] = await connector.read('Opportunity', [ids[0]!], fields, never)
    const bulkRecord = pages.filter(({ ageMs }) => ageMs !== undefined).flatMap((page) => page.records)
    expect(bulkRecord.find(({ id }) => id === ids[0])).toEqual(read)
  })

  it('leaves to the poll what changed since, and says how old its records may be', async () => {
    const ids = insertDeals(4000)
    const seen: ChangePage[] = []
    for await (const page of connector.changes('Opportunity', null, fields, never)) {
      seen.push(page)
      if (seen.length === 2) simulator.update('Opportunity', ids[0]!, { Name: 'later' })
    }
    const prepared = seen.filter(({ ageMs }) => ageMs !== undefined)
    expect(prepared.length).toBe(2)
    expect(prepared.every(({ ageMs }) => ageMs! > 0)).toBe(true)
    expect(byId(seen).get(ids[0]!)?.fields['Name']).toBe('later')
    expect(await pass(seen.at(-1)!.cursor)).toMatchObject([{ done: false }, { done: false }, { done: true }])
  })

  it('goes on from any page without a second job', async () => {
    insertDeals(5000)
    const pages = await pass(null)
    for (const [index, { cursor }] of pages.slice(0, -1).entries()) {
      const rest = await pass(cursor)
      expect(new Set([...byId(pages.slice(0, index + 1)).keys(), ...byId(rest).keys()]).size).toBe(5000)
    }
    expect(operations().filter((operation) => operation === 'job-create')).toHaveLength(1)
  }, 60_000)

  it.each(['Failed', 'Aborted'] as const)('reads page by page when the job is %s', async (state) => {
    insertDeals(4000)
    simulator.bulkJobs.endNext(state)
    const pages = await pass(null)
    expect(byId(pages).size).toBe(4000)
    expect(pages.every(({ ageMs }) => ageMs === undefined)).toBe(true)
    expect(operations().filter((operation) => operation === 'job-create')).toHaveLength(1)
  })

  it('starts over when the job is gone, and does without it where jobs are refused', async () => {
    insertDeals(4000)
    const cursor = (await pass(null))[1]!.cursor
    simulator.bulkJobs.forget()
    expect(byId(await pass(cursor)).size).toBe(4000)
    simulator.faults.add({
      kind: 'call-error',
      operation: 'job-create',
      status: 400,
      errorCode: 'FEATURENOTENABLED',
      message: 'Async API not enabled',
    })
    expect(byId(await pass(null)).size).toBe(4000)
  })

  it('is no matter for small tables, nor for later polls', async () => {
    insertDeals(2500)
    const pages = await poll(null)
    await poll(pages.at(-1)!.cursor)
    expect(operations().filter((operation) => operation.startsWith('job-'))).toEqual([])
    expect(operations().filter((operation) => operation === 'record-count')).toHaveLength(1)
  })

  it('ends at once when the signal aborts while the job runs', async () => {
    insertDeals(4000)
    const work = new AbortController()
    const pages = connector.changes('Opportunity', null, fields, work.signal)[Symbol.asyncIterator]()
    await pages.next()
    await pages.next()
    const next = faultOf(pages.next())
    setTimeout(() => work.abort(), 100)
    const started = performance.now()
    expect((await next).kind).toBe('unavailable')
    expect(performance.now() - started).toBeLessThan(900)
    expect(gate.count('changes')).toBeGreaterThan(0)
  })
})
