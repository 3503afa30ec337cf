import type { FieldIssue } from '#src/kernel/errors.ts'
import { toCountryCode } from './country.ts'
import { companyDomain } from './web-domain.ts'

/** Where a company is found, on the web and on earth. */
export interface CompanyAddress {
  /** Registrable web domain. */
  readonly domain: string | null
  /** ISO 3166, two letters. */
  readonly country: string | null
}

/** The same as people write it: null empties a field, a missing one stays. */
export interface StatedAddress {
  readonly domain?: string | null | undefined
  readonly country?: string | null | undefined
}

/**
 * What is known of a company's address once somebody has stated another, in normal form.
 * @returns the address, and what could not be read (those fields stay as they were)
 */
export function readCompanyAddress(
  before: CompanyAddress,
  stated: StatedAddress,
): { readonly address: CompanyAddress; readonly issues: readonly FieldIssue[] } {
  const issues: FieldIssue[] = []
  const read = (field: keyof CompanyAddress, normalise: (text: string) => string | null, hint: string) => {
    const value = stated[field]
    if (value === undefined) return before[field]
    if (value === null) return null
    const normal = normalise(value)
    if (normal === null) issues.push({ path: `/${field}`, code: `unknown_${field}`, message: hint })
    return normal ?? before[field]
  }
  const address = {
    domain: read('domain', companyDomain, 'Not a web address of a company of its own'),
    country: read('country', toCountryCode, 'Neither an ISO country code nor the English name of a country'),
  }
  return { address, issues }
}
