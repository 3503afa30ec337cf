import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { type Api, ApiProblem, eventually } from '#test/support/api-client.ts'
import { registrationOf, sampleCompanies, setUpInstallation } from './installation.ts'

export interface Step {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export interface StoryReport {
  readonly steps: readonly Step[]
  /** Calls that each CRM answered, by operation. */
  readonly apiCalls: Readonly<Record<'salesforce', Readonly<Record<string, number>>>>
  readonly entriesPosted: number
}

/**
 * One deal from draft to commission and back, over HTTP only, each step checked against the CRM's own records and the
 * ledger. Steps after one that failed are not attempted.
 */
export async function tellStory(
  admin: Api,
  simulator: SalesforceSimulator,
  onStep: (step: Step) => void,
): Promise<StoryReport> {
  const steps: Step[] = []
  let failed = false
  const step = async <T>(name: string, work: () => Promise<{ value: T; detail: string }>): Promise<T> => {
    if (failed) throw new StoryStopped()
    const note = (ok: boolean, detail: string) => {
      const entry = { name, ok, detail }
      steps.push(entry)
      onStep(entry)
    }
    try {
      const { value, detail } = await work()
      note(true, detail)
      return value
    } catch (error) {
      failed = true
      note(false, error instanceof Error ? error.message : String(error))
      throw new StoryStopped()
    }
  }
  try {
    await tell(admin, simulator, step)
  } catch (error) {
    if (!(error instanceof StoryStopped)) throw error
  }
  const apiCalls: Record<string, number> = {}
  for (const { operation } of simulator.calls.log) apiCalls[operation] = (apiCalls[operation] ?? 0) + 1
  const entries = await admin.all('/api/v1/ledger/entries').catch(() => [])
  return { steps, apiCalls: { salesforce: apiCalls }, entriesPosted: entries.length }
}

class StoryStopped extends Error {}
type Tell = <T>(name: string, work: () => Promise<{ value: T; detail: string }>) => Promise<T>

async function tell(admin: Api, simulator: SalesforceSimulator, step: Tell): Promise<void> {
  const companies = sampleCompanies()
  const [company, existing, direct] = companies
  if (!company || !existing || !direct) throw new Error('the sample data is empty')

  const installation = await step(
    'The vendor sets up programme, tiers, plan, partners and the Salesforce connection',
    async () => {
      const account = simulator.insert('Account', {
        Name: existing.name,
        Website: `https://www.${existing.domain}`,
      })
      const directAccount = simulator.insert('Account', { Name: direct.name, Website: direct.domain })
      simulator.insert('Opportunity', {
        Name: `${direct.name} direct`,
        AccountId: directAccount,
        StageName: 'Prospecting',
        CloseDate: '2027-02-01',
        Amount: 90_000,
      })
      const value = { ...(await setUpInstallation(admin, simulator)), account }
      return { value, detail: `3 partners, one plan, connection ${value.connectionId}` }
    },
  )
  const [first, second] = installation.partners
  if (!first || !second) throw new Error('no partners')

  const draft = await step('A partner drafts a registration', async () => {
    const deal = await first.api.post('/api/v1/deals', registrationOf(company, installation))
    expectEqual('status', deal.status, 'draft')
    return { value: deal, detail: `${deal.number} for ${company.name}` }
  })
  await step('It is submitted, checked for conflict, and clear', async () => {
    const deal = await first.api.post(`/api/v1/deals/${draft.id}/submit`)
    expectEqual('conflict', deal.conflict, 'clear')
    return { value: null, detail: `status ${deal.status}, conflict ${deal.conflict}` }
  })
  await step(
    'Another partner registers the same customer: it learns that there is a conflict, not whose',
    async () => {
      const rival = registrationOf({ ...company, name: company.name.toUpperCase() }, installation)
      const deal = await second.api.post('/api/v1/deals', { ...rival, submit: true })
      expectEqual('conflict', deal.conflict, 'suspected')
      const text = JSON.stringify(deal)
      if (text.includes(first.id) || text.includes(first.name))
        throw new Error('the answer tells whose deal it is')
      const seen = await second.api.get(`/api/v1/deals/${draft.id}`).catch((error: unknown) => error)
      if (!(seen instanceof ApiProblem) || seen.status !== 404)
        throw new Error('another partner can read the deal')
      return { value: null, detail: 'conflict suspected; the first deal is not found for the rival' }
    },
  )
  await step('A customer with an open direct opportunity in Salesforce is suspected too', async () => {
    const deal = await second.api.post('/api/v1/deals', {
      ...registrationOf(direct, installation),
      submit: true,
    })
    expectEqual('conflict', deal.conflict, 'suspected')
    return { value: null, detail: `${direct.name}: ${deal.conflict}` }
  })
  await step(
    'The channel manager approves: protection starts, the earnings preview shows what a win pays',
    async () => {
      const deal = await admin.post(`/api/v1/deals/${draft.id}/approve`)
      expectEqual('status', deal.status, 'approved')
      const earnings = await first.api.get(`/api/v1/deals/${draft.id}/earnings`)
      if (!JSON.stringify(earnings).includes('750000'))
        throw new Error(`no preview of 7,500.00: ${JSON.stringify(earnings).slice(0, 400)}`)
      return {
        value: null,
        detail: `protected until ${deal.protection?.until}; 15 % of 50,000.00 is 7,500.00`,
      }
    },
  )
  const opportunityId = await step(
    'It appears in Salesforce once, with its partner, status and protection',
    async () => {
      const found = await eventually('the opportunity in Salesforce', async () => {
        const rows = simulator.list('Opportunity').filter((row) => row['PRM_Deal_Id__c'] === draft.id)
        return rows.length > 0 && rows
      })
      expectEqual('opportunities', found.length, 1)
      const opportunity = found[0] as Record<string, unknown>
      expectEqual('amount', opportunity['Amount'], 50_000)
      expectEqual('registration status', opportunity['PRM_Registration_Status__c'], 'Approved')
      const partner = simulator.get('Account', String(opportunity['PRM_Partner__c']))
      expectEqual('partner', partner?.['Name'], first.name)
      const account = simulator.get('Account', String(opportunity['AccountId']))
      return {
        value: String(opportunity['Id']),
        detail: `${opportunity['Name']} at ${account?.['Name']}, partner ${partner?.['Name']}`,
      }
    },
  )
  const linked = await step('A company that exists as an Account is linked, not doubled', async () => {
    const deal = await first.api.post('/api/v1/deals', {
      ...registrationOf(existing, installation),
      submit: true,
    })
    if (deal.status !== 'approved') await admin.post(`/api/v1/deals/${deal.id}/approve`)
    const opportunity = await eventually('the opportunity on the existing account', async () =>
      simulator.list('Opportunity').find((row) => row['PRM_Deal_Id__c'] === deal.id),
    )
    expectEqual('account', opportunity['AccountId'], installation.account)
    return {
      value: { dealId: deal.id as string, opportunityId: String(opportunity['Id']) },
      detail: `${existing.name} is still one account`,
    }
  })
  await step('That deal is cancelled: Salesforce shows the status, and the opportunity stays', async () => {
    await admin.post(`/api/v1/deals/${linked.dealId}/cancel`, { reason: 'Registered by mistake' })
    await eventually('the status in Salesforce', async () => {
      const opportunity = simulator.get('Opportunity', linked.opportunityId)
      return opportunity?.['PRM_Registration_Status__c'] === 'Cancelled' && opportunity['IsDeleted'] === false
    })
    return { value: null, detail: 'registration status Cancelled' }
  })
  await step('It is won in Salesforce: the right commission is owed', async () => {
    simulator.update('Opportunity', opportunityId, { StageName: 'Closed Won', Amount: 60_000 })
    await eventually(
      'the deal is won here',
      async () => (await admin.get(`/api/v1/deals/${draft.id}`)).outcome === 'won',
    )
    await expectEarned(admin, draft.id, 900_000n)
    return { value: null, detail: 'the amount closed at 60,000.00; 15 % is 9,000.00, pending for 30 days' }
  })
  await step('It is re-opened: the commission is taken back', async () => {
    simulator.update('Opportunity', opportunityId, { StageName: 'Negotiation/Review' })
    await eventually(
      'the deal is open again',
      async () => (await admin.get(`/api/v1/deals/${draft.id}`)).outcome === 'open',
    )
    await expectEarned(admin, draft.id, 0n)
    return { value: null, detail: 'earned so far: 0.00' }
  })
  await step('It is won again for less: the difference is owed', async () => {
    simulator.update('Opportunity', opportunityId, { StageName: 'Closed Won', Amount: 41_234.56 })
    await eventually(
      'the deal is won again',
      async () => (await admin.get(`/api/v1/deals/${draft.id}`)).outcome === 'won',
    )
    await expectEarned(admin, draft.id, 618_518n)
    return { value: null, detail: '15 % of 41,234.56 is 6,185.184, rounded half to even: 6,185.18' }
  })
  await step('The partner sees its statement, explained, and nobody else does', async () => {
    const period = new Date().toISOString().slice(0, 7)
    const statement = await first.api.get(`/api/v1/statements?period=${period}`)
    const text = JSON.stringify(statement)
    if (!text.includes('Platform commission, Gold'))
      throw new Error('the statement does not name the plan line')
    const other = JSON.stringify(await second.api.get(`/api/v1/statements?period=${period}`))
    if (other.includes(draft.id)) throw new Error('another partner sees the deal in its statement')
    return { value: null, detail: `statement of ${period} with ${statement.accounts.length} account(s)` }
  })
  await step('Silence: nothing more is written to Salesforce', async () => {
    await quiet(admin)
    const before = simulator.calls.log.length
    await new Promise((done) => setTimeout(done, 12_000))
    const calls = simulator.calls.log.slice(before)
    const writes = calls.filter(({ operation }) => /create|update|upsert|delete/.test(operation))
    expectEqual('writes', writes.length, 0)
    return { value: null, detail: `${calls.length} calls in 12 s, none of them a write` }
  })
}

/** Waits until every deal stands in the CRM as it should: no dirty record is left. */
async function quiet(admin: Api): Promise<void> {
  await eventually('no record is dirty', async () => {
    const metrics = await (await fetch(`${admin.url}/metrics`)).text()
    return !/^counterpart_sync_records\{[^}]*state="dirty"[^}]*\} [1-9]/m.test(metrics)
  })
}

/** Sum of what the deal has earned its partners, by the ledger's own entries. */
async function expectEarned(admin: Api, dealId: string, expected: bigint): Promise<void> {
  let last = ''
  await eventually(`earned ${expected} in minor units`, async () => {
    const entries = await admin.all(`/api/v1/ledger/entries?dealId=${dealId}`)
    const earned = entries
      .flatMap((entry) => entry.postings)
      .reduce((sum: bigint, posting: LedgerPosting) => {
        const amount = BigInt(posting.amountMinor)
        if (posting.credit.kind.startsWith('partner') && !posting.debit.kind.startsWith('partner'))
          return sum + amount
        if (posting.debit.kind.startsWith('partner') && !posting.credit.kind.startsWith('partner'))
          return sum - amount
        return sum
      }, 0n)
    last = String(earned)
    return earned === expected
  }).catch((error: unknown) => {
    throw new Error(`${error instanceof Error ? error.message : String(error)}; the ledger says ${last}`)
  })
}

interface LedgerPosting {
  readonly amountMinor: string
  readonly debit: { readonly kind: string }
  readonly credit: { readonly kind: string }
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected)
    throw new Error(`${what} is ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`)
}
