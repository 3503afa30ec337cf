import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type RawSession, requestToken } from '#test/simulators/dynamics/session.ts'
import { type DynamicsSimulator, startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'

let simulator: DynamicsSimulator
let session: RawSession
let now: Date

const unknownId = '00000000-0000-0000-0000-00000000dead'
const representation = { prefer: 'return=representation' }

beforeEach(async () => {
  now = new Date('2026-11-20T10:00:00Z')
  simulator = await startDynamicsSimulator({ now: () => now })
  session = await openSession(simulator)
})

afterEach(() => simulator.close())

const upsert = (key: string, body: unknown, headers: Record<string, string> = {}) =>
  session.send('PATCH', `/opportunities(prm_dealid='${key}')`, body, headers)
const idOf = (headers: Headers) => /\(([0-9a-f-]{36})\)$/.exec(headers.get('odata-entityid') ?? '')?.[1] ?? ''
const create = async (set: string, body: unknown) =>
  idOf((await session.send('POST', `/${set}`, body)).headers)

describe('the token endpoint', () => {
  it('gives a bearer token for an hour that WhoAmI knows', async () => {
    const token = await requestToken(simulator)
    expect(token.body).toMatchObject({ token_type: 'Bearer', expires_in: 3599 })
    const { body } = await session.send('GET', '/WhoAmI')
    expect(body).toMatchObject({
      OrganizationId: simulator.organisationId,
      UserId: simulator.integrationUserId,
    })
  })

  it.each([
    [{ client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
    [{ client_id: 'wrong' }, 400, 'unauthorized_client', 700016],
    [{ scope: 'https://other.crm.dynamics.com/.default' }, 400, 'invalid_resource', 500011],
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
  ])('refuses %o', async (changes, status, error, code) => {
    const answer = await requestToken(simulator, changes)
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ error, error_codes: [code] })
    expect(answer.body.error_description).toContain(`AADSTS${code}`)
  })

  it('ends tokens by the clock of the organisation, and at the push of a button', async () => {
    now = new Date(now.getTime() + 3_600_000)
    const old = await session.send('GET', '/WhoAmI')
    expect(old.status).toBe(401)
    expect(old.headers.get('www-authenticate')).toContain('Bearer authorization_uri=')
    session = await openSession(simulator)
    expect((await session.send('GET', '/WhoAmI')).status).toBe(200)
    simulator.expireSessions()
    expect((await session.send('GET', '/WhoAmI')).status).toBe(401)
  })
})

describe('one record', () => {
  it('is created with its address, defaults, owner and a version', async () => {
    const answer = await session.send('POST', '/accounts', { name: 'Acme', address1_city: '' })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('location')).toBe(answer.headers.get('odata-entityid'))
    expect(answer.headers.get('etag')).toBeNull()
    const { body } = await session.send('GET', `/accounts(${idOf(answer.headers)})`)
    expect(body).toMatchObject({
      name: 'Acme',
      address1_city: null,
      statecode: 0,
      statuscode: 1,
      _ownerid_value: simulator.integrationUserId,
      createdon: '2026-11-20T10:00:00Z',
    })
    expect(body['@odata.etag']).toBe(`W/"${body.versionnumber}"`)
  })

  it('is created or updated by an alternate key, and only the representation tells which', async () => {
    expect((await upsert('d-1', { name: 'First' })).status).toBe(204)
    expect((await upsert('D-1', { name: 'Second' })).status).toBe(204)
    expect(simulator.list('opportunity')).toHaveLength(1)
    expect((await upsert('d-1', { name: 'Third' }, representation)).status).toBe(200)
    const created = await upsert('d-2', { name: 'Other' }, representation)
    expect(created.status).toBe(201)
    expect(created.headers.get('preference-applied')).toBe('return=representation')
    expect(created.body).toMatchObject({ prm_dealid: 'd-2', name: 'Other' })
  })

  it('obeys If-Match and If-None-Match', async () => {
    const missing = await upsert('d-1', { name: 'x' }, { 'if-match': '*' })
    expect(missing).toMatchObject({ status: 404, body: { error: { code: '0x80060891' } } })
    const first = await upsert('d-1', { name: 'First' }, representation)
    const etag = String(first.body['@odata.etag'])
    const again = await upsert('d-1', { name: 'x' }, { 'if-none-match': '*' })
    expect(again).toMatchObject({ status: 412, body: { error: { code: '0x80040237' } } })
    expect((await upsert('d-1', { name: 'Second' }, { 'if-match': etag })).status).toBe(204)
    const stale = await upsert('d-1', { name: 'Third' }, { 'if-match': etag })
    expect(stale).toMatchObject({ status: 412, body: { error: { code: '0x80060882' } } })
    const gone = await session.send('DELETE', `/opportunities(${first.body.opportunityid})`, undefined, {
      'if-match': etag,
    })
    expect(gone.status).toBe(412)
  })

  it('is not sent again to those who have its version', async () => {
    const id = await create('accounts', { name: 'Acme' })
    const { body } = await session.send('GET', `/accounts(${id})`)
    const headers = { 'if-none-match': String(body['@odata.etag']) }
    expect((await session.send('GET', `/accounts(${id})`, undefined, headers)).status).toBe(304)
  })

  it('is gone at once when deleted', async () => {
    const id = await create('accounts', { name: 'Acme' })
    expect((await session.send('DELETE', `/accounts(${id})`)).status).toBe(204)
    const answer = await session.send('GET', `/accounts(${id})`)
    expect(answer).toMatchObject({ status: 404, body: { error: { code: '0x80040217' } } })
    expect((await session.send('DELETE', `/accounts(${id})`)).status).toBe(404)
  })

  it('is bound to others by case-sensitive navigation properties, and unbound by null', async () => {
    const account = await create('accounts', { name: 'Acme', prm_partnerid: 'p-1' })
    const bind = { 'parentaccountid@odata.bind': `/accounts(${account})` }
    await upsert('d-1', { ...bind, 'prm_Partner@odata.bind': "/accounts(prm_partnerid='p-1')" })
    const read = async () => (await session.send('GET', "/opportunities(prm_dealid='d-1')")).body
    expect(await read()).toMatchObject({
      _parentaccountid_value: account,
      _customerid_value: account,
      _prm_partner_value: account,
    })
    const wrongCase = await upsert('d-1', { 'prm_partner@odata.bind': `/accounts(${account})` })
    expect(wrongCase).toMatchObject({ status: 400, body: { error: { code: '0x80048d19' } } })
    expect((await upsert('d-1', { _prm_partner_value: account })).status).toBe(400)
    const nobody = await upsert('d-1', { 'prm_Partner@odata.bind': `/accounts(${unknownId})` })
    expect(nobody).toMatchObject({ status: 404, body: { error: { code: '0x80040217' } } })
    await upsert('d-1', { 'prm_Partner@odata.bind': null })
    expect(await read()).toMatchObject({ _prm_partner_value: null })
  })

  it('keeps an amount with its value in the base currency', async () => {
    const currencies = await session.send('GET', "/transactioncurrencies?$filter=isocurrencycode eq 'USD'")
    const [usd] = currencies.body.value
    await upsert('d-1', {
      estimatedvalue: 110.004,
      'transactioncurrencyid@odata.bind': `/transactioncurrencies(${usd.transactioncurrencyid})`,
    })
    const { body } = await session.send('GET', "/opportunities(prm_dealid='d-1')")
    expect(body).toMatchObject({ estimatedvalue: 110, estimatedvalue_base: 100, exchangerate: 1.1 })
    await upsert('d-1', { isrevenuesystemcalculated: true })
    await upsert('d-1', { estimatedvalue: 5 })
    const after = await session.send('GET', "/opportunities(prm_dealid='d-1')?$select=estimatedvalue")
    expect(after.body.estimatedvalue).toBe(110)
  })

  it.each([
    [{ name: 'x'.repeat(301) }, '0x80044331'],
    [{ prm_registrationstatus: 99 }, '0x8004431a'],
    [{ estimatedvalue: 2e12 }, '0x80044330'],
    [{ estimatedvalue: '100' }, '0x80048d19'],
    [{ estimatedclosedate: '2026-13-01' }, '0x80048d19'],
    [{ estimatedclosedate: '2026-12-31T00:00:00Z' }, '0x80048d19'],
    [{ no_such_column: 1 }, '0x80048d19'],
  ])('refuses %o', async (body, code) => {
    expect(await upsert('d-1', body)).toMatchObject({ status: 400, body: { error: { code } } })
    expect(simulator.list('opportunity')).toHaveLength(0)
  })

  it('refuses broken JSON, other media types, unknown sets, keys and methods', async () => {
    expect((await session.send('POST', '/accounts', '{"name":')).body.error.code).toBe('0x80048d19')
    const text = await session.send('POST', '/accounts', 'name=x', { 'content-type': 'text/plain' })
    expect(text.status).toBe(415)
    expect((await session.send('GET', '/opportunitys')).status).toBe(404)
    const byName = await session.send('GET', "/accounts(name='Acme')")
    expect(byName).toMatchObject({ status: 400, body: { error: { code: '0x80060890' } } })
    expect((await session.send('DELETE', '/accounts')).status).toBe(405)
    expect((await session.send('GET', '/accounts(1')).status).toBe(404)
  })

  it('does not let two records have one key', async () => {
    await upsert('d-1', { name: 'First' })
    const answer = await session.send('POST', '/opportunities', { name: 'Second', prm_dealid: 'D-1 ' })
    expect(answer).toMatchObject({ status: 412, body: { error: { code: '0x80060892' } } })
  })

  it('has single properties that can be read, set and emptied', async () => {
    const id = await create('accounts', { name: 'Acme' })
    await session.send('PUT', `/accounts(${id})/websiteurl`, { value: 'https://acme.example' })
    const { body } = await session.send('GET', `/accounts(${id})/websiteurl`)
    expect(body.value).toBe('https://acme.example')
    await session.send('DELETE', `/accounts(${id})/websiteurl`)
    expect(simulator.get('account', id)?.['websiteurl']).toBeNull()
  })
})

describe('several records in one action', () => {
  const target = (key: string, fields: object = {}) => ({
    '@odata.type': 'Microsoft.Dynamics.CRM.opportunity',
    '@odata.id': `opportunities(prm_dealid='${key}')`,
    name: key,
    ...fields,
  })
  const send = (name: string, targets: unknown[]) =>
    session.send('POST', `/opportunities/Microsoft.Dynamics.CRM.${name}`, { Targets: targets })

  it('are all written or none', async () => {
    await upsert('d-1', { name: 'old' })
    expect((await send('UpsertMultiple', [target('d-1'), target('d-2')])).status).toBe(204)
    expect(simulator.list('opportunity').map((row) => row['name'])).toEqual(['d-1', 'd-2'])
    const half = await send('UpsertMultiple', [target('d-3'), target('d-4', { prm_registrationstatus: 7 })])
    expect(half.status).toBe(400)
    expect((await send('UpdateMultiple', [target('d-1', { name: 'new' }), target('d-9')])).status).toBe(404)
    expect(simulator.list('opportunity').map((row) => row['name'])).toEqual(['d-1', 'd-2'])
  })

  it('are created with their ids in order', async () => {
    const account = (name: string) => ({ '@odata.type': 'Microsoft.Dynamics.CRM.account', name })
    const { body } = await session.send('POST', '/accounts/Microsoft.Dynamics.CRM.CreateMultiple', {
      Targets: [account('a'), account('b')],
    })
    expect(body.Ids.map((id: string) => simulator.get('account', id)?.['name'])).toEqual(['a', 'b'])
  })
})

describe('what is closed', () => {
  const closing = (id: string, fields: object = {}) => ({
    OpportunityClose: { subject: 'Closed', 'opportunityid@odata.bind': `/opportunities(${id})`, ...fields },
  })
  const win = (id: string, fields: object = {}) =>
    session.send('POST', '/WinOpportunity', { Status: 3, ...closing(id, fields) })
  const patch = (id: string, body: unknown) => session.send('PATCH', `/opportunities(${id})`, body)

  it('comes from its own actions, with what was earned and when', async () => {
    const id = await create('opportunities', { name: 'Deal', estimatedvalue: 500 })
    const byPatch = await patch(id, { statecode: 1, statuscode: 3 })
    expect(byPatch).toMatchObject({ status: 400, body: { error: { code: '0x80100005' } } })
    expect((await win(id, { actualrevenue: 480.5, actualend: '2026-11-19' })).status).toBe(204)
    expect(simulator.get('opportunity', id)).toMatchObject({
      statecode: 1,
      statuscode: 3,
      actualvalue: 480.5,
      actualclosedate: '2026-11-19',
    })
    const [close] = simulator.list('opportunityclose')
    expect(close).toMatchObject({ opportunityid: id, actualrevenue: 480.5 })
    expect((await win(id)).body.error.code).toBe('0x80040515')
  })

  it('is read-only until it is open again', async () => {
    const id = await create('opportunities', { name: 'Deal' })
    const lost = await session.send('POST', '/LoseOpportunity', { Status: 5, ...closing(id) })
    expect(lost.status).toBe(204)
    expect((await patch(id, { name: 'New' })).body.error.code).toBe('0x80040515')
    expect((await patch(id, { statecode: 0, statuscode: 1 })).status).toBe(204)
    expect((await patch(id, { statecode: 0 })).body.error.code).toBe('0x8004051a')
    expect((await patch(id, { name: 'New' })).status).toBe(204)
    expect(simulator.get('opportunity', id)).toMatchObject({ statecode: 0, name: 'New', actualvalue: null })
  })

  it('may be written in organisations that are less strict, and stays closed', async () => {
    simulator.setClosedReadOnly(false)
    const id = await create('opportunities', { name: 'Deal' })
    await win(id)
    expect((await patch(id, { name: 'New' })).status).toBe(204)
    expect(simulator.get('opportunity', id)).toMatchObject({ name: 'New', statecode: 1 })
    expect((await patch(id, { statecode: 2 })).body.error.code).toBe('0x80100005')
  })

  it('takes only a status that belongs to the state', async () => {
    const id = await create('opportunities', { name: 'Deal' })
    const answer = await session.send('POST', '/WinOpportunity', { Status: 4, ...closing(id) })
    expect(answer.body.error.code).toBe('0x80048408')
    expect((await patch(id, { statuscode: 3 })).body.error.code).toBe('0x80048408')
    expect((await patch(id, { statuscode: 2 })).status).toBe(204)
  })
})

describe('what the organisation forbids', () => {
  it('is refused for the lack of a privilege', async () => {
    simulator.setPrivilege('opportunity', 'create', 'none')
    const answer = await upsert('d-1', { name: 'x' })
    expect(answer).toMatchObject({ status: 403, body: { error: { code: '0x80040220' } } })
    expect(answer.body.error.message).toContain('prvCreateOpportunity')
    const id = simulator.integrationUserId
    const listed = await session.send(
      'GET',
      `/systemusers(${id})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`,
    )
    const names = listed.body.RolePrivileges.map((each: { PrivilegeName: string }) => each.PrivilegeName)
    expect(names).toContain('prvReadOpportunity')
    expect(names).not.toContain('prvCreateOpportunity')
  })

  it('is found by duplicate rules where the caller asks for them', async () => {
    simulator.insert('account', { name: 'Acme' })
    simulator.addDuplicateRule({
      object: 'account',
      name: 'Same name',
      matches: (candidate, existing) => candidate['name'] === existing['name'],
    })
    expect((await session.send('POST', '/accounts', { name: 'Acme' })).status).toBe(204)
    const answer = await session.send(
      'POST',
      '/accounts',
      { name: 'Acme' },
      { 'MSCRM.SuppressDuplicateDetection': 'false' },
    )
    expect(answer).toMatchObject({ status: 412, body: { error: { code: '0x80040333' } } })
  })

  it('is refused by a rule of the table where an attribute became required', async () => {
    simulator.setRequired('opportunity', 'prm_registrationnumber', true)
    const answer = await upsert('d-1', { name: 'x' })
    expect(answer).toMatchObject({ status: 400, body: { error: { code: '0x80040265' } } })
    simulator.setRequired('opportunity', 'prm_registrationnumber', false)
    expect((await upsert('d-1', { name: 'x' })).status).toBe(204)
  })

  it('is an attribute that is no more', async () => {
    simulator.removeField('opportunity', 'prm_protectionend')
    expect((await upsert('d-1', { prm_protectionend: '2026-12-31' })).body.error.code).toBe('0x80048d19')
    const read = await session.send('GET', '/opportunities?$select=prm_protectionend')
    expect(read.body.error.code).toBe('0x80060888')
    simulator.removeField('opportunity', 'prm_dealid')
    expect((await upsert('d-1', {})).body.error.code).toBe('0x80060890')
  })
})
