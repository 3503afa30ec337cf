import { describe, expect, it } from 'vitest'
import {
  connector,
  create,
  dealFields,
  gate,
  insertDeals,
  keyField,
  kinds,
  never,
  rename,
  simulator,
  useHubspot,
} from '#test/support/hubspot-portal.ts'

useHubspot()

const nameOf = (id: string) => simulator.get('deals', id)?.['dealname']
const company = (name: string) => simulator.insert('companies', { name })
const companyOf = (id: string) => simulator.associated(id, 5)
const link = (id: string, field: string, value: string | null) => ({
  object: 'deals',
  target: { kind: 'id', id } as const,
  fields: { [field]: value },
})

describe('a batch of writes to HubSpot', () => {
  it('takes one call for a hundred records and two for one more', async () => {
    const ids = insertDeals(101)
    expect(new Set(await kinds(ids.slice(0, 100).map((id) => rename(id))))).toEqual(new Set(['ok']))
    expect(gate.count('write')).toBe(1)
    await kinds(ids.map((id) => rename(id, 'again')))
    expect(gate.count('write')).toBe(3)
    expect(ids.map(nameOf)).toEqual(ids.map(() => 'again'))
  })

  it('names each record although the answers are shuffled', async () => {
    const keys = Array.from({ length: 60 }, (_, index) => `key-${index}`)
    const outcomes = await connector.write(
      keys.map((key) => create(key)),
      never,
    )
    const named = outcomes.map((outcome) =>
      outcome.ok ? simulator.get('deals', outcome.id)?.[keyField] : null,
    )
    expect(named).toEqual(keys)
    expect(outcomes.every((outcome) => outcome.ok && outcome.created)).toBe(true)
  })

  it('clears a property with a blank and writes numbers and answers of yes or no as text', async () => {
    const [id = ''] = insertDeals(1)
    await kinds([{ ...rename(id), fields: { amount: 12.5, description: 'words' } }])
    expect(simulator.get('deals', id)).toMatchObject({ amount: '12.5', description: 'words' })
    await kinds([{ ...rename(id), fields: { amount: null } }])
    expect(simulator.get('deals', id)?.['amount'] || null).toBeNull()
  })

  it('that is refused as a whole, for no record in it, is halved until each has its own verdict', async () => {
    const ids = insertDeals(10)
    const refusal = { kind: 'call-error', status: 400, category: 'VALIDATION_ERROR', message: 'No' } as const
    simulator.faults.add({ ...refusal, operation: 'batch-update', count: 3 })
    expect(await kinds(ids.map((id) => rename(id)))).toEqual(ids.map(() => 'ok'))
    expect(ids.map(nameOf)).toEqual(ids.map(() => 'new'))
  })

  it('that is refused again and again leaves what it never got to for another time', async () => {
    const ids = insertDeals(100)
    const refusal = { kind: 'call-error', status: 400, category: 'VALIDATION_ERROR', message: 'No' } as const
    simulator.faults.add({ ...refusal, operation: 'batch-update' })
    const verdicts = await kinds(ids.map((id) => rename(id)))
    expect(new Set(verdicts)).toEqual(new Set(['rejected', 'unavailable']))
    expect(gate.count('write')).toBeLessThan(120)
  })

  it('tells the record that holds a unique value already', async () => {
    await kinds([create('taken')])
    const [id = ''] = insertDeals(1)
    const [outcome] = await connector.write([{ ...rename(id), fields: { [keyField]: 'taken' } }], never)
    expect(outcome).toMatchObject({ ok: false, fault: { kind: 'duplicate' } })
  })

  it('tells that a record was merged away', async () => {
    const [a = '', b = '', c = ''] = insertDeals(3)
    simulator.merge('deals', a, [b])
    expect(await kinds([rename(b), rename(c)])).toEqual(['gone', 'ok'])
  })

  it('leaves two names of one merged record to their own verdicts, and the rest of the batch unharmed', async () => {
    const [a = '', b = '', c = ''] = insertDeals(3)
    simulator.merge('deals', a, [b])
    expect(await kinds([rename(a), rename(b), rename(c)])).toEqual(['gone', 'gone', 'ok'])
  })

  it('blames a missing permission on the configuration, without halving', async () => {
    const ids = insertDeals(4)
    simulator.faults.add({ kind: 'missing-scopes', operation: 'batch-update' })
    expect(await kinds(ids.map((id) => rename(id)))).toEqual(ids.map(() => 'configuration'))
    expect(gate.count('write')).toBe(1)
  })
})

describe('an association with a company', () => {
  it('is made with the new record and found as its field', async () => {
    const [acme, other] = [company('Acme'), company('Other')]
    const [first, second] = await connector.write(
      [
        create('k-1', { ...dealFields('one'), 'association.companies': acme }),
        create('k-2', { ...dealFields('two'), 'association.companies': other }),
      ],
      never,
    )
    const ids = [first, second].map((outcome) => (outcome?.ok ? outcome.id : ''))
    expect(ids.map((id) => companyOf(id))).toEqual([[acme], [other]])
    const records = await connector.read('deals', ids, ['dealname', 'association.companies'], never)
    expect(records.map((record) => ('missing' in record ? null : record.fields))).toEqual([
      { dealname: 'one', 'association.companies': acme },
      { dealname: 'two', 'association.companies': other },
    ])
    expect(gate.count('write')).toBe(2)
  })

  it('gives way to another one, is not made twice, and goes', async () => {
    const [acme, other] = [company('Acme'), company('Other')]
    const [id = ''] = insertDeals(1)
    expect(await kinds([link(id, 'association.companies', acme)])).toEqual(['ok'])
    expect(await kinds([link(id, 'association.companies', other)])).toEqual(['ok'])
    expect(companyOf(id)).toEqual([other])
    const before = gate.count('write')
    expect(await kinds([link(id, 'association.companies', other)])).toEqual(['ok'])
    expect(gate.count('write')).toBe(before + 1)
    expect(await kinds([link(id, 'association.companies', null)])).toEqual(['ok'])
    expect(companyOf(id)).toEqual([])
  })

  it('of a contact is made for its company, and for the deal that names it', async () => {
    const acme = company('Acme')
    const [contact] = await connector.write(
      [
        {
          object: 'contacts',
          target: { kind: 'id', id: simulator.insert('contacts', { email: 'cora@acme.example' }) },
          fields: { lastname: 'Contact', 'association.companies': acme },
        },
      ],
      never,
    )
    const contactId = contact?.ok ? contact.id : ''
    const fields = ['email', 'association.companies']
    expect(await connector.find('contacts', 'email', ['Cora@ACME.example'], fields, never)).toMatchObject([
      { id: contactId, fields: { email: 'cora@acme.example', 'association.companies': acme } },
    ])
    const [deal] = await connector.write(
      [create('k-1', { ...dealFields('one'), 'association.contacts': contactId })],
      never,
    )
    const id = deal?.ok ? deal.id : ''
    expect(await connector.read('deals', [id], ['association.contacts'], never)).toMatchObject([
      { fields: { 'association.contacts': contactId } },
    ])
    expect(companyOf(id)).toEqual([])
  })

  it('that cannot be made is the fault of its own record, which names the field', async () => {
    const acme = company('Acme')
    const [a = '', b = '', c = ''] = insertDeals(3)
    const outcomes = await connector.write(
      [
        link(a, 'association.companies', '999999999999'),
        link(b, 'association.companies', acme),
        link(c, 'association.companies', 'nobody'),
      ],
      never,
    )
    const fault = { kind: 'rejected', details: { fields: ['association.companies'] } }
    expect(outcomes).toMatchObject([{ ok: false, fault }, { ok: true }, { ok: false, fault }])
    expect(companyOf(b)).toEqual([acme])
  })

  it('that cannot be made is found among a hundred in a few calls', async () => {
    const acme = company('Acme')
    const ids = insertDeals(100)
    const outcomes = await connector.write(
      ids.map((id, index) => link(id, 'association.companies', index === 41 ? '999999999999' : acme)),
      never,
    )
    expect(outcomes.flatMap(({ ok }, index) => (ok ? [] : [index]))).toEqual([41])
    // One for the records, one for what they are associated with, and the halving.
    expect(gate.count('write')).toBeLessThanOrEqual(2 + 1 + 2 * Math.ceil(Math.log2(100)))
  })

  it('of a kind that HubSpot does not have is a matter of configuration', async () => {
    const acme = company('Acme')
    const [id = ''] = insertDeals(1)
    const [labelled, object] = await connector.write(
      [link(id, 'association.companies.prm_partner', acme), link(id, 'association.tickets', acme)],
      never,
    )
    expect(labelled).toMatchObject({ fault: { details: { fields: ['association.companies.prm_partner'] } } })
    expect(object).toMatchObject({
      fault: { kind: 'configuration', details: { fields: ['association.tickets'] } },
    })
  })
})
