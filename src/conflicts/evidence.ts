/** What a comparison says, in words that people read. Pure types. */

/** By what the two are most surely the same. */
export type MatchKey = 'customer' | 'domain' | 'name' | 'spelling'

/**
 * `rival` another partner's claim · `own` the same partner's registration · `direct` an open opportunity without a partner ·
 * `link` an opportunity of the same partner in the CRM · `account` a company in the CRM.
 */
export type CandidateKind = 'rival' | 'own' | 'direct' | 'link' | 'account'

export interface Evidence {
  readonly point:
    | 'customer'
    | 'domain'
    | 'name'
    | 'country'
    | 'families'
    | 'products'
    | 'window'
    | 'territory'
    | 'stage'
    | 'age'
  readonly speaks: 'for' | 'against'
  readonly ours: string | null
  readonly theirs: string | null
}
