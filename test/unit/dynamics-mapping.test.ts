import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileMapping, remoteFieldsOf, remoteToLocal, toLocal, toRemote } from '#mappings/apply.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import type { MappingContext } from '#mappings/transforms/transform.ts'

const document = readDefaultMappings().find(
  ({ vendor, document: { entity } }) => vendor === 'dynamics' && entity === 'deal',
)!.document
const mapping = compileMapping(document)
const context: MappingContext = {
  multiCurrency: true,
  homeCurrency: null,
  timeZone: 'UTC',
  toRemoteId: (entity, id) => `${entity}-${id}`,
  toLocalId: (entity, id) => id.slice(entity.length + 1),
  users: { idOf: (_, email) => `user of ${email}`, emailOf: (_, id) => id.slice('user of '.length) },
}
const outcomeOf = (statecode: number) =>
  remoteToLocal(mapping, 'outcome', { statecode, stepname: '1-Qualify' }, context)

describe('the default mapping of deals to Dynamics', () => {
  it.each([
    [0, 'open'],
    [1, 'won'],
    [2, 'lost'],
  ])('takes state %i for %s', (state, outcome) => {
    expect(outcomeOf(state)).toEqual({ ok: true, value: outcome })
  })

  it('brings amounts back as they went, each with its own currency', () => {
    const amounts = fc.record({
      amount: fc.integer({ min: 0, max: 10 ** 13 }).map((cents) => (cents / 100).toFixed(2)),
      currency: fc.constantFrom('EUR', 'USD', 'GBP'),
    })
    fc.assert(
      fc.property(amounts, (amount) => {
        const sent = toRemote(mapping, { amount }, context, { creating: false })
        expect(sent.issues).toEqual([])
        expect(sent.fields['transactioncurrencyid']).toBe(amount.currency)
        expect(remoteToLocal(mapping, 'amount', sent.fields, context)).toEqual({ ok: true, value: amount })
      }),
    )
  })

  it('leaves an amount alone that products add up to over there', () => {
    const amount = { amount: '5.00', currency: 'EUR' }
    const remote = { isrevenuesystemcalculated: true }
    expect(toRemote(mapping, { amount }, context, { creating: false, remote })).toMatchObject({
      fields: {},
      skipped: ['amount'],
    })
  })

  it('creates an opportunity whose amount is ours to say, and asks for no more than it uses', () => {
    const local = {
      title: 'Acme',
      status: 'in_review',
      customer: 'c1',
      partner: 'p1',
      protectionEnd: '2027-02-28',
      contact: 'k1',
      responsible: 'mona@vendor.example',
      products: 'Commerce Suite',
    }
    const { fields, issues } = toRemote(mapping, local, context, { creating: true })
    expect(issues).toEqual([])
    expect(fields).toMatchObject({
      name: 'Acme',
      isrevenuesystemcalculated: false,
      prm_registrationstatus: 100_000_002,
      parentaccountid: 'customer-c1',
      prm_partner: 'partner-p1',
      prm_protectionend: '2027-02-28',
      parentcontactid: 'contact-k1',
      ownerid: 'user of mona@vendor.example',
      prm_products: 'Commerce Suite',
    })
    expect(remoteFieldsOf(mapping, context)).toContain('transactioncurrencyid')
    const read = {
      ...fields,
      statecode: 0,
      stepname: null,
      estimatedvalue: null,
      transactioncurrencyid: null,
    }
    expect(
      toLocal(mapping, { ...read, estimatedclosedate: null, description: null }, context).issues,
    ).toEqual([])
  })
})
