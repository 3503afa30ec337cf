import { toCountryCode } from '#src/customers/country.ts'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { Company } from './companies.ts'
import type { KnownBefore, Scenario } from './registrations.ts'

const accountOf = ({ name, domain, city, country }: Company) => ({
  Name: name,
  Website: `https://www.${domain}`,
  BillingCity: city.slice(0, 40),
  BillingCountry: country,
})

/** What the vendor's own people have in the CRM before the first partner registers anything. */
export function fillCrm(simulator: SalesforceSimulator, known: KnownBefore): void {
  simulator.insertMany('Account', known.once.map(accountOf))
  for (const company of known.twice) {
    simulator.insert('Account', accountOf(company))
    simulator.insert('Account', accountOf(company))
  }
  for (const company of known.direct) {
    const account = simulator.insert('Account', accountOf(company))
    simulator.insert('Opportunity', {
      Name: `${company.name} direct`,
      AccountId: account,
      StageName: 'Qualification',
      CloseDate: '2027-01-31',
      Amount: 40_000,
    })
  }
}

const webAddress = (website: unknown): string =>
  String(website ?? '')
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/^www\./, '')
    .replace(/\/.*$/, '')

/** Values that more than one live record has. */
function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>()
  return values.filter((value) => value !== '' && seen.size === seen.add(value).size)
}

export interface Doubles {
  readonly accountsByKey: readonly string[]
  readonly accountsByWebsite: readonly string[]
  /** Of names that only one company of the file has in its country. */
  readonly accountsByName: readonly string[]
  readonly opportunitiesByKey: readonly string[]
}

const nameInCountry = (name: unknown, country: unknown): string =>
  `${String(name).toLowerCase()} in ${toCountryCode(String(country ?? ''))}`

/** Records that stand for the same thing twice, but for the companies that were there twice before. */
export function findDoubles(
  simulator: SalesforceSimulator,
  { known, registrations }: Pick<Scenario, 'known' | 'registrations'>,
): Doubles {
  const before = new Set(known.twice.map(({ domain }) => domain))
  const companies = new Set(registrations.map(({ company }) => company))
  const ambiguous = new Set([
    ...repeated([...companies].map(({ name, country }) => nameInCountry(name, country))),
    ...known.twice.map(({ name, country }) => nameInCountry(name, country)),
  ])
  const accounts = simulator.list('Account')
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  return {
    accountsByKey: repeated(accounts.map((row) => text(row['PRM_Customer_Id__c']))),
    accountsByWebsite: repeated(accounts.map((row) => webAddress(row['Website']))).filter(
      (address) => !before.has(address),
    ),
    accountsByName: repeated(accounts.map((row) => nameInCountry(row['Name'], row['BillingCountry']))).filter(
      (name) => !ambiguous.has(name),
    ),
    opportunitiesByKey: repeated(simulator.list('Opportunity').map((row) => text(row['PRM_Deal_Id__c']))),
  }
}
