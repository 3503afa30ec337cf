/**
 * End customers: which company a registration is about, across all partners and spellings.
 * This file and those beside it without a suffix are pure. Partners never see a customer of this folder: they keep the
 * company as they typed it, and the canonical customer stays with the vendor.
 */
import { addressKey, identifierKeys, phoneKey, postalKey } from './company-contact.ts'
import { toCountryCode } from './country.ts'
import { nameKeyOf } from './name-key.ts'
import { companyDomain } from './web-domain.ts'

/** What somebody says of a company. */
export interface CompanyDescription {
  readonly name: string
  /** A web address in any form. */
  readonly domain?: string | null | undefined
  /** An address of one of its people; its domain stands in for a missing web address. */
  readonly email?: string | null | undefined
  /** ISO code or English name. */
  readonly country?: string | null | undefined
  readonly city?: string | null | undefined
  readonly postalCode?: string | null | undefined
  /** In any form; one without a country code is read as one of `country`. */
  readonly phone?: string | null | undefined
  /** Street and number. */
  readonly address?: string | null | undefined
  readonly identifiers?: CompanyIdentifiers | null | undefined
}

/** Numbers by which registers name a company. */
export interface CompanyIdentifiers {
  readonly vat?: string | null | undefined
  readonly duns?: string | null | undefined
  readonly lei?: string | null | undefined
}

/** The same in normal form: two descriptions of one company agree in `domain`, or else in `nameKey` and country. */
export interface CompanyIdentity {
  /** Registrable domain in ASCII; null when there is none, or many companies share it (mail and site providers). */
  readonly domain: string | null
  readonly name: string
  /** Never empty for a name that is not blank. */
  readonly nameKey: string
  /** ISO 3166, two letters; null when unknown. */
  readonly country: string | null
  readonly city: string | null
  /** What follows is absent where nobody asked for it. Letters and digits alone. */
  readonly postalCode?: string | null
  /** E.164, or the digits of a number that fits no country. */
  readonly phone?: string | null
  /** Street and number, folded. */
  readonly address?: string | null
  /** By kind: `vat:DE123456789`. */
  readonly identifiers?: readonly string[]
}

export function identifyCompany(company: CompanyDescription): CompanyIdentity {
  const name = tidy(company.name)
  const country = company.country ? toCountryCode(company.country) : null
  return {
    domain: companyDomain(company.domain) ?? companyDomain(company.email),
    name,
    nameKey: nameKeyOf(name),
    country,
    city: tidy(company.city ?? '') || null,
    ...contactOf(company, country),
  }
}

function contactOf(company: CompanyDescription, country: string | null): Partial<CompanyIdentity> {
  const postalCode = postalKey(company.postalCode)
  const phone = phoneKey(company.phone, country)
  const address = addressKey(company.address)
  const identifiers = identifierKeys({ ...company.identifiers })
  return {
    ...(postalCode && { postalCode }),
    ...(phone && { phone }),
    ...(address && { address }),
    ...(identifiers.length > 0 && { identifiers }),
  }
}

/**
 * Do two descriptions mean one company? The same domain says yes, two different ones no; without that the same name key
 * in countries that do not contradict each other.
 */
export function isSameCompany(a: CompanyIdentity, b: CompanyIdentity): boolean {
  if (a.domain !== null && b.domain !== null) return a.domain === b.domain
  return a.nameKey === b.nameKey && (a.country === null || b.country === null || a.country === b.country)
}

/** One line of text: no control characters, single spaces. */
const tidy = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
