import { importPKCS8, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { requestToken } from '#test/simulators/salesforce/session.ts'
import {
  restartSalesforce,
  session,
  simulator,
  useSalesforceSession,
} from '#test/support/salesforce-session.ts'

useSalesforceSession({ dailyLimit: 5000 })

describe('the token endpoint', () => {
  async function assert(claims: Record<string, unknown>, expiresInS = 120): Promise<string> {
    const key = await importPKCS8(simulator.credentials.privateKeyPem, 'RS256')
    return new SignJWT({
      iss: simulator.credentials.clientId,
      sub: simulator.credentials.username,
      aud: 'https://login.salesforce.com',
      ...claims,
    })
      .setProtectedHeader({ alg: 'RS256' })
      .setExpirationTime(Math.floor(Date.now() / 1000) + expiresInS)
      .sign(key)
  }
  const bearer = (assertion: string) =>
    requestToken(simulator, {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion,
    })

  it('answers a JWT bearer assertion with a token that works', async () => {
    const { status, body } = await bearer(await assert({}))
    expect(status).toBe(200)
    expect(body).toMatchObject({
      instance_url: simulator.url,
      token_type: 'Bearer',
      id: `${simulator.url}/id/${simulator.organisationId}/${simulator.integrationUserId}`,
    })
    expect(Object.keys(body)).toEqual(expect.arrayContaining(['access_token', 'issued_at', 'signature']))
    const limits = await fetch(`${simulator.url}/services/data/v62.0/limits`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    })
    expect(limits.status).toBe(200)
  })

  it('refuses an assertion for another audience, user, client, that is over or not signed by our key', async () => {
    const wrong = [
      [await assert({ aud: 'https://elsewhere.example' }), 'invalid_grant', 'audience is invalid'],
      [await assert({ sub: 'someone@else.example' }), 'invalid_grant', "user hasn't approved this consumer"],
      [await assert({ iss: 'another' }), 'invalid_client_id', 'client identifier invalid'],
      [await assert({}, -600), 'invalid_grant', 'expired authorization code'],
      [`${(await assert({})).slice(0, -8)}AAAAAAAA`, 'invalid_grant', 'invalid assertion'],
    ]
    for (const [assertion, error, description] of wrong) {
      const { status, body } = await bearer(String(assertion))
      expect([status, body.error, body.error_description]).toEqual([400, error, description])
    }
  })

  it('refuses wrong client credentials and grants it does not know', async () => {
    const { clientId } = simulator.credentials
    const wrong = await requestToken(simulator, {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: 'no',
    })
    expect([wrong.status, wrong.body.error]).toEqual([400, 'invalid_client'])
    const password = await requestToken(simulator, { grant_type: 'password' })
    expect([password.status, password.body.error]).toEqual([400, 'unsupported_grant_type'])
  })

  it('says who is logged in', async () => {
    const response = await fetch(`${simulator.url}/services/oauth2/userinfo`, {
      headers: { authorization: `Bearer ${session.accessToken}` },
    })
    expect(await response.json()).toMatchObject({
      organization_id: simulator.organisationId,
      user_id: simulator.integrationUserId,
      preferred_username: simulator.credentials.username,
    })
  })
})

describe('sessions and limits', () => {
  it('tells its usage on every call and stops when the daily limit is used up', async () => {
    const first = await session.send('GET', '/limits')
    expect(first.headers.get('sforce-limit-info')).toBe('api-usage=1/5000')
    expect(first.body.DailyApiRequests).toEqual({ Max: 5000, Remaining: 4999 })
    await restartSalesforce({ dailyLimit: 1 })
    await session.send('GET', '/limits')
    const over = await session.send('GET', '/limits')
    expect(over.status).toBe(403)
    expect(over.body).toEqual([
      { message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' },
    ])
  })

  it('answers 401 once the session is over', async () => {
    simulator.expireSessions()
    const { status, body } = await session.send('GET', '/limits')
    expect([status, body]).toEqual([
      401,
      [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }],
    ])
  })

  it('refuses a URL longer than Salesforce takes', async () => {
    const { status } = await session.query(`SELECT Id FROM Account WHERE Name = '${'x'.repeat(16_400)}'`)
    expect(status).toBe(414)
  })

  it('answers 404 for paths and objects that lead nowhere', async () => {
    for (const path of ['/nothing', '/sobjects/Nothing__c/describe']) {
      const { status, body } = await session.send('GET', path)
      expect([status, body[0].errorCode]).toEqual([404, 'NOT_FOUND'])
    }
  })
})
