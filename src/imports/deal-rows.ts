import { z } from 'zod'
import { toCountryCode } from '#src/customers/country.ts'
import type { DealImportRow } from '#src/deals/deal-import.ts'
import { outcomes, rejectionCodes } from '#src/deals/deal-status.ts'
import type { PartnerId, ProductId } from '#src/kernel/ids.ts'
import { parseDecimal } from '#src/kernel/money.ts'
import { type CellReader, createCellReader } from './cell-reader.ts'
import type { StoredRow } from './import.ts'
import { type KnownProgramme, pickProgramme } from './known-names.ts'
import { readCurrency } from './partner-rows.ts'

/** What the names in rows of deals stand for. */
export interface DealNames {
  readonly programmes: readonly KnownProgramme[]
  /** By what the rows say; several partners of one name are nobody. */
  readonly partners: ReadonlyMap<string, PartnerId | 'ambiguous'>
  /** By code in lower case. */
  readonly products: ReadonlyMap<string, ProductId>
}

const statuses = [
  'submitted',
  'in_review',
  'approved',
  'rejected',
  'withdrawn',
  'cancelled',
  'expired',
] as const

/** What amounts on the wire can be. */
const mostMinor = 10n ** 18n

/** A registration as its capability takes it, and where it was recorded first; null where the cells have issues. */
export function readDealRow({ cells }: StoredRow, names: DealNames, now: Date) {
  const reader = createCellReader(cells)
  const programme = pickProgramme(reader, names.programmes)
  const partnerId = pickPartner(reader, names)
  const timeZone = programme?.timeZone ?? 'UTC'
  const registeredAt = reader.instant('registered_at', timeZone)
  if (registeredAt && registeredAt > now) {
    reader.fail('registered_at', 'in_the_future', 'A registration of the past cannot lie in the future')
  }
  const story = {
    ref: reader.needed('external_ref', 'the registration by its key in your system'),
    details: readDetails(reader, names),
    status: reader.choice('status', statuses) ?? 'submitted',
    registeredAt: registeredAt ?? null,
    registeredBy: reader.text('registered_by') ?? null,
    approvedOn: reader.dayOf('approved_at', timeZone) ?? null,
    approvedBy: reader.text('approved_by') ?? null,
    protectedUntil: reader.day('protection_until') ?? null,
    decisionCode: reader.choice('rejection_code', rejectionCodes) ?? null,
    outcome: reader.choice('outcome', outcomes) ?? 'open',
    outcomeOn: reader.day('outcome_on') ?? null,
    crmRemoteId: reader.text('crm_id') ?? null,
  }
  const row: DealImportRow | null =
    programme && partnerId && reader.issues.length === 0
      ? { ...story, programmeId: programme.id, partnerId }
      : null
  return { row, source: reader.text('registered_at_source') ?? null, issues: reader.issues }
}

function readDetails(reader: CellReader, names: DealNames): DealImportRow['details'] {
  const currency = readCurrency(reader)
  return {
    companyName: reader.needed('company_name', 'the end customer'),
    domain: reader.text('company_domain'),
    country: reader.read(
      'company_country',
      toCountryCode,
      'unknown_country',
      (cell) => `"${cell}" is neither an ISO country code nor the English name of a country`,
    ),
    city: reader.text('company_city'),
    contactName: reader.text('contact_name'),
    contactEmail: reader.read(
      'contact_email',
      (cell) => z.email().safeParse(cell).data ?? null,
      'not_an_address',
      (cell) => `"${cell}" is not an e-mail address`,
    ),
    contactPhone: reader.text('contact_phone'),
    need: reader.text('need'),
    amountMinor: readAmount(reader, currency),
    currency,
    expectedCloseDate: reader.day('expected_close_date'),
    products: readProducts(reader, names),
    registrationType: reader.text('registration_type'),
    notes: reader.text('notes'),
  }
}

function pickPartner(reader: CellReader, names: DealNames): PartnerId | undefined {
  const wanted = reader.needed('partner', 'the partner who registered')
  if (wanted === '') return undefined
  const found = names.partners.get(wanted)
  if (found === 'ambiguous') {
    return reader.fail('partner', 'ambiguous_partner', `Several partners are called "${wanted}"`)
  }
  return found ?? reader.fail('partner', 'unknown_partner', `There is no partner "${wanted}"`)
}

function readAmount(reader: CellReader, currency: string | undefined): bigint | undefined {
  if (reader.text('amount') === undefined) return undefined
  if (currency === undefined) {
    const stated = reader.text('currency') !== undefined
    return stated ? undefined : reader.fail('currency', 'required', 'An amount needs its currency')
  }
  return reader.read(
    'amount',
    (cell) => {
      const amountMinor = parseDecimal(cell, currency)
      return amountMinor !== null && amountMinor >= 0n && amountMinor < mostMinor ? amountMinor : null
    },
    'not_an_amount',
    (cell) => `"${cell}" is not an amount in ${currency} such as 12345.67, without separators and sign`,
  )
}

function readProducts(reader: CellReader, names: DealNames): DealImportRow['details']['products'] {
  const codes = reader.list('products')
  return codes?.flatMap((code) => {
    const productId = names.products.get(code.toLowerCase())
    if (!productId) reader.fail('products', 'unknown_product', `There is no product with the code "${code}"`)
    return productId ? [{ productId }] : []
  })
}
