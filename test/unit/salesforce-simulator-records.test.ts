import { describe, expect, it } from 'vitest'
import { deal, session, simulator, useSalesforceSession } from '#test/support/salesforce-session.ts'

useSalesforceSession({ dailyLimit: 5000 })

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
