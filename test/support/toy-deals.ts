import type { FieldValue } from '#src/kernel/field-value.ts'
import { newId } from '#src/kernel/ids.ts'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { ToySync } from './toy-sync.ts'

/** Approved deals of one customer and one partner, none of them in the CRM yet. */
export function addDeals(sync: ToySync, count = 1, fields: Record<string, FieldValue> = {}) {
  const partner = newId()
  const customer = newId()
  sync.entity('partner').put(partner, { name: 'Nordwind Systems', status: 'active' })
  sync.entity('customer').put(customer, { name: 'Acme GmbH', domain: 'acme-stores.com', country: 'DE' })
  const deals = Array.from({ length: count }, (_, index) => {
    const id: string = newId()
    sync.entity('deal').put(id, {
      title: `Acme ${index}`,
      customer,
      partner,
      status: 'approved',
      protectionEnd: '2027-02-01',
      amount: { amount: '1000.50', currency: 'USD' },
      expectedCloseDate: '2027-01-31',
      outcome: 'open',
      need: 'They need a new system for their stores',
      ...fields,
    })
    return id
  })
  return { partner, customer, deals, deal: deals[0] ?? '' }
}

/** One deal that is in the CRM and in step. */
export async function linkedDeal(
  sync: ToySync,
  simulator: SalesforceSimulator,
  fields: Record<string, FieldValue> = {},
) {
  const added = addDeals(sync, 1, fields)
  await sync.mark('deal', added.deals)
  await sync.settle()
  await sync.poll()
  await sync.settle()
  const opportunity = opportunityOf(simulator, added.deal)
  if (!opportunity) throw new Error('The deal did not reach the CRM')
  return { ...added, remoteId: String(opportunity['Id']) }
}

export const opportunityOf = (simulator: SalesforceSimulator, deal: string) =>
  simulator.list('Opportunity').find((row) => row['PRM_Deal_Id__c'] === deal)

/** Calls that wrote records. */
export const writesOf = (simulator: SalesforceSimulator) =>
  simulator.calls.log.filter(
    ({ operation }) => operation.startsWith('collections-') && operation !== 'collections-read',
  )

export const localDeal = (sync: ToySync, deal: string) => sync.entity('deal').records.get(deal)?.fields ?? {}
