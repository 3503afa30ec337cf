import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSession, type RawSession } from '#test/simulators/dynamics/session.ts'
import { type DynamicsSimulator, startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'

let simulator: DynamicsSimulator
let session: RawSession

beforeEach(async () => {
  simulator = await startDynamicsSimulator()
  session = await openSession(simulator)
})

afterEach(() => simulator.close())

describe('people', () => {
  it('write as themselves, and every change is remembered', async () => {
    const account = simulator.insert('account', { name: 'Acme' })
    const id = simulator.insert('opportunity', { name: 'Deal', parentaccountid: account })
    simulator.update('opportunity', id, {
      parentaccountid: { logicalName: 'account', id: account },
      name: 'Deal 2',
    })
    await session.send('PATCH', `/opportunities(${id})`, { name: 'Deal 3' })
    const { body } = await session.send('GET', `/opportunities(${id})`)
    expect(body).toMatchObject({
      _createdby_value: simulator.personId,
      _modifiedby_value: simulator.integrationUserId,
    })
    expect(simulator.history('opportunity', id).map(({ by, fields }) => [by, fields['name']])).toEqual([
      [simulator.personId, 'Deal'],
      [simulator.personId, 'Deal 2'],
      [simulator.integrationUserId, 'Deal 3'],
    ])
    expect(() => simulator.update('opportunity', id, { nothing: 1 })).toThrow('no attribute nothing')
  })

  it('merge accounts: the loser stays inactive and names its master, its records move over', async () => {
    const [master, loser] = simulator.insertMany('account', [{ name: 'Acme' }, { name: 'ACME Ltd' }]) as [
      string,
      string,
    ]
    const deal = simulator.insert('opportunity', { name: 'Deal', parentaccountid: loser })
    simulator.merge('account', master, [loser])
    expect(simulator.get('account', loser)).toMatchObject({ merged: true, masterid: master, statecode: 1 })
    expect(simulator.get('opportunity', deal)).toMatchObject({ parentaccountid: master, customerid: master })
    expect(() => simulator.merge('opportunity', deal, [deal])).toThrow('not supported')
  })

  it('merge over the API, with what the master takes from the loser', async () => {
    const [master, loser] = simulator.insertMany('account', [{ name: 'Acme' }, { name: 'B' }]) as [
      string,
      string,
    ]
    const type = 'Microsoft.Dynamics.CRM.account'
    const answer = await session.send('POST', '/Merge', {
      Target: { '@odata.type': type, accountid: master },
      Subordinate: { '@odata.type': type, accountid: loser },
      UpdateContent: { '@odata.type': type, telephone1: '123' },
      PerformParentingChecks: false,
    })
    expect(answer.status).toBe(204)
    expect(simulator.get('account', master)?.['telephone1']).toBe('123')
    expect(simulator.get('account', loser)?.['merged']).toBe(true)
  })

  it('delete with what belongs to it, and restore', () => {
    const account = simulator.insert('account', { name: 'Acme', prm_partnerid: 'p-1' })
    const owned = simulator.insert('opportunity', { name: 'Deal', parentaccountid: account })
    const linked = simulator.insert('opportunity', { name: 'Other', prm_partner: account })
    simulator.remove('account', account)
    expect(simulator.get('account', account)).toBeUndefined()
    expect(simulator.get('opportunity', owned)).toBeUndefined()
    expect(simulator.get('opportunity', linked)?.['prm_partner']).toBeNull()
    simulator.undelete('account', account)
    expect(simulator.get('account', account)?.['name']).toBe('Acme')
  })

  it('close and reopen; the platform touches without a trace', async () => {
    const id = simulator.insert('opportunity', { name: 'Deal', estimatedvalue: 100 })
    simulator.closeAs(id, 'won')
    expect(simulator.get('opportunity', id)).toMatchObject({ statecode: 1, statuscode: 3, actualvalue: 100 })
    simulator.reopen(id)
    const before = simulator.get('opportunity', id)
    simulator.touch('opportunity', [id])
    const after = simulator.get('opportunity', id)
    expect(after).toEqual({ ...before, versionnumber: Number(before?.['versionnumber']) + 1 })
  })

  it('move the organisation to another place', async () => {
    simulator.setOrganisationId('99999999-9999-4999-8999-999999999999')
    expect((await session.send('GET', '/WhoAmI')).status).toBe(401)
    session = await openSession(simulator)
    expect((await session.send('GET', '/WhoAmI')).body.OrganizationId).toBe(simulator.organisationId)
    const { body } = await session.send('GET', '/organizations?$select=name,expirechangetrackingindays')
    expect(body.value).toMatchObject([{ organizationid: simulator.organisationId, name: 'Vendor Inc.' }])
  })

  it('look at pages of records, with nothing to run in them', async () => {
    const id = simulator.insert('opportunity', { name: '<script>alert(1)</script>' })
    const list = await (await fetch(`${simulator.url}/`)).text()
    expect(list).toContain('&lt;script&gt;')
    expect(list).not.toContain('<script>')
    const record = await fetch(`${simulator.url}/main.aspx?pagetype=entityrecord&etn=opportunity&id=${id}`)
    expect(await record.text()).toContain('Rita Sales')
    simulator.remove('opportunity', id)
    expect(await (await fetch(`${simulator.url}/records/opportunity/${id}`)).text()).toContain('is deleted')
    expect((await fetch(`${simulator.url}/records/nothing`)).status).toBe(404)
  })

  it('work from another process too', async () => {
    const response = await fetch(`${simulator.url}/__simulator/records`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ object: 'account', fields: { name: 'Acme' } }),
    })
    expect(response.status).toBe(201)
    expect(simulator.list('account')).toHaveLength(1)
  })
})

describe('webhooks', () => {
  interface Heard {
    readonly url: string
    readonly headers: Record<string, unknown>
    // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the wire holds.
    readonly body: any
  }
  let listener: Server
  let heard: Heard[]
  let status: number

  beforeEach(async () => {
    heard = []
    status = 200
    listener = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk) => {
        text += String(chunk)
      })
      request.on('end', () => {
        heard.push({ url: String(request.url), headers: request.headers, body: JSON.parse(text) })
        response.writeHead(status).end()
      })
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  })

  afterEach(() => listener.close())

  const target = () => `http://127.0.0.1:${(listener.address() as AddressInfo).port}/hook`

  it('tell what happened, to whom and by whom, with the key in the address', async () => {
    simulator.webhooks.register(target(), simulator.credentials.webhookKey)
    const id = simulator.insert('opportunity', { name: 'Deal', estimatedvalue: 5 })
    await session.send('PATCH', `/opportunities(${id})?tag=prm-sync`, { name: 'Deal 2' })
    simulator.closeAs(id, 'won')
    simulator.remove('opportunity', id)
    const deliveries = await simulator.webhooks.deliver()
    expect(deliveries.map(({ message }) => message)).toEqual(['Create', 'Update', 'Win', 'Update', 'Delete'])
    expect(heard[0]?.url).toBe(`/hook?code=${simulator.credentials.webhookKey}`)
    expect(heard[0]?.headers).toMatchObject({
      'x-ms-dynamics-entity-name': 'opportunity',
      'x-ms-dynamics-request-name': 'Create',
    })
    expect(heard[1]?.body).toMatchObject({
      MessageName: 'Update',
      PrimaryEntityName: 'opportunity',
      PrimaryEntityId: id,
      InitiatingUserId: simulator.integrationUserId,
      SharedVariables: [{ key: 'tag', value: 'prm-sync' }],
      Mode: 1,
      Stage: 40,
    })
    expect(heard[0]?.body.InputParameters[0].value.Attributes).toContainEqual({
      key: 'estimatedvalue',
      value: { __type: 'Money:http://schemas.microsoft.com/xrm/2011/Contracts', Value: 5 },
    })
    expect(new Set(heard.map(({ body }) => body.OperationId)).size).toBe(5)
  })

  it('are registered over the API, with a header and for chosen columns, and never show their secret', async () => {
    const one = async (path: string) => (await session.send('GET', path)).body.value[0]
    const message = await one("/sdkmessages?$select=sdkmessageid&$filter=name eq 'Update'")
    const filter = await one(
      `/sdkmessagefilters?$select=sdkmessagefilterid&$filter=primaryobjecttypecode eq 'account' and _sdkmessageid_value eq ${message.sdkmessageid}`,
    )
    const endpoint = await session.send(
      'POST',
      '/serviceendpoints',
      {
        name: 'Counterpart',
        url: target(),
        contract: 8,
        authtype: 5,
        authvalue: '<settings><setting name="x-prm-key" value="a&amp;b" /></settings>',
      },
      { prefer: 'return=representation' },
    )
    expect(endpoint.body).toMatchObject({ contract: 8, authvalue: null })
    const step = await session.send('POST', '/sdkmessageprocessingsteps', {
      name: 'Counterpart: Update of account',
      mode: 1,
      stage: 40,
      rank: 1,
      filteringattributes: 'name,telephone1',
      'sdkmessageid@odata.bind': `/sdkmessages(${message.sdkmessageid})`,
      'sdkmessagefilterid@odata.bind': `/sdkmessagefilters(${filter.sdkmessagefilterid})`,
      'eventhandler_serviceendpoint@odata.bind': `/serviceendpoints(${endpoint.body.serviceendpointid})`,
    })
    expect(step.status).toBe(204)
    const id = simulator.insert('account', { name: 'Acme' })
    simulator.update('account', id, { websiteurl: 'https://acme.example' })
    simulator.update('account', id, { telephone1: '1' })
    expect(await simulator.webhooks.deliver()).toMatchObject([{ message: 'Update', id, status: 200 }])
    expect(heard[0]?.headers['x-prm-key']).toBe('a&b')
  })

  it('are tried once more only where a gateway answers', async () => {
    simulator.webhooks.register(target(), 'key')
    simulator.insert('account', { name: 'Acme' })
    status = 503
    expect(await simulator.webhooks.deliver()).toMatchObject([{ status: 503, tries: 2 }])
    simulator.insert('account', { name: 'Acme' })
    status = 500
    expect(await simulator.webhooks.deliver()).toMatchObject([{ status: 500, tries: 1 }])
    expect(simulator.webhooks.pending).toBe(0)
  })

  it('get lost, come twice and out of order', async () => {
    simulator.webhooks.register(target(), 'key')
    simulator.insertMany('account', [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }])
    await simulator.webhooks.deliver({ drop: 1, double: true, shuffle: true })
    const names = heard.map(({ body }) => body.InputParameters[0].value.Attributes[0].value)
    expect([...names].sort()).toEqual(['b', 'b', 'c', 'c', 'd', 'd'])
    expect(names).not.toEqual(['b', 'c', 'd', 'b', 'c', 'd'])
  })

  it('say nothing of what was undone', async () => {
    simulator.webhooks.register(target(), 'key')
    const targets = ['a', 'b'].map((name) => ({ '@odata.type': 'Microsoft.Dynamics.CRM.account', name }))
    simulator.faults.add({ kind: 'record-error', operation: 'bulk', nth: 2 })
    await session.send('POST', '/accounts/Microsoft.Dynamics.CRM.CreateMultiple', { Targets: targets })
    expect(simulator.webhooks.pending).toBe(0)
  })
})
