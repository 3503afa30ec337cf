import { type Installation, type SampleCompany, setUpInstallation } from '#test/demo/installation.ts'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'
import type { Random } from '#test/support/random.ts'
import { type Book, createBook, createUniqueValues, type UniqueValues } from './book.ts'
import { createCompanies } from './companies.ts'
import { createSalesRep, type SalesRep } from './sales-rep.ts'
import type { Site } from './site.ts'

/** An installation, the CRM beside it, the people who use both, and what should come of it. */
export interface World {
  readonly site: Site
  readonly simulator: SalesforceSimulator
  readonly installation: Installation
  readonly book: Book
  readonly random: Random
  readonly values: UniqueValues
  readonly rep: SalesRep
  /** A company that nobody has registered yet. */
  nextCompany(): SampleCompany
  /** Companies that were an Account before anybody registered them, by name. */
  readonly knownAccounts: ReadonlyMap<string, string>
  /** Opportunities of the direct pipeline, which are none of our business but are polled all the same. */
  readonly direct: readonly string[]
  readonly dealsPerRound: number
}

const pollSeconds = 5
/** Accounts that were there before anybody registered them: to be linked, not doubled. */
const longKnownCustomers = 60
/** Registrations up to this amount approve themselves; the others wait for a person. */
const approvedAtOnce = { amount: '150000.00', currency: 'USD' }

export async function createWorld(
  site: Site,
  simulator: SalesforceSimulator,
  random: Random,
  options: { readonly dealsPerRound: number; readonly directDeals: number },
): Promise<World> {
  const nextCompany = createCompanies(random)
  const customers = Array.from({ length: longKnownCustomers }, nextCompany)
  const knownAccounts = new Map(
    customers.map(({ name, domain, city, country }) => {
      const address = { BillingCity: city, BillingCountry: country }
      return [name, simulator.insert('Account', { Name: name, Website: domain, ...address })]
    }),
  )
  const direct = fillDirectPipeline(simulator, nextCompany, options.directDeals)
  const installation = await setUpInstallation(site.admin, salesforceDesk(simulator), {
    autoApproval: { field: 'amount', is: 'at_most', value: approvedAtOnce },
    pollSeconds,
  })
  const book = createBook()
  const values = createUniqueValues(random)
  return {
    site,
    simulator,
    installation,
    book,
    random,
    values,
    rep: createSalesRep(simulator, book, random, values),
    nextCompany: () => (random.chance(0.1) ? customers.pop() : undefined) ?? nextCompany(),
    knownAccounts,
    direct,
    dealsPerRound: options.dealsPerRound,
  }
}

function fillDirectPipeline(
  simulator: SalesforceSimulator,
  nextCompany: () => SampleCompany,
  count: number,
): string[] {
  const accounts = Array.from({ length: Math.ceil(count / 20) }, () => {
    const { name, domain, country } = nextCompany()
    return simulator.insert('Account', { Name: name, Website: domain, BillingCountry: country })
  })
  return Array.from({ length: count }, (_, index) =>
    simulator.insert('Opportunity', {
      Name: `Direct ${index + 1}`,
      AccountId: accounts[index % accounts.length],
      StageName: 'Qualification',
      CloseDate: '2027-06-30',
      Amount: 1_000 + index,
    }),
  )
}
