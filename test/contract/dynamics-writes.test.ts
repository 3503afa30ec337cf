import { describe, expect, it } from 'vitest'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  connector,
  create,
  gate,
  insertDeal,
  kinds,
  never,
  reconnect,
  simulator,
  update,
  useDynamics,
  write,
} from '#test/support/dynamics-organisation.ts'

useDynamics()

const insertDeals = (count: number) =>
  simulator.insertMany(
    'opportunity',
    Array.from({ length: count }, (_, at) => ({ name: `deal ${at}` })),
  )
const nameOf = (id: string) => simulator.get('opportunity', id)?.['name']
const rename = (id: string, name = 'new') => update(id, { name })
const repeated = (kind: string, count: number) => Array.from({ length: count }, () => kind)
const versionOf = async (id: string) => {
  const [record] = await connector.read('opportunity', [id], [], never)
  return record && 'version' in record ? record.version! : ''
}
const batches = () => simulator.calls.log.filter(({ operation }) => operation === 'batch').length

describe('a batch of Dynamics', () => {
  it('takes a hundred records, and an error of one leaves the others as they are', async () => {
    const ids = insertDeals(250)
    const outcomes = await kinds(...ids.map((id, at) => rename(id, at === 120 ? 'x'.repeat(400) : 'new')))
    expect(outcomes.filter((kind) => kind !== 'ok')).toEqual(['rejected'])
    expect(outcomes[120]).toBe('rejected')
    expect(batches()).toBe(3)
  })

  it('never creates by an update', async () => {
    const unknown = '00000000-0000-4000-8000-00000000dead'
    expect(await kinds(rename(unknown), { ...rename(unknown), object: 'account' })).toEqual(['gone', 'gone'])
    expect([...simulator.list('opportunity'), ...simulator.list('account')]).toEqual([])
  })

  it('writes a version only while it is current', async () => {
    const [a, b, c] = insertDeals(3) as [string, string, string]
    const versions = [await versionOf(a), await versionOf(b)] as const
    simulator.update('opportunity', b, { name: 'by a person' })
    const outcomes = await write(
      update(a, { name: 'new' }, versions[0]),
      update(b, { name: 'new' }, versions[1]),
      rename(c),
    )
    expect(outcomes).toMatchObject([{ ok: true }, { ok: false, fault: { kind: 'changed' } }, { ok: true }])
    expect([nameOf(a), nameOf(b), nameOf(c)]).toEqual(['new', 'by a person', 'new'])
  })

  it('guards versions in tables that are not looked at first, too', async () => {
    const id = simulator.insert('account', { name: 'Acme' })
    const [record] = await connector.read('account', [id], [], never)
    const version = record && 'version' in record ? record.version! : ''
    simulator.update('account', id, { name: 'by a person' })
    const command = {
      object: 'account',
      target: { kind: 'id', id },
      fields: { name: 'new' },
      version,
    } as const
    expect(await kinds(command)).toEqual(['changed'])
    simulator.setOptimisticConcurrency('account', false)
    expect(await kinds(command)).toEqual(['configuration'])
    expect(simulator.get('account', id)?.['name']).toBe('by a person')
  })

  it.each(['truncated', 'cut', 'timeout'] as const)(
    'that stops half-way (%s) leaves the rest in doubt',
    async (how) => {
      const ids = insertDeals(150)
      simulator.faults.add({ kind: 'half-batch', after: 3, how, operation: 'batch', count: 1 })
      const outcomes = await kinds(...ids.map((id) => rename(id)))
      const told = how === 'truncated' ? 3 : 0
      expect(outcomes).toEqual([
        ...repeated('ok', told),
        ...repeated('ambiguous', 100 - told),
        ...repeated('ok', 50),
      ])
      expect(ids.slice(0, 4).map(nameOf)).toEqual(['new', 'new', 'new', 'deal 3'])
    },
  )

  it('holds back a later command for a record whose earlier one is in doubt', async () => {
    const id = insertDeal()
    simulator.faults.add({ kind: 'lost-answer', how: 'cut', operation: 'batch', count: 1 })
    expect(await kinds(rename(id, 'first'), rename(id, 'second'))).toEqual(['ambiguous', 'unavailable'])
    expect(nameOf(id)).toBe('first')
  })

  it('reports what was settled before a throttle, and the throttle for the rest', async () => {
    const ids = insertDeals(250)
    simulator.faults.add({
      kind: 'throttled',
      limit: 'execution-time',
      retryAfterSeconds: 120,
      operation: 'batch',
      nth: 2,
    })
    const outcomes = await write(...ids.map((id) => rename(id)))
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.fault.kind))).toEqual([
      ...repeated('ok', 100),
      ...repeated('throttled', 150),
    ])
    expect(batches()).toBe(2)
    const last = outcomes.at(-1)
    const wait = last?.ok === false ? (last.fault.details.retryAt?.getTime() ?? 0) - Date.now() : 0
    expect(wait).toBeGreaterThan(60_000)
  })

  it.each(['requests', 'execution-time', 'concurrency'] as const)(
    'waits for the limit of %s',
    async (limit) => {
      const id = insertDeal()
      simulator.faults.add({ kind: 'throttled', limit, retryAfterSeconds: null })
      const fault = await faultOf(connector.write([rename(id)], never))
      expect(fault.kind).toBe('throttled')
      expect(fault.details.retryAt?.getTime()).toBeGreaterThan(Date.now())
    },
  )

  it('is refused by rules of the organisation in their own words, and by rights as configuration', async () => {
    const id = insertDeal()
    const take = simulator.addValidationRule({
      object: 'opportunity',
      check: (row) => (row['name'] === 'bad' ? 'Not with us' : null),
    })
    expect(await write(rename(id, 'bad'))).toMatchObject([
      { ok: false, fault: { kind: 'rejected', message: expect.stringContaining('Not with us') } },
    ])
    take()
    simulator.setPrivilege('opportunity', 'write', 'none')
    expect(await kinds(rename(id))).toEqual(['configuration'])
  })
})

describe('a creation by key in Dynamics', () => {
  it('is told from an update, and asks duplicate rules unless a person has', async () => {
    simulator.addDuplicateRule({
      object: 'account',
      name: 'Accounts with one name',
      matches: (candidate, existing) => candidate['name'] === existing['name'],
    })
    simulator.insert('account', { name: 'Acme' })
    const command = {
      object: 'account',
      target: { kind: 'key', field: 'prm_customerid', value: 'c-1' },
      fields: { name: 'Acme' },
    } as const
    expect(await kinds(command)).toEqual(['duplicate'])
    expect(await write({ ...command, allowDuplicate: true })).toMatchObject([{ ok: true, created: true }])
    expect(await write({ ...command, fields: { telephone1: '1' }, allowDuplicate: true })).toMatchObject([
      { ok: true, created: false },
    ])
    expect(simulator.list('account')).toHaveLength(2)
  })

  it('writes no key into its own body, whatever the mapping says', async () => {
    const [outcome] = await write(create('d-1', { name: 'Acme', prm_dealid: 'd-1' }))
    expect(outcome).toMatchObject({ ok: true, created: true })
  })

  it.each(["o'neill", 'a/b', 'ümlaut', 'a&b=c#d', '100%', 'a b'])(
    'is one record for the key %s',
    async (key) => {
      const [first, second] = [await write(create(key)), await write(create(key))]
      expect(first).toMatchObject([{ ok: true, created: true }])
      expect(second).toMatchObject([{ ok: true, created: false }])
      expect(simulator.list('opportunity')).toHaveLength(1)
    },
  )

  it('without the key over there is a matter of configuration', async () => {
    const target = { kind: 'key', field: 'prm_registrationnumber', value: 'R-1' } as const
    expect(await kinds({ object: 'opportunity', target, fields: { name: 'Acme' } })).toEqual([
      'configuration',
    ])
  })
})

describe('lookups and currencies of Dynamics', () => {
  it('are written by id and code, read back so, and cleared', async () => {
    const account = simulator.insert('account', { name: 'Acme' })
    const fields = {
      name: 'Acme',
      parentaccountid: account,
      prm_partner: account,
      estimatedvalue: 100.5,
      transactioncurrencyid: 'EUR',
    }
    const [outcome] = await write(create('d-1', fields))
    const id = outcome?.ok ? outcome.id : ''
    const names = Object.keys(fields)
    expect(await connector.read('opportunity', [id], names, never)).toMatchObject([{ fields }])
    expect(await kinds(update(id, { prm_partner: null }))).toEqual(['ok'])
    expect(await connector.read('opportunity', [id], ['prm_partner'], never)).toMatchObject([
      { fields: { prm_partner: null } },
    ])
  })

  it('that do not exist are the fault of their own record', async () => {
    const [a, b, c, d] = insertDeals(4) as [string, string, string, string]
    const outcomes = await write(
      update(a, { estimatedvalue: 5, transactioncurrencyid: 'XAU' }),
      update(b, { parentaccountid: '00000000-0000-4000-8000-00000000dead' }),
      update(c, { parentaccountid: 'nobody' }),
      rename(d),
    )
    expect(outcomes).toMatchObject([
      {
        ok: false,
        fault: { kind: 'rejected', details: { code: 'CURRENCY_UNKNOWN', fields: ['transactioncurrencyid'] } },
      },
      { ok: false, fault: { kind: 'rejected', details: { fields: ['parentaccountid'] } } },
      { ok: false, fault: { kind: 'rejected', details: { fields: ['parentaccountid'] } } },
      { ok: true },
    ])
  })

  it('to several tables are written by the name of one of them, and only read without it', async () => {
    const account = simulator.insert('account', { name: 'Acme' })
    const id = insertDeal({ customerid: account })
    expect(await write(update(id, { customerid: account }))).toMatchObject([
      { ok: false, fault: { kind: 'configuration', details: { fields: ['customerid'] } } },
    ])
    const [contact, other] = [{ lastname: 'Contact' }, { lastname: 'Other' }].map((fields) =>
      simulator.insert('contact', fields),
    ) as [string, string]
    const person = (fields: object) => ({
      object: 'contact',
      target: { kind: 'id' as const, id: contact },
      fields: fields as Record<string, string | null>,
    })
    const companies = ['parentcustomerid', 'parentcustomerid.account', 'parentcustomerid.contact']
    const companyOf = async () => {
      const [record] = await connector.read('contact', [contact], companies, never)
      return record && 'fields' in record ? companies.map((name) => record.fields[name]) : []
    }
    expect(await kinds(person({ 'parentcustomerid.account': account }))).toEqual(['ok'])
    expect(simulator.get('contact', contact)).toMatchObject({ parentcustomerid: account })
    // Ids are unique everywhere, so the names of all the tables may show it.
    expect(await companyOf()).toEqual([account, account, account])
    expect(await kinds(person({ 'parentcustomerid.contact': other }))).toEqual(['ok'])
    expect(simulator.get('contact', contact)).toMatchObject({ parentcustomerid: other })
    expect(await kinds(person({ 'parentcustomerid.account': null }))).toEqual(['ok'])
    expect(await companyOf()).toEqual([null, null, null])
    expect(await kinds(person({ 'parentcustomerid.lead': account }))).toEqual(['configuration'])
    expect(await kinds(update(id, { ownerid: simulator.personId }))).toEqual(['ok'])
    const [record] = await connector.read('opportunity', [id], ['ownerid'], never)
    expect(record).toMatchObject({ fields: { ownerid: simulator.personId } })
  })

  it('find users by their address', async () => {
    const user = simulator.get('systemuser', simulator.personId)!
    const email = String(user['internalemailaddress'])
    const found = await connector.find(
      'systemuser',
      'internalemailaddress',
      [email.toUpperCase()],
      ['fullname'],
      never,
    )
    expect(found.map(({ id }) => id)).toEqual([simulator.personId])
    expect(gate.count('read')).toBe(1)
  })
})

describe('closed opportunities of Dynamics', () => {
  const stateOf = (id: string) => {
    const row = simulator.get('opportunity', id)
    return [row?.['statecode'], row?.['statuscode'], row?.['actualvalue'], row?.['actualclosedate']]
  }

  it('are closed by the action, with what was written before it', async () => {
    const id = insertDeal()
    const fields = { name: 'new', statecode: 1, actualvalue: 900, actualclosedate: '2026-11-01' }
    expect(await kinds(update(id, fields))).toEqual(['ok'])
    expect([nameOf(id), ...stateOf(id)]).toEqual(['new', 1, 3, 900, '2026-11-01'])
    expect(await kinds(update(id, { statecode: 1 }))).toEqual(['ok'])
    expect(batches()).toBe(1)
  })

  it('can be closed as they are created', async () => {
    const [outcome] = await write(create('d-1', { name: 'Acme', statecode: 2, statuscode: 5 }))
    expect(outcome).toMatchObject({ ok: true, created: true })
    expect(outcome?.ok ? stateOf(outcome.id).slice(0, 2) : null).toEqual([2, 5])
  })

  it('are left alone by default, in words that people understand', async () => {
    const [won, open] = insertDeals(2) as [string, string]
    simulator.closeAs(won, 'won')
    const outcomes = await write(rename(won), rename(open))
    expect(outcomes).toMatchObject([
      { ok: false, fault: { kind: 'rejected', details: { code: 'CLOSED_THERE' } } },
      { ok: true },
    ])
    const [left] = outcomes
    expect(left?.ok === false && left.fault.message).toMatch(/closed as won in Dynamics/)
    expect(nameOf(won)).toBe('deal 0')
  })

  it('are left alone when a lost answer makes us create once more', async () => {
    const [outcome] = await write(create('d-1'))
    const id = outcome?.ok ? outcome.id : ''
    simulator.closeAs(id, 'lost')
    expect(await write(create('D-1', { name: 'again' }))).toMatchObject([
      { ok: false, fault: { details: { code: 'CLOSED_THERE' } } },
    ])
    expect(nameOf(id)).toBe('d-1')
  })

  it('are re-opened, written and closed as they were, where the connection says so', async () => {
    await reconnect({ closedRecords: 'reopen' })
    const id = insertDeal()
    simulator.closeAs(id, 'won', { actualrevenue: 700, actualend: '2026-10-05T00:00:00Z' })
    const before = stateOf(id)
    expect(await kinds(rename(id))).toEqual(['ok'])
    expect([nameOf(id), ...stateOf(id)]).toEqual(['new', ...before])
    expect(await kinds(update(id, { statecode: 0 }))).toEqual(['ok'])
    expect(stateOf(id).slice(0, 2)).toEqual([0, 1])
  })

  it('stay closed and as they were when writing them fails', async () => {
    await reconnect({ closedRecords: 'reopen' })
    const [id, other] = insertDeals(2) as [string, string]
    simulator.closeAs(id, 'lost')
    const before = stateOf(id)
    expect(await kinds(rename(id, 'x'.repeat(400)), rename(other))).toEqual(['rejected', 'ok'])
    expect([nameOf(id), ...stateOf(id)]).toEqual(['deal 0', ...before])
  })
})
