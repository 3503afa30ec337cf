import { describe, expect, it } from 'vitest'
import { openSession, requestToken } from '#test/simulators/salesforce/session.ts'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { session, simulator, useSalesforceSession } from '#test/support/salesforce-session.ts'

useSalesforceSession({ seed: 7 })

const accounts = (count: number) => ({
  allOrNone: false,
  records: Array.from({ length: count }, (_, index) => ({
    attributes: { type: 'Account' },
    Name: `Account ${index}`,
  })),
})

describe('faults', () => {
  it('throttle in two ways that only the message tells apart', async () => {
    for (const limit of ['TotalRequests', 'ConcurrentRequests'] as const) {
      const stop = simulator.faults.add({ kind: 'throttled', limit })
      const { status, body } = await session.send('GET', '/limits')
      expect([status, body[0].errorCode]).toEqual([403, 'REQUEST_LIMIT_EXCEEDED'])
      expect(body[0].message).toContain(limit)
      stop()
    }
    expect((await session.send('GET', '/limits')).status).toBe(200)
  })

  it('strike the nth matching call, at most so many times, of one operation on one object', async () => {
    simulator.faults.add({
      kind: 'server-error',
      status: 503,
      body: 'json',
      operation: 'query',
      object: 'Account',
      nth: 2,
    })
    const query = async (object: string) => (await session.query(`SELECT Id FROM ${object}`)).status
    expect([
      await query('Account'),
      await query('Contact'),
      await query('Account'),
      await query('Account'),
    ]).toEqual([200, 200, 503, 200])
    simulator.faults.add({ kind: 'server-error', status: 502, count: 2 })
    const broken = await session.send('GET', '/limits')
    expect([broken.status, typeof broken.body]).toEqual([502, 'string'])
    expect([await query('Account'), await query('Account')]).toEqual([502, 200])
  })

  it('draw the same calls again from the same seed', async () => {
    const draw = async () => {
      const other = await startSalesforceSimulator({ seed: 11 })
      const otherSession = await openSession(other)
      other.faults.add({ kind: 'server-error', status: 500, probability: 0.5 })
      const statuses: number[] = []
      for (let index = 0; index < 20; index += 1) {
        statuses.push((await otherSession.send('GET', '/limits')).status)
      }
      await other.close()
      return statuses
    }
    const first = await draw()
    expect(new Set(first)).toEqual(new Set([200, 500]))
    expect(await draw()).toEqual(first)
  })

  it('end a session once, or for ever, and refuse logins', async () => {
    simulator.faults.add({ kind: 'expired-session', count: 1 })
    expect((await session.send('GET', '/limits')).body[0].errorCode).toBe('INVALID_SESSION_ID')
    expect((await session.send('GET', '/limits')).status).toBe(200)
    simulator.faults.add({
      kind: 'refused-login',
      error: 'invalid_client',
      description: 'invalid client credentials',
    })
    const refused = await requestToken(simulator, { grant_type: 'client_credentials' })
    expect([refused.status, refused.body]).toEqual([
      400,
      { error: 'invalid_client', error_description: 'invalid client credentials' },
    ])
  })

  it('lock single rows inside an HTTP 200', async () => {
    simulator.faults.add({ kind: 'record-error', operation: 'collections-create', nth: 2 })
    const { status, body } = await session.send('POST', '/composite/sobjects', accounts(3))
    expect(status).toBe(200)
    expect(body.map((each: { success: boolean }) => each.success)).toEqual([true, false, true])
    expect(body[1].errors).toEqual([
      {
        statusCode: 'UNABLE_TO_LOCK_ROW',
        message: 'unable to obtain exclusive access to this record',
        fields: [],
      },
    ])
    expect(simulator.list('Account')).toHaveLength(2)
  })

  it('lose the answer after the write took effect', async () => {
    simulator.faults.add({ kind: 'lost-answer', operation: 'collections-create', count: 1 })
    await expect(session.send('POST', '/composite/sobjects', accounts(2))).rejects.toThrow()
    expect(simulator.list('Account')).toHaveLength(2)
    expect(simulator.calls.log.at(-1)).toMatchObject({
      operation: 'collections-create',
      records: 2,
      status: 0,
    })
  })

  it('never answer at all', async () => {
    simulator.faults.add({ kind: 'lost-answer', how: 'silence', operation: 'create' })
    const answer = fetch(`${simulator.url}/services/data/v62.0/sobjects/Account`, {
      method: 'POST',
      headers: { authorization: `Bearer ${session.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ Name: 'Acme' }),
      signal: AbortSignal.timeout(150),
    })
    await expect(answer).rejects.toThrow(/timeout/i)
    expect(simulator.list('Account')).toHaveLength(1)
  })

  it('cut the connection before the write', async () => {
    simulator.faults.add({ kind: 'reset', operation: 'collections-create', count: 1 })
    await expect(session.send('POST', '/composite/sobjects', accounts(2))).rejects.toThrow()
    expect(simulator.list('Account')).toEqual([])
  })

  it('answer slowly', async () => {
    simulator.faults.add({ kind: 'slow', delayMs: 120, operation: 'limits' })
    const began = performance.now()
    await session.send('GET', '/limits')
    expect(performance.now() - began).toBeGreaterThanOrEqual(110)
  })

  it('go away together', async () => {
    simulator.faults.add({ kind: 'server-error', status: 500 })
    simulator.faults.add({ kind: 'throttled', limit: 'TotalRequests' })
    simulator.faults.clear()
    expect((await session.send('GET', '/limits')).status).toBe(200)
  })
})

describe('an administrator', () => {
  it('takes a field away: describe, queries and writes all notice', async () => {
    simulator.insert('Opportunity', { Name: 'D', StageName: 'Prospecting', CloseDate: '2026-12-31' })
    const soql = 'SELECT PRM_Protection_End__c FROM Opportunity'
    expect((await session.query(soql)).status).toBe(200)
    simulator.removeField('Opportunity', 'PRM_Protection_End__c')
    expect((await session.query(soql)).body[0].errorCode).toBe('INVALID_FIELD')
    const { body } = await session.send('GET', '/sobjects/Opportunity/describe')
    const fields = body.fields.map((field: { name: string }) => field.name)
    expect(fields).not.toContain('PRM_Protection_End__c')
  })

  it('makes a field required, and restricts a picklist', async () => {
    simulator.setRequired('Account', 'PRM_Partner_Tier__c', true)
    const missing = await session.send('POST', '/sobjects/Account', { Name: 'Acme' })
    expect(missing.body[0]).toMatchObject({
      errorCode: 'REQUIRED_FIELD_MISSING',
      fields: ['PRM_Partner_Tier__c'],
    })
    simulator.setRequired('Account', 'PRM_Partner_Tier__c', false)
    simulator.setChoices('Account', 'Type', ['Partner', { value: 'Old', active: false }], {
      restricted: true,
    })
    const wrong = await session.send('POST', '/sobjects/Account', { Name: 'Acme', Type: 'Old' })
    expect(wrong.body[0]).toEqual({
      errorCode: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      message: 'Account Type: bad value for restricted picklist field: Old',
      fields: ['Type'],
    })
  })

  it('puts another organisation behind the same address', async () => {
    simulator.setOrganisationId('00DgL0000000009')
    expect((await session.send('GET', '/limits')).status).toBe(401)
    const anew = await openSession(simulator)
    const { body } = await anew.query('SELECT Id FROM Organization')
    expect(body.records[0].Id).toBe(simulator.organisationId)
    expect(simulator.organisationId.slice(0, 15)).toBe('00DgL0000000009')
  })
})

describe('the call log', () => {
  it('names operation, object, records and the caller, and can be emptied', async () => {
    simulator.calls.reset()
    await session.send('POST', '/composite/sobjects', accounts(3), {
      'Sforce-Call-Options': 'client=counterpart',
    })
    await session.query('SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)')
    expect(simulator.calls.log).toMatchObject([
      { operation: 'collections-create', object: 'Account', records: 3, status: 200, client: 'counterpart' },
      { operation: 'query', object: 'Account', records: 0, status: 200, client: null },
    ])
    simulator.calls.reset()
    expect(simulator.calls.log).toEqual([])
  })
})
