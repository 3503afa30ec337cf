import { describe, expect, it } from 'vitest'
import type { ApiRelease } from '#connectors/hubspot/api-paths.ts'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  connector,
  create,
  gate,
  insertDeals,
  keyField,
  kinds,
  never,
  poll,
  reconnect,
  rename,
  restart,
  simulator,
  useHubspot,
} from '#test/support/hubspot-portal.ts'

useHubspot()

const read = (id: string) => connector.read('deals', [id], ['dealname'], never)
const staticToken = () => {
  const { apiUrl, appId } = simulator.credentials
  return { grant: 'access_token', apiUrl, accessToken: simulator.accessToken, appId } as const
}

describe('signing in to HubSpot', () => {
  it('with a static token takes no call, and tells who the token belongs to', async () => {
    await reconnect({ credentials: staticToken() })
    const identity = await connector.probe(never)
    expect(identity).toMatchObject({
      organisationId: simulator.organisationId,
      userId: simulator.integrationUserId,
    })
    expect(gate.count('auth')).toBe(0)
    expect(gate.usages.length).toBeGreaterThan(0)
    expect(identity.apiUsage?.limit).toBeGreaterThan(0)
  })

  it('with a static token that is refused ends there', async () => {
    await reconnect({ credentials: { ...staticToken(), accessToken: 'pat-none' } })
    const [id = ''] = insertDeals(1)
    expect((await faultOf(read(id))).kind).toBe('unauthorised')
    expect(gate.calls).toHaveLength(1)
  })

  it('renews a token when its time is nearly over, without a refusal', async () => {
    const clock = { at: Date.parse('2026-11-20T10:00:00Z') }
    const now = () => new Date(clock.at)
    await restart({ now }, { now })
    const [id = ''] = insertDeals(1)
    await read(id)
    clock.at += 28 * 60_000
    await read(id)
    expect(gate.count('auth')).toBe(1)
    clock.at += 90_000
    await read(id)
    expect(gate.count('auth')).toBe(2)
    expect(gate.calls.every(({ ok }) => ok)).toBe(true)
  })

  it('is asked for once by calls that start together', async () => {
    const [id = ''] = insertDeals(1)
    await Promise.all([read(id), read(id), read(id)])
    expect(gate.count('auth')).toBe(1)
  })

  it('that an uninstalled app tries is refused for good', async () => {
    const [id = ''] = insertDeals(1)
    await read(id)
    simulator.revokeAccess()
    for (let round = 0; round < 3; round += 1) expect((await faultOf(read(id))).kind).toBe('unauthorised')
    expect(gate.count('auth')).toBeLessThanOrEqual(3)
  })

  it('leads people to their records', async () => {
    const { instanceUrl } = await connector.probe(never)
    const [id = ''] = insertDeals(1)
    const url = new URL(connector.traits.recordPath('deals', id), instanceUrl)
    expect(url.pathname).toBe(`/contacts/${simulator.organisationId}/record/0-3/${id}`)
  })
})

describe('limits of HubSpot', () => {
  it.each([
    ['SECONDLY', 1000],
    ['TEN_SECONDLY_ROLLING', 10_000],
    ['DAILY', 3_600_000],
    [undefined, 10_000],
  ] as const)('of the policy %s are waited for', async (policyName, waitMs) => {
    const now = () => new Date('2026-11-20T10:00:00Z')
    await reconnect({ now })
    const [id = ''] = insertDeals(1)
    simulator.faults.add({
      kind: 'throttled',
      operation: 'batch-read',
      ...(policyName === undefined ? {} : { policyName }),
    })
    const fault = await faultOf(read(id))
    expect(fault.kind).toBe('throttled')
    expect(fault.details.retryAt?.getTime()).toBe(now().getTime() + waitMs)
  })

  it('that name their end are believed', async () => {
    const now = () => new Date('2026-11-20T10:00:00Z')
    await reconnect({ now })
    const [id = ''] = insertDeals(1)
    simulator.faults.add({ kind: 'migrating', retryAfterSeconds: 7200, operation: 'batch-read' })
    const fault = await faultOf(read(id))
    expect(fault).toMatchObject({ kind: 'throttled', details: { httpStatus: 477 } })
    expect(fault.details.retryAt?.toISOString()).toBe('2026-11-20T12:00:00.000Z')
  })

  it('met by searching are told like any other', async () => {
    await restart({ searchLimit: 1 })
    await poll(null)
    const fault = await faultOf(poll(null))
    expect(fault).toMatchObject({ kind: 'throttled', details: { code: 'RATE_LIMIT' } })
  })
})

describe('a whole call that is locked', () => {
  it('is tried record by record, and held back', async () => {
    const ids = insertDeals(2)
    simulator.faults.add({ kind: 'locked', operation: 'batch-update', count: 2 })
    expect((await kinds(ids.map((id) => rename(id)))).toSorted()).toEqual(['ok', 'unavailable'])
  })
})

describe('owners', () => {
  it('are found by e-mail and read by id', async () => {
    const id = simulator.addOwner({ email: 'ann@vendor.example', firstName: 'Ann' })
    const [found] = await connector.find(
      'owners',
      'email',
      ['ANN@vendor.example', 'nobody@x.example'],
      ['email'],
      never,
    )
    expect(found).toMatchObject({ object: 'owners', id, fields: { email: 'ann@vendor.example' } })
    const answers = await connector.read('owners', [id, '4711', 'x'], ['firstName'], never)
    expect(answers).toMatchObject([
      { id, fields: { firstName: 'Ann' } },
      { missing: true },
      { missing: true },
    ])
    const fields = await connector.describe('owners', never)
    expect(fields.map(({ name }) => name)).toContain('email')
  })

  it('are not polled, and found by nothing else', async () => {
    expect((await faultOf(poll(null, 'owners', []))).kind).toBe('configuration')
    expect((await faultOf(connector.find('owners', 'lastName', ['x'], [], never))).kind).toBe('configuration')
  })
})

describe('finding by a unique property', () => {
  it('sees what was written a moment ago, however late the index is', async () => {
    await restart({ indexLagMs: 3_600_000 })
    await kinds([create('fresh')])
    const found = await connector.find('deals', keyField, ['fresh', 'other'], ['dealname'], never)
    expect(found.map(({ fields }) => fields)).toEqual([{ dealname: 'fresh' }])
  })
})

describe('the fields of deals', () => {
  it('show stages with their pipelines, owners and companies as references', async () => {
    const byName = new Map((await connector.describe('deals', never)).map((field) => [field.name, field]))
    expect(byName.get('pipeline')?.choices).toContainEqual(expect.objectContaining({ value: 'default' }))
    expect(byName.get('dealstage')?.choices).toContainEqual(
      expect.objectContaining({ value: 'appointmentscheduled', active: true }),
    )
    expect(byName.get('hubspot_owner_id')).toMatchObject({ type: 'reference', references: ['owners'] })
    expect(byName.get('association.companies')).toMatchObject({
      type: 'reference',
      references: ['companies'],
    })
    expect(byName.get('hs_is_closed_won')).toMatchObject({ type: 'boolean', writable: false })
    expect(byName.get('amount')).toMatchObject({ type: 'currency' })
  })
})

describe.each(['2026-03', '2026-09'] satisfies ApiRelease[])('the dated paths of %s', (release) => {
  it('serve reading, writing, finding, polling and describing alike', async () => {
    await reconnect({ release })
    await connector.probe(never)
    expect(await kinds([create('k-1')])).toEqual(['ok'])
    const [found] = await connector.find('deals', keyField, ['k-1'], ['dealname'], never)
    const id = found?.id ?? ''
    const company = simulator.insert('companies', { name: 'Acme' })
    const linked = { ...rename(id, 'k-2'), fields: { dealname: 'k-2', 'association.companies': company } }
    expect(await kinds([linked])).toEqual(['ok'])
    const [page] = await poll(null, 'deals', ['dealname', 'association.companies'])
    expect(page?.records).toMatchObject([
      { id, fields: { dealname: 'k-2', 'association.companies': company } },
    ])
    expect((await connector.describe('deals', never)).length).toBeGreaterThan(10)
    expect(await connector.find('owners', 'email', ['nobody@x.example'], [], never)).toEqual([])
  })
})
