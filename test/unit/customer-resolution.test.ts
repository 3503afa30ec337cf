import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CompanyIdentity, identifyCompany, isSameCompany } from '#src/customers/company-identity.ts'
import { planCustomers } from '#src/customers/customer-plan.ts'

const company = (name: string, domain?: string, country?: string) =>
  identifyCompany({ name, domain, country })

describe('two descriptions are one company', () => {
  test.each([
    ['by domain, whatever the name', company('A', 'x.com'), company('B', 'www.x.com'), true],
    ['not by name when the domains differ', company('Acme', 'x.com'), company('Acme', 'y.com'), false],
    ['by name when one has no domain', company('Acme GmbH', 'x.com'), company('ACME'), true],
    [
      'not by name in two countries',
      company('Acme', undefined, 'DE'),
      company('Acme', undefined, 'US'),
      false,
    ],
    ['by name when a country is unknown', company('Acme', undefined, 'DE'), company('Acme'), true],
  ])('%s', (_, a, b, same) => {
    expect(isSameCompany(a, b)).toBe(same)
    expect(isSameCompany(b, a)).toBe(same)
  })
})

const anyCompany: fc.Arbitrary<CompanyIdentity> = fc
  .record({
    name: fc.constantFrom('Acme', 'Acme Ltd', 'Beta', 'Gamma AG'),
    domain: fc.constantFrom(undefined, 'one.com', 'two.com', 'three.com'),
    country: fc.constantFrom(undefined, 'DE', 'US'),
  })
  .map(identifyCompany)

describe('new customers', () => {
  test('cover every company of the batch, and no two of them are one company', () => {
    fc.assert(
      fc.property(fc.array(anyCompany, { maxLength: 20 }), (companies) => {
        const planned = planCustomers(companies)
        for (const each of companies) {
          expect(planned.some((customer) => isSameCompany(customer, each))).toBe(true)
        }
        for (const [i, a] of planned.entries()) {
          for (const b of planned.slice(i + 1)) {
            expect(isSameCompany(a, b)).toBe(false)
          }
        }
      }),
    )
  })
})
