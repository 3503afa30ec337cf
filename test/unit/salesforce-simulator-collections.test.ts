import { describe, expect, it } from 'vitest'
import { deal, session, simulator, useSalesforceSession } from '#test/support/salesforce-session.ts'

useSalesforceSession({ dailyLimit: 5000 })

const ofType = (type: string, fields: Record<string, unknown>) => ({ attributes: { type }, ...fields })

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
