import type { CaseDeps } from '#src/conflicts/case-deps-step.ts'
import type { ClaimSubject, MirrorRow } from '#src/conflicts/claim.ts'
import type { CaseTerms, Registration } from '#src/conflicts/registration.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { type DealId, newId, type PartnerId } from '#src/kernel/ids.ts'

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

const programmeId = newId<'programme'>()
const hours = (from: Date, count: number) => new Date(from.getTime() + count * 3_600_000)

/** What cases stand on, where there are no registrations, no customers and no people: every deal is pending. */
export function standInDeps(): Pick<CaseDeps, 'customers' | 'people' | 'registrations'> {
  const registration = (dealId: DealId): Registration => ({
    dealId,
    number: 'D-000001',
    companyName: 'Contoso GmbH',
    partnerId: newId(),
    partnerName: null,
    programmeId,
    customerId: null,
    status: 'submitted',
    conflict: 'suspected',
    phase: 'pending',
    registeredAt: null,
    protectedFrom: null,
    protectedUntil: null,
    amountMinor: null,
    currency: null,
  })
  const all = async (_tx: unknown, ids: readonly DealId[]) => new Map(ids.map((id) => [id, registration(id)]))
  const terms = (now: Date): CaseTerms => ({
    programmeId,
    decider: null,
    targetAt: hours(now, 48),
    overdueAt: hours(now, 120),
    appealUntil: hours(now, 240),
  })
  return {
    customers: {
      findCustomers: async () => new Map(),
      mergeCustomers: () => Promise.reject(new Error('There are no customers here')),
    },
    people: { findUser: async () => null, recipients: async () => [] },
    registrations: {
      find: all,
      lock: all,
      termsOf: async (_tx, ids, now) => new Map(ids.map((id) => [id, terms(now)])),
      settle: async () => undefined,
    },
  }
}
