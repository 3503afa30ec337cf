import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { type Api, eventually } from '#test/support/api-client.ts'
import { registrationOf, sampleCompanies, setUpInstallation } from './installation.ts'

const registered = 60
const stages = [
  'Prospecting',
  'Qualification',
  'Proposal/Price Quote',
  'Negotiation/Review',
  'Closed Won',
  'Closed Lost',
] as const

/** Fills a fresh installation with believable deals in every state. @returns what to open and try, line by line */
export async function populate(admin: Api, simulator: SalesforceSimulator): Promise<string[]> {
  const companies = sampleCompanies()
  for (const company of companies.slice(100, 140)) {
    const account = simulator.insert('Account', {
      Name: company.name,
      Website: company.domain,
      BillingCity: company.city,
      BillingCountry: company.country,
    })
    simulator.insert('Opportunity', {
      Name: `${company.name} direct`,
      AccountId: account,
      StageName: 'Qualification',
      CloseDate: '2027-01-31',
      Amount: 40_000,
    })
  }
  const installation = await setUpInstallation(admin, simulator)
  const approved: string[] = []
  for (const [index, company] of companies.slice(0, registered).entries()) {
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
  await eventually('the approved deals are in Salesforce', async () => {
    const there = new Set(simulator.list('Opportunity').map((row) => row['PRM_Deal_Id__c']))
    return approved.every((id) => there.has(id))
  })
  for (const [index, id] of approved.entries()) {
    const opportunity = simulator.list('Opportunity').find((row) => row['PRM_Deal_Id__c'] === id)
    const stage = stages[index % stages.length]
    if (opportunity && stage) simulator.update('Opportunity', String(opportunity['Id']), { StageName: stage })
  }
  const [partner] = installation.partners
  const example = simulator.list('Opportunity').find((row) => row['PRM_Deal_Id__c'] === approved[0])
  return [
    '',
    'Counterpart runs with a simulated Salesforce. Stop both with Ctrl-C; everything is thrown away.',
    '',
    `  API reference        ${admin.url}/docs`,
    `  What Salesforce sees ${simulator.url}/`,
    `  Administrator token  ${admin.token}`,
    `  ${partner?.name} token ${partner?.token}`,
    '',
    'Try, in another terminal:',
    `  curl -s -H 'Authorization: Bearer ${partner?.token}' '${admin.url}/api/v1/deals?limit=3'`,
    `  curl -s -H 'Authorization: Bearer ${admin.token}' '${admin.url}/api/v1/review-items'`,
    'Win a deal in Salesforce, and see the commission about ten seconds later:',
    `  curl -s -X PATCH -H 'content-type: application/json' '${simulator.url}/__simulator/records' -d '{"object":"Opportunity","id":"${String(example?.['Id'])}","fields":{"StageName":"Closed Won"}}'`,
    `  curl -s -H 'Authorization: Bearer ${admin.token}' '${admin.url}/api/v1/ledger/entries?limit=5'`,
    '',
  ]
}
