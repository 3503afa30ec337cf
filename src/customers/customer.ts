import { z } from 'zod'
import type { FieldIssue } from '#src/kernel/errors.ts'
import type { CustomerId } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'
import { type CompanyAddress, readCompanyAddress } from './company-address.ts'

export interface Customer extends CustomerDetails {
  readonly id: CustomerId
  readonly nameKey: string
  /** The customer that this one turned out to be. */
  readonly mergedInto: CustomerId | null
  readonly revision: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A customer as it is written. */
export interface CustomerWrite extends CustomerDetails {
  readonly id: CustomerId
  readonly nameKey: string
}

/** What is kept of a customer as somebody said it. */
export interface CustomerDetails extends CompanyAddress {
  readonly externalRef: string | null
  readonly name: string
  readonly city: string | null
  readonly postalCode: string | null
  readonly phone: string | null
}

export const customerInputSchema = z
  .strictObject({
    externalRef: lineSchema(200).nullish(),
    name: lineSchema(300),
    domain: lineSchema(500).nullish().describe('A web address in any form; its registrable domain is kept'),
    country: lineSchema(100).nullish().describe('ISO code or English name'),
    city: lineSchema(200).nullish(),
    postalCode: lineSchema(20).nullish(),
    phone: lineSchema(50).nullish(),
  })
  .meta({ id: 'NewCustomer' })
export type CustomerInput = z.infer<typeof customerInputSchema>

export const customerPatchSchema = customerInputSchema.partial().meta({ id: 'CustomerPatch' })
export type CustomerPatch = z.infer<typeof customerPatchSchema>

/** One line of an import; `externalRef` is the key, a missing field stays as it is. */
export const customerRowSchema = z.strictObject({
  ...customerInputSchema.shape,
  externalRef: lineSchema(200),
})
export type CustomerRow = z.infer<typeof customerRowSchema>

/** What a new customer starts from. */
export const blankCustomer: CustomerDetails = {
  externalRef: null,
  name: '',
  domain: null,
  country: null,
  city: null,
  postalCode: null,
  phone: null,
}

export const sameDetails = (a: CustomerDetails, b: CustomerDetails): boolean =>
  a.externalRef === b.externalRef &&
  a.name === b.name &&
  a.domain === b.domain &&
  a.country === b.country &&
  a.city === b.city &&
  a.postalCode === b.postalCode &&
  a.phone === b.phone

/**
 * What a customer looks like after `patch`: web address and country in their normal forms.
 * @returns the details, and what could not be read (those fields stay as they were)
 */
export function applyCustomerPatch(
  before: CustomerDetails,
  patch: CustomerPatch,
): { readonly details: CustomerDetails; readonly issues: readonly FieldIssue[] } {
  const { address, issues } = readCompanyAddress(before, patch)
  const keep = (field: 'externalRef' | 'city' | 'postalCode' | 'phone') =>
    patch[field] === undefined ? before[field] : patch[field]
  const details: CustomerDetails = {
    externalRef: keep('externalRef'),
    name: patch.name ?? before.name,
    ...address,
    city: keep('city'),
    postalCode: keep('postalCode'),
    phone: keep('phone'),
  }
  return { details, issues }
}

export const customerSorts = ['name', '-name', 'createdAt', '-createdAt'] as const
export type CustomerSort = (typeof customerSorts)[number]
