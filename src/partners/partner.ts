/**
 * Partner organisations: who they are, the programmes and tiers they belong to, their people and API tokens.
 * This folder knows nothing of deals; what it asks of them is a list of facts (`dealFacts`) that conditions may name.
 */
import { z } from 'zod'
import { type CompanyAddress, readCompanyAddress } from '#src/customers/company-address.ts'
import { toCountryCode } from '#src/customers/country.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import { idSchema, type PartnerId, type ProgrammeId } from '#src/kernel/ids.ts'
import { currencySchema } from '#src/kernel/money.ts'
import { lineSchema } from '#src/kernel/text.ts'

/** Suspended: signs in, registers nothing new. Ended: no access any more. */
export const partnerStatuses = ['active', 'suspended', 'ended'] as const
export type PartnerStatus = (typeof partnerStatuses)[number]

export interface Membership {
  readonly programmeId: ProgrammeId
  readonly tierId: string
  readonly tierName: string
  /** ISO countries; empty means all. */
  readonly territories: readonly string[]
}

export interface Partner extends PartnerDetails {
  readonly id: PartnerId
  readonly revision: number
  readonly memberships: readonly Membership[]
  readonly createdAt: Date
  readonly updatedAt: Date
}

export const partnerInputSchema = z
  .strictObject({
    externalRef: lineSchema(200).nullish(),
    name: lineSchema(300),
    domain: lineSchema(500).nullish().describe('A web address in any form; its registrable domain is kept'),
    country: lineSchema(100).nullish().describe('ISO code or English name'),
    city: lineSchema(200).nullish(),
    status: z.enum(partnerStatuses).optional(),
    currency: currencySchema,
  })
  .meta({ id: 'NewPartner' })
export type PartnerInput = z.infer<typeof partnerInputSchema>

export const partnerPatchSchema = partnerInputSchema.partial().meta({ id: 'PartnerPatch' })
export type PartnerPatch = z.infer<typeof partnerPatchSchema>

export const membershipInputSchema = z
  .strictObject({
    tierId: z.uuid(),
    territories: z
      .array(lineSchema(100))
      .max(300)
      .optional()
      .describe('ISO codes or English names; none means all'),
  })
  .meta({ id: 'NewMembership' })
export type MembershipInput = z.infer<typeof membershipInputSchema>

/** One line of an import; `externalRef` is the key, a missing field stays as it is (a new partner needs a currency). */
export const partnerRowSchema = z.strictObject({
  ...partnerInputSchema.shape,
  externalRef: lineSchema(200),
  currency: currencySchema.optional(),
  memberships: z
    .array(z.strictObject({ ...membershipInputSchema.shape, programmeId: idSchema<'programme'>() }))
    .max(50)
    .optional(),
})
export type PartnerRow = z.infer<typeof partnerRowSchema>

/** The columns of a partner that are kept as they are said. */
export interface PartnerDetails extends CompanyAddress {
  readonly externalRef: string | null
  readonly name: string
  readonly city: string | null
  readonly status: PartnerStatus
  readonly currency: string
}

/** What a new partner starts from. */
export const blankPartner: PartnerDetails = {
  externalRef: null,
  name: '',
  domain: null,
  country: null,
  city: null,
  status: 'active',
  currency: '',
}

export const sameDetails = (a: PartnerDetails, b: PartnerDetails): boolean =>
  a.externalRef === b.externalRef &&
  a.name === b.name &&
  a.domain === b.domain &&
  a.country === b.country &&
  a.city === b.city &&
  a.status === b.status &&
  a.currency === b.currency

/**
 * What a partner looks like after `patch`: web address and country in their normal forms.
 * @returns the details, and what could not be read (those fields stay as they were)
 */
export function applyPartnerPatch(
  before: PartnerDetails,
  patch: PartnerPatch,
): { readonly details: PartnerDetails; readonly issues: readonly FieldIssue[] } {
  const { address, issues } = readCompanyAddress(before, patch)
  const details: PartnerDetails = {
    externalRef: patch.externalRef === undefined ? before.externalRef : patch.externalRef,
    name: patch.name ?? before.name,
    ...address,
    city: patch.city === undefined ? before.city : patch.city,
    status: patch.status ?? before.status,
    currency: patch.currency ?? before.currency,
  }
  return { details, issues }
}

/** Territories as ISO codes, sorted, each once. */
export function readTerritories(
  territories: readonly string[],
  at: string,
): { readonly codes: readonly string[]; readonly issues: readonly FieldIssue[] } {
  const codes = territories.map(toCountryCode)
  const issues = codes.flatMap((code, index) =>
    code === null
      ? [
          {
            path: `${at}/${index}`,
            code: 'unknown_country',
            message: `"${territories[index]}" is no country`,
          },
        ]
      : [],
  )
  return { codes: [...new Set(codes.filter((code) => code !== null))].sort(), issues }
}

export const partnerSorts = ['name', '-name', 'createdAt', '-createdAt'] as const
export type PartnerSort = (typeof partnerSorts)[number]
