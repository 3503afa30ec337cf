import { type Deal, newDeal } from '#src/deals/deal.ts'
import { newId } from '#src/kernel/ids.ts'

const at = new Date('2026-03-02T10:00:00Z')

/** A complete draft; `over` replaces what a test is about. */
export const sampleDeal = (over: Partial<Deal> = {}): Deal => ({
  ...newDeal({
    id: newId(),
    partnerId: newId(),
    programmeId: newId(),
    submitterId: 'seller',
    submitterName: 'Sam Seller',
    companyName: 'Contoso GmbH',
    now: at,
  }),
  number: 'D-000123',
  domain: 'contoso.example',
  country: 'DE',
  city: 'Berlin',
  contactName: 'Cora Contact',
  contactEmail: 'cora@contoso.example',
  need: 'They replace their telephone system this year',
  amountMinor: 5_000_000n,
  currency: 'EUR',
  expectedCloseDate: '2026-06-30',
  registrationType: 'resale',
  ...over,
})

export const approvedDeal = (over: Partial<Deal> = {}): Deal =>
  sampleDeal({
    status: 'approved',
    conflict: 'clear',
    registeredAt: at,
    customerId: newId(),
    planVersionId: newId(),
    protectedFrom: '2026-03-04',
    protectedUntil: '2026-06-02',
    ...over,
  })
