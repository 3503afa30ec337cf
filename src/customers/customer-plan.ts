import { newId } from '#src/kernel/ids.ts'
import { type CompanyIdentity, isSameCompany } from './company-identity.ts'
import { blankCustomer, type CustomerWrite } from './customer.ts'

/** New customers for these companies, one for those that are the same company. */
export function planCustomers(companies: readonly CompanyIdentity[]): readonly CustomerWrite[] {
  const byDomain = new Map<string, CompanyIdentity>()
  const byName = new Map<string, CompanyIdentity[]>()
  const planned: CompanyIdentity[] = []
  // Those with a domain first: they say more, and the others may join them.
  for (const company of companies.toSorted((a, b) => Number(a.domain === null) - Number(b.domain === null))) {
    if (company.domain !== null && byDomain.has(company.domain)) continue
    const namesakes = byName.get(company.nameKey) ?? []
    if (namesakes.some((other) => isSameCompany(other, company))) continue
    if (company.domain !== null) byDomain.set(company.domain, company)
    byName.set(company.nameKey, [...namesakes, company])
    planned.push(company)
  }
  return planned.map(({ domain, name, nameKey, country, city }) => ({
    ...blankCustomer,
    id: newId<'customer'>(),
    domain,
    name,
    nameKey,
    country,
    city,
  }))
}
