import { beforeAll, describe, expect, test } from 'vitest'
import { systemActor } from '#src/kernel/actor.ts'
import type { DealId } from '#src/kernel/ids.ts'
import { openReviews } from '#src/sync/memory/review-store.ts'
import { type ConnectedCrm, useCrmInstallation } from '#test/support/crm-installation.ts'

const { world, connect, inStep, api, capabilities, run, submit, approve } = useCrmInstallation()
let first: ConnectedCrm
let second: ConnectedCrm

beforeAll(async () => {
  first = await connect('Europe')
  second = await connect('Americas')
}, 120_000)

const opportunityOf = ({ crm }: ConnectedCrm, dealId: string) =>
  crm.list('Opportunity').find((row) => row['PRM_Deal_Id__c'] === dealId)
const openItems = async (query: string) => (await api().get(`/api/v1/review-items?state=open&${query}`)).items

let companies = 0
/** A registration of a company of its own, approved. */
async function approved(over: Record<string, unknown> = {}) {
  const { id } = await submit(company(over))
  return approve(id)
}
const company = (over: Record<string, unknown> = {}) => {
  companies += 1
  return {
    companyName: `Company ${'abcdefghij'[companies]}${companies} Werke`,
    domain: `company${companies}x.com`,
    contactEmail: `cora@company${companies}x.com`,
    ...over,
  }
}
const american = { field: 'country', is: 'equals', value: 'US' }

describe('the routing of deals', () => {
  test('is the oldest connection until something else is set', async () => {
    expect(await api().get('/api/v1/deal-routing')).toEqual({
      rules: [],
      defaultConnectionId: null,
      revision: 0,
    })
    const deal = await approved({ country: 'US' })
    expect(deal.vendor.crm).toMatchObject({ connectionId: first.id, state: 'none' })
  })

  test('can be tried before it is set, and changes nothing by that', async () => {
    const routing = {
      rules: [{ name: 'Americas', when: american, connectionId: second.id }],
      defaultConnectionId: null,
    }
    const { items } = await api().post('/api/v1/deal-routing/try', { routing })
    expect(items).toMatchObject([{ connectionId: first.id, wouldGoTo: second.id, rule: 0 }])
    expect((await api().get('/api/v1/deal-routing')).revision).toBe(0)
  })

  test('is refused with places where it names what there is not', async () => {
    const routing = {
      rules: [{ name: 'Moon', when: { field: 'planet', is: 'blank' }, connectionId: world.partnerId }],
      defaultConnectionId: null,
    }
    await expect(api().call('PUT', '/api/v1/deal-routing', routing)).rejects.toMatchObject({
      status: 422,
      body: { issues: [{ code: 'unknown_field' }, { code: 'unknown_connection' }] },
    })
  })

  test('counts from then on, and is changed only by who read it last', async () => {
    const routing = {
      rules: [{ name: 'Americas', when: american, connectionId: second.id }],
      defaultConnectionId: first.id,
    }
    const set = await api().call('PUT', '/api/v1/deal-routing', routing, { 'if-match': '"0"' })
    expect([set.etag, set.body]).toEqual(['"1"', { ...routing, revision: 1 }])
    await expect(
      api().call('PUT', '/api/v1/deal-routing', routing, { 'if-match': '"0"' }),
    ).rejects.toMatchObject({ status: 412 })
    const overseas = await approved({ country: 'US' })
    const near = await approved({ country: 'DE' })
    expect(overseas.vendor.crm.connectionId).toBe(second.id)
    expect(near.vendor.crm.connectionId).toBe(first.id)
    await inStep()
    expect(opportunityOf(second, overseas.id)).toBeDefined()
    expect(opportunityOf(first, overseas.id)).toBeUndefined()
    expect(opportunityOf(first, near.id)).toBeDefined()
  }, 60_000)

  test('sends what no approval has fixed yet where the default says, before the oldest', async () => {
    const { routing } = capabilities()
    const undone = new Error('undone')
    const homes: unknown[] = []
    const changing = run(async (tx) => {
      homes.push(await routing.homeByDefault(tx))
      const choices = [second.id, null] as const
      for (const defaultConnectionId of choices) {
        await routing.set(tx, systemActor('test'), { rules: [], defaultConnectionId }, null)
        homes.push(await routing.homeByDefault(tx))
      }
      throw undone
    })
    await expect(changing).rejects.toBe(undone)
    expect(homes).toEqual([first.id, second.id, first.id])
  })

  test('is overruled by a person, with a trace', async () => {
    const deal = await approved({ country: 'DE' })
    await inStep()
    const moved = await api().post(`/api/v1/deals/${deal.id}/reroute`, {
      connectionId: second.id,
      reason: 'the parent company buys',
    })
    expect(moved).toMatchObject({ dealId: deal.id, connectionId: second.id, state: 'pending' })
    await inStep()
    expect(opportunityOf(first, deal.id)).toMatchObject({ PRM_Registration_Status__c: 'Moved' })
    expect((await api().get(`/api/v1/deals/${deal.id}`)).vendor.crm).toMatchObject({
      connectionId: second.id,
      state: 'linked',
      remoteId: opportunityOf(second, deal.id)?.['Id'],
    })
    const { items } = await api().get(`/api/v1/audit-entries?subjectKind=deal&subjectId=${deal.id}`)
    expect(items.map(({ action }: { action: string }) => action)).toEqual(
      expect.arrayContaining(['deal.rerouted', 'sync.link_moved']),
    )
    await expect(
      api().post(`/api/v1/deals/${deal.id}/reroute`, { connectionId: second.id, reason: 'again' }),
    ).rejects.toMatchObject({ status: 409, body: { code: 'already_there' } })
  }, 60_000)
})

test('an opportunity that was chosen at approval is linked at once, where it is', async () => {
  const there = second.crm.insert('Opportunity', {
    Name: 'Found by the check',
    StageName: 'Prospecting',
    CloseDate: '2027-05-05',
  })
  await inStep()
  const { id } = await submit(company({ country: 'DE' }))
  await expect(
    approve(id, { kind: 'link', remoteId: there, connectionId: world.partnerId }),
  ).rejects.toMatchObject({ status: 404 })
  const deal = await approve(id, { kind: 'link', remoteId: there, connectionId: second.id })
  expect(deal.vendor.crm).toMatchObject({ connectionId: second.id, state: 'linked', remoteId: there })
  expect(deal.vendor.crm.url).toContain(there)
  expect((await api().get(`/api/v1/deals/${id}`)).revision).toBe(deal.revision)
  const before = [first, second].map(({ crm }) => crm.list('Opportunity').length)
  await inStep()
  expect([first, second].map(({ crm }) => crm.list('Opportunity').length)).toEqual(before)
  expect(second.crm.get('Opportunity', there)).toMatchObject({ PRM_Deal_Id__c: id })
}, 60_000)

describe('an opportunity made in the CRM that names our partner', () => {
  async function proposal(name: string, partnerId = world.partnerId) {
    const { crm, id } = first
    const account = crm.insert('Account', {
      Name: name,
      Website: `${name.toLowerCase()}.com`,
      BillingCountry: 'DE',
    })
    const ours = crm.insert('Account', { Name: `Partner account ${name}` })
    await inStep()
    const { items } = await api().get(
      `/api/v1/links?connectionId=${id}&entity=partner&recordId=${partnerId}&state=active`,
    )
    if (items.length === 0) {
      await api().post('/api/v1/links', {
        connectionId: id,
        entity: 'partner',
        recordId: partnerId,
        remoteId: ours,
        reason: 'the same company',
      })
    }
    const opportunity = crm.insert('Opportunity', {
      Name: `${name} rollout`,
      AccountId: account,
      StageName: 'Prospecting',
      CloseDate: '2027-03-31',
      Amount: 12_000,
      PRM_Partner__c: items[0]?.remoteId ?? ours,
    })
    await inStep()
    const [item] = await openItems(`kind=proposal&remoteId=${opportunity}`)
    return { opportunity, item }
  }
  const adopt = (item: { id: string }, choice = {}) =>
    api().post(`/api/v1/review-items/${item.id}/resolve`, {
      resolution: { adopt: choice },
      reason: 'the partner brought it',
    })
  const adopted = async (opportunity: string) => {
    const { items } = await api().get(
      `/api/v1/links?connectionId=${first.id}&remoteId=${opportunity}&entity=deal`,
    )
    return api().get(`/api/v1/deals/${items[0].recordId}`)
  }

  test('is adopted as an approved registration and linked; no second one is made', async () => {
    const { item, opportunity } = await proposal('Fabrikam')
    expect(item.resolutions).toEqual(['adopt', 'leave'])
    const before = first.crm.list('Opportunity').length
    const answer = await adopt(item, { registrationType: 'resale' })
    expect(answer).toMatchObject({ resolution: 'adopt', resolutions: [] })
    const deal = await adopted(opportunity)
    expect(deal).toMatchObject({
      status: 'approved',
      conflict: 'clear',
      companyName: 'Fabrikam',
      amountMinor: '1200000',
      currency: 'USD',
      expectedCloseDate: '2027-03-31',
      registrationType: 'resale',
      partnerId: world.partnerId,
      vendor: {
        provenance: { source: 'adopted from CRM' },
        crm: { state: 'linked', connectionId: first.id, remoteId: opportunity },
      },
    })
    expect(Date.now() - Date.parse(deal.registeredAt)).toBeLessThan(60_000)
    await inStep()
    expect(first.crm.list('Opportunity')).toHaveLength(before)
    expect(first.crm.get('Opportunity', opportunity)).toMatchObject({
      PRM_Deal_Id__c: deal.id,
      PRM_Registration_Status__c: 'Approved',
      Amount: 12_000,
    })
    first.crm.update('Opportunity', opportunity, { StageName: 'Closed Won' })
    await inStep()
    expect(await adopted(opportunity)).toMatchObject({ outcome: 'won' })
    expect(await openItems(`remoteId=${opportunity}`)).toEqual([])
  }, 60_000)

  test('that collides with a registration of another partner is adopted into review, and linked all the same', async () => {
    const { id: rival } = await submit({
      companyName: 'Tailspin',
      domain: 'tailspin.com',
      contactEmail: 'tom@tailspin.com',
      partnerId: world.rivalId,
    })
    const { item, opportunity } = await proposal('Tailspin')
    await adopt(item)
    const deal = await adopted(opportunity)
    expect(deal).toMatchObject({ conflict: 'suspected', status: 'submitted' })
    expect(deal.vendor.crm).toMatchObject({ state: 'linked', remoteId: opportunity })
    await api()
      .post(`/api/v1/deals/${rival}/withdraw`, { reason: 'a mistake' })
      .catch(() => undefined)
    const before = first.crm.list('Opportunity').length
    await inStep()
    expect(first.crm.list('Opportunity')).toHaveLength(before)
    expect(first.crm.get('Opportunity', opportunity)).toMatchObject({
      PRM_Registration_Status__c: 'Submitted',
    })
  }, 60_000)

  test('asks for the programme where the partner belongs to several', async () => {
    const other = await api().post('/api/v1/programmes', {
      name: 'Referrals',
      timeZone: 'UTC',
      currency: 'USD',
    })
    const tier = await api().post(`/api/v1/programmes/${other.id}/tiers`, { name: 'Silver', rank: 1 })
    await api().call('PUT', `/api/v1/partners/${world.partnerId}/memberships/${other.id}`, {
      tierId: tier.id,
    })
    const { item, opportunity } = await proposal('Litware')
    await expect(adopt(item)).rejects.toMatchObject({
      status: 422,
      body: { issues: [{ path: '/body/resolution/adopt/programmeId', code: 'required' }] },
    })
    await adopt(item, { programmeId: other.id })
    expect(await adopted(opportunity)).toMatchObject({ programmeId: other.id, status: 'approved' })
  }, 60_000)
})

describe('a fact that waits for a person', () => {
  test('that somebody else is named lets the deal earn again once it is settled, the last one of several', async () => {
    const deal = await approved()
    await inStep()
    const dealId = deal.id as DealId
    const actor = systemActor('test')
    await run((tx) =>
      capabilities().deals.applyFacts(tx, actor, [
        { id: dealId, changes: { partner: null, customer: null } },
      ]),
    )
    const remoteId = String(opportunityOf(first, dealId)?.['Id'])
    await run((tx) =>
      openReviews(
        tx,
        first.id,
        ['partner', 'customer'].map((field) => ({
          kind: 'unexpected_fact' as const,
          entity: 'deal',
          recordId: dealId,
          remoteId,
          field,
          message: 'The CRM names another one',
        })),
      ),
    )
    const holdOf = async () => (await api().get(`/api/v1/deals/${dealId}`)).vendor.reviewHold
    expect(await holdOf()).toBe('customer_in_review')
    const settle = async (field: string) => {
      const items = await openItems(`recordId=${dealId}`)
      const { id } = items.find((item: { field: string }) => item.field === field)
      await api().post(`/api/v1/review-items/${id}/resolve`, {
        resolution: { acknowledge: true },
        reason: 'it was a slip',
      })
    }
    await settle('customer')
    expect(await holdOf()).toBe('partner_in_review')
    await settle('partner')
    expect(await holdOf()).toBeNull()
  })

  test('of a win that nobody expected closes when the win is settled', async () => {
    const deal = await approved()
    await inStep()
    await api().post(`/api/v1/deals/${deal.id}/cancel`, { reason: 'they went elsewhere' })
    await inStep()
    first.crm.update('Opportunity', String(opportunityOf(first, deal.id)?.['Id']), {
      StageName: 'Closed Won',
    })
    await inStep()
    expect(await openItems(`recordId=${deal.id}`)).toMatchObject([
      { kind: 'unexpected_fact', field: 'outcome' },
    ])
    await api().post(`/api/v1/deals/${deal.id}/outcome/decision`, {
      recognise: false,
      reason: 'not their work',
    })
    expect(await openItems(`recordId=${deal.id}`)).toEqual([])
    const { items } = await api().get(`/api/v1/review-items?state=closed&recordId=${deal.id}`)
    expect(items).toMatchObject([{ resolution: 'disregarded', reason: 'not their work' }])
  }, 60_000)
})
