import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { Random } from '#test/support/random.ts'
import { asAmount, type Book, isDatedByPartner, type UniqueValues } from './book.ts'

/** A person at work in the CRM: what she types must stand on both sides in the end. */
export interface SalesRep {
  /** Changes so many opportunities of ours, or all there are; `onlyKnown`: of deals that are in the book. */
  work(count: number, onlyKnown?: boolean): void
  /** When she last changed something. */
  readonly lastEditAt: Date
}

export function createSalesRep(
  simulator: SalesforceSimulator,
  book: Book,
  random: Random,
  values: UniqueValues,
): SalesRep {
  let lastEditAt = new Date()

  function change(opportunity: Readonly<Record<string, unknown>>): void {
    const id = String(opportunity['Id'])
    const dealId = String(opportunity['PRM_Deal_Id__c'])
    const edit = (fields: Record<string, unknown>, expected: Parameters<Book['change']>[1]) => {
      simulator.update('Opportunity', id, fields)
      book.change(dealId, expected)
      lastEditAt = new Date()
    }
    const draw = random.next()
    if (draw < 0.2 && !isDatedByPartner(dealId)) {
      const closeDate = values.date()
      edit({ CloseDate: closeDate }, { closeDate })
    } else if (draw < 0.4) {
      const amountMinor = values.amountMinor()
      edit({ Amount: asAmount(amountMinor) }, { amountMinor })
    } else if (opportunity['IsClosed'] === true) {
      edit({ StageName: 'Negotiation/Review' }, { outcome: 'open' })
    } else if (draw > 0.92) {
      edit({ StageName: 'Closed Lost' }, { outcome: 'lost' })
    } else if (draw > 0.6) {
      const amountMinor = values.amountMinor()
      edit({ StageName: 'Closed Won', Amount: asAmount(amountMinor) }, { outcome: 'won', amountMinor })
    } else {
      edit({ StageName: 'Closed Won' }, { outcome: 'won' })
    }
  }

  return {
    work(count, onlyKnown = false) {
      const ours = simulator.list('Opportunity').filter(({ PRM_Deal_Id__c: key }) => {
        return key && (!onlyKnown || book.find(String(key)) !== undefined)
      })
      for (const opportunity of random.shuffled(ours).slice(0, count)) change(opportunity)
    },
    get lastEditAt() {
      return lastEditAt
    },
  }
}
