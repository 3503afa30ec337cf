import { type Api, eventually } from '#test/support/api-client.ts'
import type { CrmDesk } from '#test/support/desks/crm-desk.ts'
import {
  type Installation,
  registrationOf,
  type SampleCompany,
  sampleCompanies,
  setUpInstallations,
} from './installation.ts'

const registeredEach = 60
const directEach = 40

/** Fills a fresh installation with believable deals in every state. @returns what to open and try, line by line */
export async function populate(admin: Api, desks: readonly CrmDesk[]): Promise<string[]> {
  const companies = sampleCompanies()
  const ours = (index: number) => companies.slice(index * registeredEach, (index + 1) * registeredEach)
  const sales = companies.slice(desks.length * registeredEach)
  desks.forEach((desk, index) => {
    addDirectPipeline(desk, sales.slice(index * directEach, (index + 1) * directEach))
  })
  const installations = await setUpInstallations(admin, desks)
  const approved: string[][] = []
  for (const [index, installation] of installations.entries()) {
    approved.push(await registerDeals(admin, installation, ours(index)))
  }
  for (const [index, desk] of desks.entries()) await workThem(desk, approved[index] ?? [])
  const [partner] = installations[0]?.partners ?? []
  return [
    '',
    `Counterpart runs with simulated CRMs. Stop all with Ctrl-C; everything is thrown away.`,
    '',
    `  API reference            ${admin.url}/docs`,
    ...desks.map(({ name, simulator }) => `  ${`What ${name} sees`.padEnd(24)} ${simulator.url}/`),
    `  Administrator token      ${admin.token}`,
    `  ${`${partner?.name} token`.padEnd(24)} ${partner?.token}`,
    '',
    'Try, in another terminal:',
    `  curl -s -H 'Authorization: Bearer ${partner?.token}' '${admin.url}/api/v1/deals?limit=3'`,
    `  curl -s -H 'Authorization: Bearer ${admin.token}' '${admin.url}/api/v1/review-items'`,
    'Win a deal in a CRM, and see the commission about ten seconds later:',
    ...desks.map(
      (desk, index) => `  ${desk.winByCurl(desk.dealsOf(approved[index]?.[0] ?? '').at(0)?.id ?? '')}`,
    ),
    `  curl -s -H 'Authorization: Bearer ${admin.token}' '${admin.url}/api/v1/ledger/entries?limit=5'`,
    '',
  ]
}

function addDirectPipeline(desk: CrmDesk, companies: readonly SampleCompany[]): void {
  for (const { name, domain, city, country } of companies) {
    const companyId = desk.addCompany({ name, domain, city, country })
    desk.addDeal({ name: `${name} direct`, companyId, amount: 40_000 })
  }
}

/** @returns those that are approved */
async function registerDeals(
  admin: Api,
  installation: Installation,
  companies: readonly SampleCompany[],
): Promise<string[]> {
  const approved: string[] = []
  for (const [index, company] of companies.entries()) {
    const partner = installation.partners[index % installation.partners.length]
    if (!partner) continue
    const amountMinor = 1_000_000 + ((index * 7_919) % 90) * 100_000
    const deal = await partner.api.post('/api/v1/deals', {
      ...registrationOf(company, installation, amountMinor),
      submit: index % 6 !== 5,
    })
    if (deal.status === 'draft' || index % 5 === 4) continue
    if (index % 7 === 6)
      await admin.post(`/api/v1/deals/${deal.id}/return`, { question: 'Who decides on the customer side?' })
    else {
      await admin.post(`/api/v1/deals/${deal.id}/approve`)
      approved.push(deal.id)
    }
  }
  return approved
}

/** Sales win some, lose some, and go on with the others. */
async function workThem(desk: CrmDesk, dealIds: readonly string[]): Promise<void> {
  await eventually(`the approved deals are in ${desk.name}`, async () => {
    const there = new Set(desk.deals().map(({ key }) => key))
    return dealIds.every((id) => there.has(id))
  })
  for (const [index, dealId] of dealIds.entries()) {
    const [found] = desk.dealsOf(dealId)
    if (!found || index % 3 === 0) continue
    desk.close(found.id, index % 3 === 1 ? 'won' : 'lost')
  }
}
