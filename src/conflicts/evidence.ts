/** What a comparison says, in words that people read. Pure types. */
import type { CompanyLikeness, CompanyPoint } from './company-likeness.ts'

/** By what the two are most surely the same. */
export type MatchKey = 'customer' | CompanyLikeness['key']

/**
 * `rival` another partner's claim · `own` the same partner's registration · `direct` an open opportunity without a partner ·
 * `link` an opportunity of the same partner in the CRM · `account` a company in the CRM.
 */
export type CandidateKind = 'rival' | 'own' | 'direct' | 'link' | 'account'

export interface Evidence {
  readonly point:
    | 'customer'
    | CompanyPoint
    | 'families'
    | 'products'
    | 'window'
    | 'territory'
    | 'stage'
    | 'age'
  readonly speaks: 'for' | 'against'
  readonly ours: string | null
  readonly theirs: string | null
  /** By how much it speaks for or against one company: ten points, ten times; none where it is about something else. */
  readonly points?: number
}
