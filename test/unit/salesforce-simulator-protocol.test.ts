import { importPKCS8, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type RawSession, requestToken } from '#test/simulators/salesforce/session.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'

let simulator: SalesforceSimulator
let session: RawSession

beforeEach(async () => {
  simulator = await startSalesforceSimulator({ dailyLimit: 5000 })
  session = await openSession(simulator)
})

afterEach(() => simulator.close())

const deal = (fields: Record<string, unknown> = {}) => ({
  Name: 'Deal',
  StageName: 'Prospecting',
  CloseDate: '2026-12-31',
  ...fields,
})
const ofType = (type: string, fields: Record<string, unknown>) => ({ attributes: { type }, ...fields })

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
    await simulator.close()
    simulator = await startSalesforceSimulator({ dailyLimit: 1 })
    session = await openSession(simulator)
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

describe('a single record', () => {
  const create = (fields: Record<string, unknown>) =>
    session.send('POST', '/sobjects/Opportunity', deal(fields))

  it.each([
    [
      'an unknown field',
      { Nope__c: 1 },
      'INVALID_FIELD',
      "No such column 'Nope__c' on sobject of type Opportunity",
      undefined,
    ],
    [
      'a missing required field',
      { StageName: ' ' },
      'REQUIRED_FIELD_MISSING',
      'Required fields are missing: [StageName]',
      ['StageName'],
    ],
    [
      'a text too long',
      { Name: 'x'.repeat(121) },
      'STRING_TOO_LONG',
      /^Name: data value too large: x+ \(max length=120\)$/,
      ['Name'],
    ],
    [
      'a derived field',
      { IsWon: true },
      'INVALID_FIELD_FOR_INSERT_UPDATE',
      /^Unable to create\/update fields: IsWon\./,
      ['IsWon'],
    ],
    [
      'an id of another object',
      { AccountId: '003gL0000000001' },
      'MALFORMED_ID',
      /id value of incorrect type/,
      ['AccountId'],
    ],
    [
      'an id of nothing',
      { AccountId: '001gL0000000999' },
      'INVALID_CROSS_REFERENCE_KEY',
      'invalid cross reference id',
      [],
    ],
    [
      'a currency this organisation does not have',
      { CurrencyIsoCode: 'EUR' },
      'INVALID_FIELD',
      /No such column/,
      undefined,
    ],
    [
      'a date that is none',
      { CloseDate: '31.12.2026' },
      'JSON_PARSER_ERROR',
      /^Cannot deserialize instance of date from VALUE_STRING value 31.12.2026/,
      undefined,
    ],
    [
      'a number in a text field',
      { Name: 5 },
      'JSON_PARSER_ERROR',
      /^Cannot deserialize instance of string from VALUE_NUMBER_INT/,
      undefined,
    ],
    [
      'an amount out of range',
      { Amount: 1e17 },
      'NUMBER_OUTSIDE_VALID_RANGE',
      /value outside of valid range/,
      ['Amount'],
    ],
  ])('is refused with %s', async (_, fields, errorCode, message, named) => {
    const { status, body } = await create(fields)
    expect(status).toBe(400)
    expect(body).toHaveLength(1)
    expect(body[0].errorCode).toBe(errorCode)
    expect(body[0].message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
    expect(body[0].fields).toEqual(named)
    expect(simulator.list('Opportunity')).toEqual([])
  })

  it('names the record that already holds a unique value, whatever its case', async () => {
    const first = await create({ PRM_Deal_Id__c: 'd-1' })
    const { status, body } = await create({ PRM_Deal_Id__c: 'D-1' })
    expect([status, body[0].errorCode]).toEqual([400, 'DUPLICATE_VALUE'])
    expect(body[0].message).toContain(first.body.id.slice(0, 15))
  })

  it('trims text, rounds money half up, and keeps blank as null', async () => {
    const { body } = await create({ Name: '  Acme  ', Amount: 2.675, NextStep: '  ' })
    expect(simulator.get('Opportunity', body.id)).toMatchObject({
      Name: 'Acme',
      Amount: 2.68,
      NextStep: null,
    })
  })

  it('is created, then updated, by external id', async () => {
    const path = '/sobjects/Opportunity/PRM_Deal_Id__c/d%2F1'
    const created = await session.send('PATCH', path, deal())
    expect([created.status, created.body.created]).toEqual([201, true])
    const updated = await session.send('PATCH', path, { Amount: 7 })
    expect(updated.body).toEqual({ id: created.body.id, success: true, errors: [], created: false })
    expect(simulator.get('Opportunity', created.body.id)).toMatchObject({ PRM_Deal_Id__c: 'd/1', Amount: 7 })
  })

  it('refuses an upsert that may not create, repeats its key, or names no external id', async () => {
    const missing = await session.send(
      'PATCH',
      '/sobjects/Opportunity/PRM_Deal_Id__c/d-9?updateOnly=true',
      deal(),
    )
    expect([missing.status, missing.body[0].errorCode]).toEqual([404, 'NOT_FOUND'])
    const repeated = await session.send('PATCH', '/sobjects/Opportunity/PRM_Deal_Id__c/d-9', {
      ...deal(),
      PRM_Deal_Id__c: 'd-9',
    })
    expect(repeated.body).toEqual([
      {
        message: 'The PRM_Deal_Id__c field should not be specified in the sobject data.',
        errorCode: 'INVALID_FIELD',
      },
    ])
    const wrong = await session.send('PATCH', '/sobjects/Opportunity/NextStep/x', deal())
    expect([wrong.status, wrong.body[0].errorCode]).toEqual([404, 'NOT_FOUND'])
  })

  it('answers 300 with the candidates where an external id is not unique', async () => {
    simulator.addField('Opportunity', { name: 'Legacy__c', type: 'string', externalId: true })
    const ids = simulator.insertMany('Opportunity', [deal({ Legacy__c: 'a' }), deal({ Legacy__c: 'A' })])
    const { status, body } = await session.send('PATCH', '/sobjects/Opportunity/Legacy__c/a', { Amount: 1 })
    expect(status).toBe(300)
    expect(body).toEqual(ids.map((id) => `/services/data/v62.0/sobjects/Opportunity/${id}`))
  })

  it('refuses a change that is too late for If-Unmodified-Since', async () => {
    const id = simulator.insert('Opportunity', deal())
    const { status, body } = await session.send(
      'PATCH',
      `/sobjects/Opportunity/${id}`,
      { Amount: 1 },
      {
        'If-Unmodified-Since': 'Mon, 01 Jan 2024 00:00:00 GMT',
      },
    )
    expect([status, body[0].errorCode]).toEqual([412, 'PRECONDITION_FAILED'])
  })

  it('is stopped by validation rules and duplicate rules, and saved in spite of the latter on request', async () => {
    simulator.addValidationRule({
      object: 'Account',
      field: 'Website',
      check: (record) => (record['Website'] === null ? 'A website is needed' : null),
    })
    simulator.addDuplicateRule({
      object: 'Account',
      name: 'Same name',
      matches: (candidate, existing) => candidate['Name'] === existing['Name'],
    })
    const invalid = await session.send('POST', '/sobjects/Account', { Name: 'Acme' })
    expect(invalid.body).toEqual([
      { message: 'A website is needed', errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', fields: ['Website'] },
    ])
    const account = { Name: 'Acme', Website: 'acme.example' }
    const first = await session.send('POST', '/sobjects/Account', account)
    const second = await session.send('POST', '/sobjects/Account', account)
    expect([second.status, second.body[0].errorCode]).toEqual([400, 'DUPLICATES_DETECTED'])
    const [match] = second.body[0].duplicateResut.matchResults[0].matchRecords
    expect(match.record.Id).toBe(first.body.id)
    const saved = await session.send('POST', '/sobjects/Account', account, {
      'Sforce-Duplicate-Rule-Header': 'allowSave=true',
    })
    expect(saved.status).toBe(201)
  })
})

describe('collections', () => {
  const upsert = (records: unknown[], allOrNone = false) =>
    session.send('PATCH', '/composite/sobjects/Opportunity/PRM_Deal_Id__c', { allOrNone, records })

  it('fail each record that shares an external id with another of the call', async () => {
    const { status, body } = await upsert([
      ofType('Opportunity', deal({ PRM_Deal_Id__c: 'd-1' })),
      ofType('Opportunity', deal({ PRM_Deal_Id__c: 'd-2' })),
      ofType('Opportunity', deal({ PRM_Deal_Id__c: 'D-1' })),
    ])
    expect(status).toBe(200)
    expect(body.map((each: { success: boolean }) => each.success)).toEqual([false, true, false])
    expect(body[0].errors[0]).toEqual({
      statusCode: 'DUPLICATE_VALUE',
      message: 'Duplicate external id specified: d-1',
      fields: ['PRM_Deal_Id__c'],
    })
  })

  it('undo everything with allOrNone, and say which record was innocent', async () => {
    const { body } = await upsert(
      [
        ofType('Opportunity', deal({ PRM_Deal_Id__c: 'd-1' })),
        ofType('Opportunity', deal({ PRM_Deal_Id__c: 'd-2', StageName: null })),
      ],
      true,
    )
    const codes = body.map((each: { errors: { statusCode: string }[] }) => each.errors[0]?.statusCode)
    expect(codes).toEqual(['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'REQUIRED_FIELD_MISSING'])
    expect(simulator.list('Opportunity')).toEqual([])
    const again = await upsert([ofType('Opportunity', deal({ PRM_Deal_Id__c: 'd-1' }))])
    expect(again.body[0]).toMatchObject({ success: true, created: true })
  })

  it('fail only the record with an unknown field or a value of the wrong kind', async () => {
    const { status, body } = await upsert([
      ofType('Opportunity', deal({ PRM_Deal_Id__c: 'd-1', Nope__c: 1 })),
      ofType('Opportunity', deal({ PRM_Deal_Id__c: 'd-2', CloseDate: 'soon' })),
      ofType('Opportunity', deal({ PRM_Deal_Id__c: 'd-3' })),
    ])
    expect(status).toBe(200)
    expect(body[0].errors[0]).toEqual({
      statusCode: 'INVALID_FIELD',
      message: "No such column 'Nope__c' on sobject of type Opportunity",
      fields: [],
    })
    expect(body.map((each: { success: boolean }) => each.success)).toEqual([false, false, true])
  })

  it('update by id, in order, and name what is wrong with an id', async () => {
    const [kept = '', gone = ''] = simulator.insertMany('Opportunity', [deal(), deal()])
    simulator.remove('Opportunity', gone)
    const { body } = await session.send('PATCH', '/composite/sobjects', {
      allOrNone: false,
      records: [
        ofType('Opportunity', { id: kept, Amount: 3 }),
        ofType('Opportunity', { id: gone, Amount: 3 }),
        ofType('Opportunity', { id: '006gL0000000zzz', Amount: 3 }),
        ofType('Opportunity', { id: '001gL0000000001', Amount: 3 }),
        ofType('Opportunity', { Amount: 3 }),
      ],
    })
    const codes = body.map((each: { errors: { statusCode: string }[] }) => each.errors[0]?.statusCode ?? 'ok')
    expect(codes).toEqual([
      'ok',
      'ENTITY_IS_DELETED',
      'INVALID_CROSS_REFERENCE_KEY',
      'MALFORMED_ID',
      'MISSING_ARGUMENT',
    ])
    expect(body[1].id).toBe(gone)
  })

  it('take 200 records and no more, and at least one', async () => {
    const records = Array.from({ length: 201 }, (_, index) => ofType('Account', { Name: `A ${index}` }))
    const over = await session.send('POST', '/composite/sobjects', { records })
    expect([over.status, over.body[0].errorCode]).toEqual([400, 'EXCEEDED_ID_LIMIT'])
    const none = await session.send('POST', '/composite/sobjects', { records: [] })
    expect([none.status, none.body[0].errorCode]).toEqual([400, 'REQUIRED_FIELD_MISSING'])
    const fits = await session.send('POST', '/composite/sobjects', { records: records.slice(0, 200) })
    expect(fits.body).toHaveLength(200)
  })

  it('read in the order asked, null for what is not there', async () => {
    const [a = '', b = '', gone = ''] = simulator.insertMany('Account', [
      { Name: 'A' },
      { Name: 'B' },
      { Name: 'C' },
    ])
    simulator.remove('Account', gone)
    const { body } = await session.send('POST', '/composite/sobjects/Account', {
      ids: [b, gone, 'nonsense', a.slice(0, 15)],
      fields: ['Name'],
    })
    expect(body.map((each: { Name: string } | null) => each?.Name ?? null)).toEqual(['B', null, null, 'A'])
    const wrong = await session.send('POST', '/composite/sobjects/Account', { ids: [a], fields: ['Nope'] })
    expect([wrong.status, wrong.body[0].errorCode]).toEqual([400, 'INVALID_FIELD'])
  })

  it('delete by id', async () => {
    const [a = '', b = ''] = simulator.insertMany('Account', [{ Name: 'A' }, { Name: 'B' }])
    const { body } = await session.send('DELETE', `/composite/sobjects?ids=${a},${b},zzz&allOrNone=false`)
    expect(body.map((each: { success: boolean }) => each.success)).toEqual([true, true, false])
    expect(simulator.list('Account')).toEqual([])
  })
})

describe('composite', () => {
  it('hands the answer of one subrequest to the next, and undoes all with allOrNone', async () => {
    const post = (allOrNone: boolean, stage: string | null) =>
      session.send('POST', '/composite', {
        allOrNone,
        compositeRequest: [
          {
            method: 'POST',
            url: '/services/data/v62.0/sobjects/Account',
            referenceId: 'a',
            body: { Name: 'Acme' },
          },
          {
            method: 'PATCH',
            url: '/services/data/v62.0/sobjects/Opportunity/PRM_Deal_Id__c/d-1',
            referenceId: 'o',
            body: deal({ AccountId: '@{a.id}', StageName: stage }),
          },
        ],
      })
    const failed = await post(true, null)
    expect(
      failed.body.compositeResponse.map((each: { httpStatusCode: number }) => each.httpStatusCode),
    ).toEqual([400, 400])
    expect(simulator.list('Account')).toEqual([])
    const done = await post(true, 'Prospecting')
    expect(
      done.body.compositeResponse.map((each: { httpStatusCode: number }) => each.httpStatusCode),
    ).toEqual([201, 201])
    const [account] = simulator.list('Account')
    expect(simulator.list('Opportunity')[0]).toMatchObject({ AccountId: account?.['Id'] })
  })
})

describe('replication calls', () => {
  it('list what was changed and what was deleted in a span', async () => {
    const [kept = '', gone = ''] = simulator.insertMany('Account', [{ Name: 'A' }, { Name: 'B' }])
    simulator.remove('Account', gone)
    const span = `start=${encodeURIComponent(new Date(Date.now() - 3_600_000).toISOString())}&end=${encodeURIComponent(new Date(Date.now() + 120_000).toISOString())}`
    const updated = await session.send('GET', `/sobjects/Account/updated?${span}`)
    expect(updated.body.ids).toEqual([kept])
    const deleted = await session.send('GET', `/sobjects/Account/deleted/?${span}`)
    expect(deleted.body.deletedRecords).toMatchObject([{ id: gone }])
    const old = await session.send(
      'GET',
      '/sobjects/Account/updated?start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z',
    )
    expect([old.status, old.body[0].errorCode]).toEqual([400, 'INVALID_REPLICATION_DATE'])
  })
})
