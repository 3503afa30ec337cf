import { type Api, ApiProblem, eventually } from '#test/support/api-client.ts'
import type { CrmDesk } from '#test/support/desks/crm-desk.ts'
import {
  type Installation,
  registrationOf,
  type SampleCompany,
  sampleCompanies,
  setUpInstallations,
} from './installation.ts'

export interface Step {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export interface StoryReport {
  readonly steps: readonly Step[]
  /** Calls that each CRM answered, by operation. */
  readonly apiCalls: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly entriesPosted: number
}

/**
 * In each CRM one deal from draft to commission and back, over HTTP only, each step checked against the CRM's own
 * records and the ledger. Steps after one that failed are not attempted.
 */
export async function tellStory(
  admin: Api,
  desks: readonly CrmDesk[],
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
    await tell(admin, desks, step)
  } catch (error) {
    if (!(error instanceof StoryStopped)) throw error
  }
  const apiCalls = Object.fromEntries(desks.map((desk) => [desk.vendor, countCalls(desk)]))
  const entries = await admin.all('/api/v1/ledger/entries').catch(() => [])
  return { steps, apiCalls, entriesPosted: entries.length }
}

class StoryStopped extends Error {}
type Tell = <T>(name: string, work: () => Promise<{ value: T; detail: string }>) => Promise<T>

function countCalls({ simulator }: CrmDesk): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { operation } of simulator.calls.log) counts[operation] = (counts[operation] ?? 0) + 1
  return counts
}

async function tell(admin: Api, desks: readonly CrmDesk[], step: Tell): Promise<void> {
  const companies = sampleCompanies()
  const casts = desks.map((desk, index) => castOf(desk, companies.slice(index * 3, index * 3 + 3)))
  const installations = await step(
    'The vendor sets up products, and for each CRM a programme, tiers, a plan, partners and the connection',
    async () => {
      const { id: deciderId } = await admin.post('/api/v1/users', {
        ...channelManager,
        roles: ['channel_manager'],
      })
      const value = await setUpInstallations(admin, desks, { deciderId })
      return {
        value,
        detail: `${value.length} connections, 3 partners each: ${desks.map(({ name }) => name).join(', ')}`,
      }
    },
  )
  for (const [index, cast] of casts.entries()) {
    const installation = installations[index]
    if (!installation) throw new Error('no installation')
    const inThisCrm: Tell = (name, work) => step(`${cast.desk.name}: ${name}`, work)
    const registered = await tellOfDeals(admin, cast, installation, inThisCrm)
    await tellOfMoney(admin, cast.desk, registered, installation, inThisCrm)
  }
  await step('Silence: nothing more is written to any CRM', async () => {
    await quiet(admin)
    const before = desks.map(({ simulator }) => simulator.calls.log.length)
    await new Promise((done) => setTimeout(done, 12_000))
    const calls = desks.flatMap((desk, index) =>
      desk.simulator.calls.log.slice(before[index]).map(({ operation }) => ({ desk, operation })),
    )
    const writes = calls.filter(({ desk, operation }) => desk.isWrite(operation))
    expectEqual('writes', writes.length, 0)
    return { value: null, detail: `${calls.length} calls in 12 s, none of them a write` }
  })
}

/** Decides registrations, and is a user of each CRM by the same address. */
const channelManager = { email: 'mona.manager@vendor.example', name: 'Mona Manager' } as const

/** Who plays in one CRM: a new customer, one that is there already, and one whom sales already work at. */
interface Cast {
  readonly desk: CrmDesk
  readonly fresh: SampleCompany
  readonly existing: SampleCompany
  readonly direct: SampleCompany
  /** The record of the existing customer. */
  readonly existingId: string
  /** The channel manager, as a user there. */
  readonly managerId: string
}

interface Registered {
  readonly dealId: string
  /** Its record in the CRM. */
  readonly remoteId: string
}

function castOf(desk: CrmDesk, [fresh, existing, direct]: readonly SampleCompany[]): Cast {
  if (!fresh || !existing || !direct) throw new Error('the sample data is too short')
  const existingId = desk.addCompany({ name: existing.name, domain: `https://www.${existing.domain}` })
  const companyId = desk.addCompany({ name: direct.name, domain: direct.domain })
  desk.addDeal({ name: `${direct.name} direct`, companyId, amount: 90_000 })
  const managerId = desk.addUser({ email: channelManager.email, lastName: channelManager.name })
  return { desk, fresh, existing, direct, existingId, managerId }
}

async function tellOfDeals(
  admin: Api,
  cast: Cast,
  installation: Installation,
  step: Tell,
): Promise<Registered> {
  const { desk, fresh, existing, direct, managerId } = cast
  const [first, second] = installation.partners
  if (!first || !second) throw new Error('no partners')
  const dealId = await step('A partner drafts a registration', async () => {
    const deal = await first.api.post('/api/v1/deals', registrationOf(fresh, installation))
    expectEqual('status', deal.status, 'draft')
    return { value: deal.id as string, detail: `${deal.number} for ${fresh.name}` }
  })
  await step('It is submitted, checked for conflict, and clear', async () => {
    const deal = await first.api.post(`/api/v1/deals/${dealId}/submit`)
    expectEqual('conflict', deal.conflict, 'clear')
    return { value: null, detail: `status ${deal.status}, conflict ${deal.conflict}` }
  })
  await step(
    'Another partner registers the same customer: it learns that there is a conflict, not whose',
    async () => {
      const rival = registrationOf({ ...fresh, name: fresh.name.toUpperCase() }, installation)
      const deal = await second.api.post('/api/v1/deals', { ...rival, submit: true })
      expectEqual('conflict', deal.conflict, 'suspected')
      const text = JSON.stringify(deal)
      if (text.includes(first.id) || text.includes(first.name))
        throw new Error('the answer tells whose deal it is')
      const seen = await second.api.get(`/api/v1/deals/${dealId}`).catch((error: unknown) => error)
      if (!(seen instanceof ApiProblem) || seen.status !== 404)
        throw new Error('another partner can read the deal')
      return { value: null, detail: 'conflict suspected; the first deal is not found for the rival' }
    },
  )
  await step(`A customer with an open ${desk.dealWord} of direct sales is suspected too`, async () => {
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
      const deal = await admin.post(`/api/v1/deals/${dealId}/approve`)
      expectEqual('status', deal.status, 'approved')
      const earnings = await first.api.get(`/api/v1/deals/${dealId}/earnings`)
      if (!JSON.stringify(earnings).includes('750000'))
        throw new Error(`no preview of 7,500.00: ${JSON.stringify(earnings).slice(0, 400)}`)
      return {
        value: null,
        detail: `protected until ${deal.protection?.until}; 15 % of 50,000.00 is 7,500.00`,
      }
    },
  )
  const remoteId = await step(
    `It appears as one ${desk.dealWord}, with its partner, status and protection, its contact, owner and products`,
    async () => {
      const [found, ...more] = await eventually(`the ${desk.dealWord} in ${desk.name}`, async () => {
        const deals = desk.dealsOf(dealId)
        // In HubSpot, whom a deal belongs to is written after the deal.
        const isWhole = deals.every(
          ({ companyId, partnerId, contactId }) => companyId && partnerId && contactId,
        )
        return deals.length > 0 && isWhole && deals
      })
      if (!found) throw new Error(`no ${desk.dealWord}`)
      expectEqual(`further records (${desk.dealWord})`, more.length, 0)
      expectEqual('amount', found.amount, 50_000)
      expectEqual('registration status', found.registrationStatus?.toLowerCase(), 'approved')
      if (!found.protectedUntil) throw new Error('it does not say until when it is protected')
      const partner = desk.company(found.partnerId ?? '')
      expectEqual('partner', partner?.name, first.name)
      const company = desk.company(found.companyId ?? '')
      const contact = desk.contact(found.contactId ?? '')
      expectEqual('company of the contact', contact?.companyId, found.companyId)
      expectEqual('products', found.products, 'Commerce Suite')
      expectEqual('owner', found.ownerId, managerId)
      return { value: found.id, detail: `${found.name} at ${company?.name}, partner ${partner?.name}` }
    },
  )
  const linked = await step('A company that sales know already is linked, not doubled', async () => {
    const deal = await first.api.post('/api/v1/deals', {
      ...registrationOf(existing, installation),
      submit: true,
    })
    if (deal.status !== 'approved') await admin.post(`/api/v1/deals/${deal.id}/approve`)
    const found = await eventually(`the ${desk.dealWord} of the known company`, async () =>
      desk.dealsOf(deal.id).find(({ companyId }) => companyId !== null),
    )
    expectEqual('company', found.companyId, cast.existingId)
    const same = desk.companies().filter(({ name }) => name === existing.name)
    expectEqual('records of the company', same.length, 1)
    return { value: { dealId: deal.id as string, id: found.id }, detail: `${existing.name} is there once` }
  })
  await step(`That deal is cancelled: its ${desk.dealWord} says so, and stays`, async () => {
    await admin.post(`/api/v1/deals/${linked.dealId}/cancel`, { reason: 'Registered by mistake' })
    await eventually(`the status in ${desk.name}`, async () => {
      const found = desk.deal(linked.id)
      return found?.registrationStatus?.toLowerCase() === 'cancelled' && !found.isDeleted
    })
    return { value: null, detail: 'registration status cancelled' }
  })
  return { dealId, remoteId }
}

async function tellOfMoney(
  admin: Api,
  desk: CrmDesk,
  { dealId, remoteId }: Registered,
  installation: Installation,
  step: Tell,
): Promise<void> {
  const [first, second] = installation.partners
  if (!first || !second) throw new Error('no partners')
  const becomes = (outcome: string) =>
    eventually(
      `the deal is ${outcome} here`,
      async () => (await admin.get(`/api/v1/deals/${dealId}`)).outcome === outcome,
    )
  await step('It is won there: the right commission is owed', async () => {
    desk.close(remoteId, 'won', 60_000)
    await becomes('won')
    await expectEarned(admin, dealId, 900_000n)
    return { value: null, detail: 'the amount closed at 60,000.00; 15 % is 9,000.00, pending for 30 days' }
  })
  await step('It is re-opened: the commission is taken back', async () => {
    desk.reopen(remoteId)
    await becomes('open')
    await expectEarned(admin, dealId, 0n)
    return { value: null, detail: 'earned so far: 0.00' }
  })
  await step('It is won again for less: the difference is owed', async () => {
    desk.close(remoteId, 'won', 41_234.56)
    await becomes('won')
    await expectEarned(admin, dealId, 618_518n)
    return { value: null, detail: '15 % of 41,234.56 is 6,185.184, rounded half to even: 6,185.18' }
  })
  await step('The partner sees its statement, explained, and nobody else does', async () => {
    const period = new Date().toISOString().slice(0, 7)
    const statement = await first.api.get(`/api/v1/statements?period=${period}`)
    const text = JSON.stringify(statement)
    if (!text.includes('Platform commission, Gold'))
      throw new Error('the statement does not name the plan line')
    const other = JSON.stringify(await second.api.get(`/api/v1/statements?period=${period}`))
    if (other.includes(dealId)) throw new Error('another partner sees the deal in its statement')
    return { value: null, detail: `statement of ${period} with ${statement.accounts.length} account(s)` }
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
