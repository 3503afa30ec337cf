import type { Tx } from '#src/database/database.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { DealId } from '#src/kernel/ids.ts'
import { toMoneyValue } from '#src/kernel/money.ts'
import type { LocalRecord, SyncedEntity, SyncedField } from '#src/kernel/synced-entity.ts'
import { type Deal, titleOf } from './deal.ts'
import { conflictStates, dealStatuses, outcomes, phaseOf } from './deal-status.ts'
import { findDeals, listDealIds } from './deal-store.ts'
import type { DealUseCases } from './deal-use-cases.ts'
import { productSummaryLength } from './product-summary.ts'

const ours = (field: Omit<SyncedField, 'writable'>): SyncedField => ({ ...field, writable: false })
const shared = (field: Omit<SyncedField, 'writable'>): SyncedField => ({ ...field, writable: true })

/** What mappings may use of a deal. A CRM changes its outcome, money, close date and stage; the rest is ours to say. */
export const dealCatalogue: readonly SyncedField[] = [
  ours({ name: 'number', label: 'Registration number', type: 'text', maxLength: 20 }),
  ours({ name: 'title', label: 'Title', type: 'text', maxLength: 200 }),
  ours({ name: 'companyName', label: 'Customer as registered', type: 'text', maxLength: 300 }),
  ours({ name: 'domain', label: 'Web address of the customer', type: 'text', maxLength: 500 }),
  ours({ name: 'country', label: 'Country of the customer', type: 'text', maxLength: 2 }),
  ours({ name: 'city', label: 'City of the customer', type: 'text', maxLength: 200 }),
  ours({ name: 'contactName', label: 'Contact', type: 'text', maxLength: 200 }),
  ours({ name: 'contactEmail', label: 'E-mail of the contact', type: 'text', maxLength: 320 }),
  ours({ name: 'contactPhone', label: 'Telephone of the contact', type: 'text', maxLength: 50 }),
  ours({ name: 'need', label: "Customer's need", type: 'text', maxLength: 10_000 }),
  ours({ name: 'notes', label: 'Notes', type: 'text', maxLength: 10_000 }),
  ours({ name: 'products', label: 'Products', type: 'text', maxLength: productSummaryLength }),
  ours({ name: 'registrationType', label: 'Registration type', type: 'text', maxLength: 50 }),
  ours({ name: 'status', label: 'Registration status', type: 'choice', choices: dealStatuses }),
  ours({ name: 'conflict', label: 'Conflict', type: 'choice', choices: conflictStates }),
  ours({ name: 'registeredAt', label: 'Registered at', type: 'datetime' }),
  ours({ name: 'protectionEnd', label: 'Protected until', type: 'date' }),
  shared({ name: 'amount', label: 'Amount', type: 'money' }),
  shared({ name: 'expectedCloseDate', label: 'Expected close date', type: 'date' }),
  shared({ name: 'outcome', label: 'Outcome', type: 'choice', choices: outcomes }),
  shared({ name: 'stage', label: 'Sales stage', type: 'text', maxLength: 255 }),
  ours({
    name: 'responsible',
    label: 'E-mail of who is responsible at the vendor',
    type: 'text',
    maxLength: 254,
  }),
  ours({ name: 'customer', label: 'Customer', type: 'reference', references: 'customer' }),
  ours({ name: 'contact', label: 'Contact person', type: 'reference', references: 'contact' }),
  ours({ name: 'partner', label: 'Partner', type: 'reference', references: 'partner' }),
]

/** What stands elsewhere than in the deal's own row. */
interface Around {
  readonly responsible: string | null
  readonly products: string | null
}

const fieldsOf = (deal: Deal, { responsible, products }: Around): Record<string, FieldValue> => ({
  responsible,
  products,
  number: deal.number,
  title: titleOf(deal),
  companyName: deal.companyName,
  domain: deal.domain,
  country: deal.country,
  city: deal.city,
  contactName: deal.contactName,
  contactEmail: deal.contactEmail,
  contactPhone: deal.contactPhone,
  need: deal.need,
  notes: deal.notes,
  registrationType: deal.registrationType,
  status: deal.status,
  conflict: deal.conflict,
  registeredAt: deal.registeredAt?.toISOString() ?? null,
  protectionEnd: deal.protectedUntil,
  amount:
    deal.amountMinor !== null && deal.currency !== null
      ? toMoneyValue({ amountMinor: deal.amountMinor, currency: deal.currency })
      : null,
  expectedCloseDate: deal.expectedCloseDate,
  outcome: deal.outcome,
  stage: deal.stage,
  customer: deal.customerId,
  contact: deal.contactId,
  partner: deal.partnerId,
})

const recordOf = (deal: Deal, around: Around): LocalRecord => ({
  id: deal.id,
  revision: deal.revision,
  fields: fieldsOf(deal, around),
  facts: {
    status: deal.status,
    programme: deal.programmeId,
    outcome: deal.outcome,
    conflict: deal.conflict,
    phase: phaseOf(deal),
  },
})

/** Deals as the sync engine sees them; the ids that it knows are those of deals. */
export const createDealEntity = (
  deals: Pick<DealUseCases, 'applyFacts' | 'responsiblesOf' | 'productSummariesOf'>,
): SyncedEntity<Tx> => ({
  name: 'deal',
  catalogue: dealCatalogue,
  async load(tx, ids) {
    const found = [...(await findDeals(tx, ids as readonly DealId[])).values()]
    const emails = await deals.responsiblesOf(tx, found)
    const products = await deals.productSummariesOf(tx, found)
    return new Map(
      found.map((deal) => {
        const responsible = emails.get(deal.deciderId ?? '') ?? null
        return [deal.id, recordOf(deal, { responsible, products: products.get(deal.id) ?? null })]
      }),
    )
  },
  listIds: listDealIds,
  applyMany: (tx, actor, items) =>
    deals.applyFacts(
      tx,
      actor,
      items.map(({ id, changes }) => ({ id: id as DealId, changes })),
    ),
})
