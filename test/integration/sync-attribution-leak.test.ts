import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
import { type Upkeep, upkeepOf } from '#test/support/sync-upkeep.ts'
import { simulator, stateOf, sync, useSync } from '#test/support/sync-world.ts'
import { linkedDeal } from '#test/support/toy-deals.ts'

useSync()
let upkeep: Upkeep
beforeEach(async () => {
  upkeep = await upkeepOf(sync)
})
afterEach(() => upkeep.close())

const opportunity = (fields: Record<string, unknown>) =>
  simulator.insert('Opportunity', {
    Name: 'Direct',
    StageName: 'Prospecting',
    CloseDate: '2027-02-10',
    ...fields,
  })

/** A registration that is in the CRM, with the accounts of its customer and its partner there. */
async function world() {
  const linked = await linkedDeal(sync, simulator)
  const account = (await stateOf('customer', linked.customer))?.remoteId ?? ''
  const reseller = (await stateOf('partner', linked.partner))?.remoteId ?? ''
  return { ...linked, account, reseller }
}

describe('the attribution leak report', () => {
  test('names deals won without a registration and opportunities that name a partner, with sums', async () => {
    const { account, reseller, customer, partner } = await world()
    const won = opportunity({ AccountId: account, StageName: 'Closed Won', Amount: 5000, Name: 'Won direct' })
    const named = opportunity({ PRM_Partner__c: reseller, Amount: 700.25 })
    opportunity({ AccountId: account, Amount: 1 })
    opportunity({ StageName: 'Closed Won', Amount: 9 })
    await sync.poll()
    const report = await upkeep.leaks()
    expect(report.totals).toEqual([
      { kind: 'won_unregistered', currency: 'USD', count: 1, amountMinor: '500000' },
      { kind: 'partner_unregistered', currency: 'USD', count: 1, amountMinor: '70025' },
    ])
    expect(report.items).toMatchObject([
      {
        kind: 'won_unregistered',
        remoteId: won,
        title: 'Won direct',
        company: 'Acme GmbH',
        customerId: customer,
        partnerId: null,
        outcome: 'won',
        closesOn: '2027-02-10',
        url: `${simulator.url}/Opportunity/${won}`,
      },
      {
        kind: 'partner_unregistered',
        remoteId: named,
        partnerId: partner,
        partnerName: 'Nordwind Systems',
        outcome: 'open',
      },
    ])
    expect(report).toMatchObject({ truncated: false, nextCursor: null })
  })

  test('names registrations whose opportunity lost its partner, or names another one', async () => {
    const { deal, remoteId, partner } = await world()
    expect((await upkeep.leaks()).items).toEqual([])
    simulator.update('Opportunity', remoteId, { PRM_Partner__c: null })
    await sync.poll()
    expect((await upkeep.leaks()).items).toMatchObject([
      {
        kind: 'partner_lost',
        dealId: deal,
        registeredPartnerId: partner,
        registeredPartnerName: 'Nordwind Systems',
        partnerId: null,
      },
    ])
    simulator.update('Opportunity', remoteId, {
      PRM_Partner__c: simulator.insert('Account', { Name: 'Somebody else' }),
    })
    await sync.poll()
    expect((await upkeep.leaks()).items).toMatchObject([{ kind: 'partner_changed', dealId: deal }])
    // The mapping says whose the partner is: the merge writes ours back, and the report is empty again.
    await sync.settle()
    await sync.poll()
    expect((await upkeep.leaks()).items).toEqual([])
  })

  test('does not take our own change on its way for a leak', async () => {
    const { deal } = await world()
    const other = newId()
    sync.entity('partner').put(other, { name: 'Other', status: 'active' })
    sync.entity('deal').put(deal, { partner: other })
    expect((await upkeep.leaks()).items).toEqual([])
  })

  test('is narrowed by kind, partner, currency and close date, and pages through', async () => {
    const { account, reseller, partner } = await world()
    for (const Amount of [10, 30, 20]) opportunity({ AccountId: account, StageName: 'Closed Won', Amount })
    opportunity({ PRM_Partner__c: reseller, CloseDate: '2028-01-01' })
    await sync.poll()
    const count = async (query: string) => (await upkeep.leaks(query)).items.length
    expect(await count('kind=won_unregistered')).toBe(3)
    expect(await count(`partnerId=${partner}`)).toBe(1)
    expect(await count('currency=EUR')).toBe(0)
    expect(await count('closesFrom=2027-06-01')).toBe(1)
    expect(await count('closesTo=2027-06-01')).toBe(3)
    const first = await upkeep.leaks('kind=won_unregistered&limit=2')
    expect(first.items.map(({ amountMinor }: { amountMinor: string }) => amountMinor)).toEqual([
      '3000',
      '2000',
    ])
    const second = await upkeep.leaks(`kind=won_unregistered&limit=2&cursor=${first.nextCursor}`)
    expect(second.items.map(({ amountMinor }: { amountMinor: string }) => amountMinor)).toEqual(['1000'])
    expect(second.nextCursor).toBeNull()
  })

  test('goes out as CSV without formulas', async () => {
    const { account } = await world()
    opportunity({ AccountId: account, StageName: 'Closed Won', Amount: 10, Name: '=1+1' })
    await sync.poll()
    const csv = await upkeep.leakCsv()
    expect(csv.headers['content-type']).toContain('text/csv')
    const [header = '', line = ''] = csv.body.split('\r\n')
    expect(header).toContain('kind,opportunity,title')
    expect(line).toContain('won_unregistered')
    expect(line).toContain("'=1+1")
    expect(line).toContain('10.00,USD')
  })
})
