import type { ClaimSubject, MirrorRow } from '#src/conflicts/claim.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { newId, type PartnerId } from '#src/kernel/ids.ts'

export const sellerOf = (partnerId: PartnerId = newId()) =>
  ({ kind: 'partner', id: newId(), name: 'Sam Seller', roles: ['partner_seller'], partnerId }) as const

/** A registration for all products by a partner of its own, of a customer of its own. */
export const registrationOf = (name: string, over: Partial<ClaimSubject> = {}): ClaimSubject => ({
  source: 'registration',
  sourceId: newId(),
  partnerId: newId(),
  company: identifyCompany({ name }),
  customerId: newId(),
  familyIds: [],
  from: '2026-01-01',
  to: null,
  ...over,
})

/** An open direct opportunity. */
export const mirrorRowOf = (name: string, over: Partial<MirrorRow> = {}): MirrorRow => ({
  source: 'opportunity',
  connectionId: newId(),
  remoteId: newId(),
  company: identifyCompany({ name }),
  partnerId: null,
  customerId: null,
  dealId: null,
  open: true,
  amountMinor: 1_200_000n,
  currency: 'EUR',
  stage: 'Proposal',
  openedOn: '2026-01-05',
  ...over,
})
