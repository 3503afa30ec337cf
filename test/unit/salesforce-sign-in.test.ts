import nock from 'nock'
import { describe, expect, it } from 'vitest'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  allowSignIn,
  base,
  connector,
  gate,
  host,
  never,
  passTime,
  read,
  row,
  salesforce,
  tokenReply,
  useSalesforceWire,
} from '#test/support/salesforce-wire.ts'

useSalesforceWire()

describe('signing in', () => {
  it('happens once for calls that start together', async () => {
    allowSignIn()
    salesforce().post(`${base}/composite/sobjects/Opportunity`).times(3).reply(200, [row])
    await Promise.all([read(), read(), read()])
    expect(gate.count('auth')).toBe(1)
  })

  it('is repeated once after a 401, and the call replayed with the new token', async () => {
    allowSignIn()
    salesforce()
      .post('/services/oauth2/token')
      .reply(200, { ...tokenReply, access_token: 'token-2' })
    salesforce()
      .post(`${base}/composite/sobjects/Opportunity`)
      .reply(401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])
    nock(host, { reqheaders: { authorization: 'Bearer token-2' } })
      .post(`${base}/composite/sobjects/Opportunity`)
      .reply(200, [row])
    expect(await read()).toHaveLength(1)
  })

  it('is repeated once for many calls that meet the same expired token', async () => {
    allowSignIn()
    const path = `${base}/composite/sobjects/Opportunity`
    nock(host, { reqheaders: { authorization: 'Bearer token-1' } })
      .post(path)
      .times(4)
      .reply(401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])
    salesforce()
      .post('/services/oauth2/token')
      .reply(200, { ...tokenReply, access_token: 'token-2' })
    nock(host, { reqheaders: { authorization: 'Bearer token-2' } })
      .post(path)
      .times(4)
      .reply(200, [row])
    expect(await Promise.all([read(), read(), read(), read()])).toHaveLength(4)
    expect(gate.count('auth')).toBe(2)
  })

  it('is not repeated for a call whose 401 arrives after the new token', async () => {
    allowSignIn()
    const expired = [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]
    const withToken = (token: string) => nock(host, { reqheaders: { authorization: `Bearer ${token}` } })
    withToken('token-1').post(`${base}/composite/sobjects/Opportunity`).reply(401, expired)
    withToken('token-1').get(`${base}/sobjects/Opportunity/describe`).delay(300).reply(401, expired)
    salesforce()
      .post('/services/oauth2/token')
      .reply(200, { ...tokenReply, access_token: 'token-2' })
    withToken('token-2').post(`${base}/composite/sobjects/Opportunity`).reply(200, [row])
    withToken('token-2')
      .get(`${base}/sobjects/Opportunity/describe`)
      .reply(200, { name: 'Opportunity', fields: [] })
    await Promise.all([read(), connector.describe('Opportunity', never)])
    expect(gate.count('auth')).toBe(2)
  })

  it('asks for two tokens a minute at most while every call is answered 401', async () => {
    const counts = { token: 0, call: 0 }
    salesforce()
      .post('/services/oauth2/token')
      .reply(() => {
        counts.token += 1
        return [200, { ...tokenReply, access_token: `token-${counts.token}` }]
      })
      .persist()
    salesforce()
      .post(`${base}/composite/sobjects/Opportunity`)
      .reply(() => {
        counts.call += 1
        return [401, [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }]]
      })
      .persist()
    for (let round = 0; round < 10; round += 1) expect((await faultOf(read())).kind).toBe('unauthorised')
    expect(counts.token).toBe(2)
    expect(counts.call).toBeLessThanOrEqual(3)
    passTime(61_000)
    for (let round = 0; round < 10; round += 1) expect((await faultOf(read())).kind).toBe('unauthorised')
    expect(counts.token).toBe(4)
    nock.cleanAll()
  })

  it('tells a refused secret apart from an endpoint that is down, and never quotes the secret', async () => {
    salesforce()
      .post('/services/oauth2/token')
      .reply(400, { error: 'invalid_client', error_description: 'invalid client credentials' })
    const refused = await faultOf(read())
    expect(refused).toMatchObject({ kind: 'unauthorised', details: { code: 'invalid_client' } })
    expect(JSON.stringify([refused.message, refused.details])).not.toContain('secret')
    salesforce().post('/services/oauth2/token').reply(503, '<html></html>')
    expect(await faultOf(read())).toMatchObject({ kind: 'unavailable' })
  })

  it('refuses to send the token to an address without https', async () => {
    salesforce()
      .post('/services/oauth2/token')
      .reply(200, { ...tokenReply, instance_url: 'http://counterpart.my.salesforce.invalid' })
    expect(await faultOf(read())).toMatchObject({
      kind: 'unavailable',
      details: { code: 'UNREADABLE_ANSWER' },
    })
  })
})
