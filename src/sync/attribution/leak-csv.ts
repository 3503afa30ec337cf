import { stringify } from 'csv-stringify/sync'
import { formatDecimal } from '#src/kernel/money.ts'
import type { Leak } from './leak.ts'

const header = [
  'kind',
  'opportunity',
  'title',
  'company',
  'partner_in_crm',
  'registered_partner',
  'deal_id',
  'outcome',
  'closes_on',
  'amount',
  'currency',
  'url',
]

/** One line per leak, amounts as decimals; what people typed never becomes a formula in a spreadsheet. */
export function leakCsv(leaks: readonly Leak[]): string {
  const rows = leaks.map(({ amountMinor, currency, ...leak }) => [
    leak.kind,
    leak.remoteId,
    leak.title,
    leak.company,
    leak.partnerName,
    leak.registeredPartnerName,
    leak.dealId,
    leak.outcome,
    leak.closesOn,
    amountMinor === null || currency === null ? '' : formatDecimal(amountMinor, currency),
    currency,
    leak.url,
  ])
  return stringify([header, ...rows], { record_delimiter: 'windows', escape_formulas: true })
}
