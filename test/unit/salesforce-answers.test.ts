import nock from 'nock'
import { describe, expect, it } from 'vitest'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  allowSignIn,
  base,
  connector,
  create,
  gate,
  host,
  never,
  opportunityId,
  read,
  row,
  salesforce,
  update,
  useSalesforceWire,
} from '#test/support/salesforce-wire.ts'

useSalesforceWire()

describe('requests of the connector', () => {
  it('are intercepted for a host that does not exist, for every method used', async () => {
    allowSignIn()
    salesforce().get(`${base}/sobjects/Opportunity/describe`).reply(200, { name: 'Opportunity', fields: [] })
    salesforce().post(`${base}/composite/sobjects/Opportunity`).reply(200, [row])
    salesforce()
      .patch(`${base}/composite/sobjects`)
      .reply(200, [{ id: opportunityId, success: true, errors: [] }])
    await connector.describe('Opportunity', never)
    await read()
    expect(await connector.write([update()], never)).toEqual([
      { ok: true, id: opportunityId, created: false },
    ])
  })

  it('carry the token and our name for the change events', async () => {
    allowSignIn()
    nock(host, {
      reqheaders: { authorization: 'Bearer token-1', 'sforce-call-options': 'client=counterpart' },
    })
      .post(`${base}/composite/sobjects/Opportunity`, {
        ids: [opportunityId],
        fields: ['Id', 'Name', 'SystemModstamp', 'LastModifiedById'],
      })
      .reply(200, [row])
    expect(await read()).toEqual([
      {
        object: 'Opportunity',
        id: opportunityId,
        fields: { Name: 'Acme' },
        modifiedAt: '2026-11-20T10:00:00.000Z',
        modifiedBy: '005000000000002AAA',
      },
    ])
  })

  it('tell the gate how many calls the organisation has used', async () => {
    allowSignIn()
    salesforce().post(`${base}/composite/sobjects/Opportunity`).reply(200, [row], {
      'Sforce-Limit-Info': 'api-usage=18/5000; per-app-api-usage=17/250(appName=counterpart)',
    })
    await read()
    expect(gate.usages).toEqual([{ used: 18, limit: 5000 }])
  })

  it('are never repeated by the SDK', async () => {
    allowSignIn()
    salesforce().get(`${base}/sobjects/Opportunity/describe`).reply(503, 'busy')
    const fault = await faultOf(connector.describe('Opportunity', never))
    expect(fault).toMatchObject({ kind: 'unavailable', details: { code: 'HTTP_503', httpStatus: 503 } })
    expect(gate.count('describe')).toBe(1)
  })

  it('do not follow a redirect with the token', async () => {
    allowSignIn()
    const elsewhere = nock('https://elsewhere.invalid').get('/').reply(200, {})
    salesforce()
      .get(`${base}/sobjects/Opportunity/describe`)
      .reply(302, '', { location: 'https://elsewhere.invalid/' })
    const fault = await faultOf(connector.describe('Opportunity', never))
    expect(fault).toMatchObject({ kind: 'unavailable', details: { httpStatus: 302 } })
    expect(elsewhere.isDone()).toBe(false)
    nock.cleanAll()
  })
})

describe('an answer that is not of Salesforce', () => {
  const page = '<html><body>Bad gateway: token-1</body></html>'

  it('leaves a read to be repeated and a write in doubt, without quoting the page', async () => {
    allowSignIn()
    salesforce()
      .post(`${base}/composite/sobjects/Opportunity`)
      .reply(502, page, { 'content-type': 'text/html' })
    salesforce().patch(`${base}/composite/sobjects`).reply(502, page, { 'content-type': 'text/html' })
    const fault = await faultOf(read())
    expect(fault).toMatchObject({ kind: 'unavailable', details: { code: 'HTTP_502' } })
    expect(fault.message).not.toContain('html')
    const [outcome] = await connector.write([update()], never)
    expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous', details: { httpStatus: 502 } } })
  })

  it.each([
    ['a page with status 200', '<html>Log in</html>', 'text/html'],
    ['JSON that breaks off', '[{"id":"006', 'application/json'],
    ['fewer results than records', '[]', 'application/json'],
    ['an empty body', '', 'application/json'],
    ['results without success', '[{"id":"006"}]', 'application/json'],
  ])('%s leaves a write in doubt', async (_, body, type) => {
    allowSignIn()
    salesforce().patch(`${base}/composite/sobjects`).reply(200, body, { 'content-type': type })
    const [outcome] = await connector.write([update()], never)
    expect(outcome).toMatchObject({
      ok: false,
      fault: { kind: 'ambiguous', details: { code: 'UNREADABLE_ANSWER' } },
    })
  })

  it('a 429 pauses until the time that it names', async () => {
    allowSignIn()
    salesforce().post(`${base}/composite/sobjects/Opportunity`).reply(429, '', { 'retry-after': '120' })
    const fault = await faultOf(read())
    expect(fault.kind).toBe('throttled')
    expect(fault.details.retryAt).toEqual(new Date('2026-11-20T10:02:00Z'))
  })

  it('a row without a field that was asked for is not taken for an empty field', async () => {
    allowSignIn()
    const { Name: _, ...rest } = row
    salesforce().post(`${base}/composite/sobjects/Opportunity`).reply(200, [rest])
    const fault = await faultOf(read())
    expect(fault).toMatchObject({ kind: 'configuration', details: { fields: ['Name'] } })
  })
})

describe('a call that is refused as a whole', () => {
  it('is halved until the one record that no parser takes stands alone', async () => {
    allowSignIn()
    let calls = 0
    salesforce()
      .patch(`${base}/composite/sobjects`)
      .reply(async (request: Request) => {
        calls += 1
        const { records } = (await request.json()) as { records: { id: string; Amount?: string }[] }
        const isRefused = records.some(({ Amount }) => Amount === 'many')
        return isRefused
          ? [400, [{ errorCode: 'JSON_PARSER_ERROR', message: 'Cannot deserialize instance of currency' }]]
          : [200, records.map(({ id }) => ({ id, success: true, errors: [] }))]
      })
      .persist()
    const idOf = (index: number) => `006000000000${String(index).padStart(3, '0')}AAA`
    const commands = Array.from({ length: 64 }, (_, index) => update(idOf(index)))
    commands[37] = { ...update(idOf(37)), fields: { Amount: 'many' } }
    const outcomes = await connector.write(commands, never)
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(63)
    expect(outcomes[37]).toMatchObject({ ok: false, fault: { kind: 'rejected' } })
    expect(calls).toBe(13)
    nock.cleanAll()
  })

  it('does not cost a call per record when all are at fault', async () => {
    allowSignIn()
    let calls = 0
    salesforce()
      .patch(`${base}/composite/sobjects`)
      .reply(() => {
        calls += 1
        return [400, [{ errorCode: 'JSON_PARSER_ERROR', message: 'Unexpected character' }]]
      })
      .persist()
    const outcomes = await connector.write(
      Array.from({ length: 200 }, (_, index) => update(`006000000000${String(index).padStart(3, '0')}AAA`)),
      never,
    )
    expect(outcomes.every((outcome) => !outcome.ok && outcome.fault.kind === 'rejected')).toBe(true)
    expect(calls).toBeLessThan(60)
    nock.cleanAll()
  })
})

describe('an upsert that names no record', () => {
  it('is looked up by the key, whether the body or only the id is missing', async () => {
    allowSignIn()
    const path = `${base}/composite/sobjects/Opportunity/PRM_Deal_Id__c`
    const found = { ...row, PRM_Deal_Id__c: 'D-1' }
    salesforce().patch(path).reply(204)
    salesforce()
      .patch(path)
      .reply(200, [{ success: true, errors: [] }])
    salesforce()
      .get(`${base}/query`)
      .query(({ q }) => String(q).includes("PRM_Deal_Id__c IN ('d-1')"))
      .twice()
      .reply(200, { done: true, totalSize: 1, records: [found] })
    const expected = [{ ok: true, id: opportunityId, created: false }]
    expect(await connector.write([create('d-1')], never)).toEqual(expected)
    expect(await connector.write([create('d-1')], never)).toEqual(expected)
  })

  it('stays in doubt when the key finds nothing', async () => {
    allowSignIn()
    salesforce().patch(`${base}/composite/sobjects/Opportunity/PRM_Deal_Id__c`).reply(204)
    salesforce().get(`${base}/query`).query(true).reply(200, { done: true, totalSize: 0, records: [] })
    const [outcome] = await connector.write([create('d-1')], never)
    expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous' } })
  })
})
