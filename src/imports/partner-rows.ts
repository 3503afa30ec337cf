import { toCountryCode } from '#src/customers/country.ts'
import { currencySchema } from '#src/kernel/money.ts'
import { type PartnerRow, partnerStatuses } from '#src/partners/partner.ts'
import { type CellReader, createCellReader } from './cell-reader.ts'
import type { StoredRow } from './import.ts'
import { type KnownProgramme, pickProgramme, sameText } from './known-names.ts'

/** A row of partners as its capability takes it; an empty object stands where the cells have issues. */
export function readPartnerRow({ cells }: StoredRow, programmes: readonly KnownProgramme[]) {
  const reader = createCellReader(cells)
  const row: PartnerRow = {
    externalRef: reader.needed('external_ref', 'the partner by its key in your system'),
    name: reader.needed('name', 'the organisation'),
    ...stated('domain', reader.text('domain')),
    ...stated('country', reader.text('country')),
    ...stated('city', reader.text('city')),
    ...stated('status', reader.choice('status', partnerStatuses)),
    ...stated('currency', readCurrency(reader)),
    ...stated('memberships', readMembership(reader, programmes)),
  }
  return { row, issues: reader.issues }
}

/** A property that is left out where there is no value: what is not stated stays as it is. */
export const stated = <Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Key in Name]?: Value } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]: Value })

export const readCurrency = (reader: CellReader): string | undefined =>
  reader.read(
    'currency',
    (cell) => currencySchema.safeParse(cell.toUpperCase()).data ?? null,
    'not_a_currency',
    (cell) => `"${cell}" is not an ISO 4217 code such as EUR`,
  )

function readMembership(
  reader: CellReader,
  programmes: readonly KnownProgramme[],
): PartnerRow['memberships'] {
  const wanted = reader.text('tier')
  const territories = reader.list('territories')
  for (const territory of territories ?? []) {
    if (toCountryCode(territory) === null) {
      reader.fail('territories', 'unknown_country', `"${territory}" is no country`)
    }
  }
  if (wanted === undefined) {
    if (territories || reader.text('programme') !== undefined) {
      reader.fail('tier', 'required', 'A partner is in a programme at a tier: name the tier')
    }
    return undefined
  }
  const programme = pickProgramme(reader, programmes)
  if (!programme) return undefined
  const tier = programme.tiers.find(({ id, name }) => sameText(id, wanted) || sameText(name, wanted))
  if (!tier) {
    const names = programme.tiers.map(({ name }) => name).join(', ')
    return reader.fail('tier', 'unknown_tier', `"${wanted}" is no tier of ${programme.name}: ${names}`)
  }
  return [{ programmeId: programme.id, tierId: tier.id, ...stated('territories', territories) }]
}
