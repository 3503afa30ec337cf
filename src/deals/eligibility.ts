/** A tier membership of a partner in a programme, as far as the gates look at it. */
interface Membership {
  readonly programmeId: string
  readonly tierId: string
  /** ISO countries that the partner may sell to; none means all. */
  readonly territories: readonly string[]
}

interface Registrant {
  readonly status: 'active' | 'suspended' | 'ended'
  readonly memberships: readonly Membership[]
}

interface Gates {
  readonly id: string
  readonly eligibility: {
    readonly tierIds: readonly string[] | null
    readonly countries: readonly string[] | null
  }
}

export const ineligibilityCodes = [
  'partner_not_active',
  'not_a_member',
  'tier_not_admitted',
  'country_not_in_programme',
  'country_not_in_territory',
] as const
export type Ineligibility = (typeof ineligibilityCodes)[number]

/**
 * Which gates stay closed for this partner and customer country; empty when all open. The registration is stored all
 * the same, but only a person may approve it then.
 */
export function checkEligibility(
  partner: Registrant,
  programme: Gates,
  country: string | null,
): Ineligibility[] {
  const { tierIds, countries } = programme.eligibility
  const membership = partner.memberships.find(({ programmeId }) => programmeId === programme.id)
  const closed: Ineligibility[] = []
  if (partner.status !== 'active') closed.push('partner_not_active')
  if (!membership) closed.push('not_a_member')
  else {
    if (tierIds && !tierIds.includes(membership.tierId)) closed.push('tier_not_admitted')
    if (membership.territories.length > 0 && !(country && membership.territories.includes(country))) {
      closed.push('country_not_in_territory')
    }
  }
  if (countries && !(country && countries.includes(country))) closed.push('country_not_in_programme')
  return closed
}

/** The partner's tier in the programme, if it is a member. */
export const tierIn = (partner: Registrant | undefined, programmeId: string): string | null =>
  partner?.memberships.find((membership) => membership.programmeId === programmeId)?.tierId ?? null
