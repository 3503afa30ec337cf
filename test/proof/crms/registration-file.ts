import { stringify } from 'csv-stringify/sync'
import type { Random } from '#test/support/random.ts'
import type { Company } from '../companies.ts'

export interface CrmRegistration {
  readonly ref: string
  /** Which of the CRMs it belongs to, by its programme. */
  readonly crm: number
  /** Which of the programme's partners registers. */
  readonly partner: number
  readonly company: Company
  /** Decimal text in USD. */
  readonly amount: string
  readonly closeDate: string
}

export interface FileOptions {
  /** What the references begin with. */
  readonly prefix: string
  readonly crms: number
  readonly partners: number
  readonly random: Random
}

/** One registration of each company, dealt out to the CRMs in turn. */
export const registerAll = (
  companies: readonly Company[],
  { prefix, crms, partners, random }: FileOptions,
): readonly CrmRegistration[] =>
  companies.map((company, index) => ({
    ref: `${prefix}-${String(index + 1).padStart(6, '0')}`,
    crm: index % crms,
    partner: random.whole(0, partners - 1),
    company,
    amount: `${random.whole(10_000, 200_000)}.00`,
    closeDate: '2027-03-31',
  }))

/** As many companies as asked for: those of the file, and then such that are only like them. */
export function enoughCompanies(
  companies: readonly Company[],
  wanted: number,
  random: Random,
): readonly Company[] {
  const shuffled = random.shuffled(companies)
  const more = Array.from({ length: Math.max(0, wanted - companies.length) }, (_, index) => {
    const model = shuffled[index % shuffled.length]
    if (!model) throw new Error('the file has no companies')
    const coined = coinName(random)
    const form = model.name.split(' ').at(-1) ?? ''
    return { ...model, name: `${coined} ${form}`, domain: `${coined.toLowerCase()}-${index}.com` }
  })
  return [...shuffled, ...more].slice(0, wanted)
}

/** So long that hardly any two are taken for the same. */
function coinName(random: Random): string {
  const syllables = Array.from(
    { length: 5 },
    () => random.pick([...'bcdfghjklmnprstvwz']) + random.pick([...'aeiou']),
  )
  const name = syllables.join('')
  return name.charAt(0).toUpperCase() + name.slice(1)
}

const columns = [
  'external_ref',
  'programme',
  'partner',
  'company_name',
  'company_domain',
  'company_country',
  'company_city',
  'contact_name',
  'contact_email',
  'need',
  'amount',
  'currency',
  'expected_close_date',
  'products',
  'registration_type',
] as const

/** @param nameOf programme and partner, as the service knows them */
export function toCrmCsv(
  registrations: readonly CrmRegistration[],
  nameOf: (one: CrmRegistration) => { readonly programme: string; readonly partner: string },
): string {
  const rows = registrations.map((one) => {
    const { programme, partner } = nameOf(one)
    const { ref, company, amount, closeDate } = one
    return [
      ref,
      programme,
      partner,
      company.name,
      company.domain,
      company.country,
      company.city,
      'Robin Meyer',
      `purchasing@${company.domain}`,
      'Replace the old shop platform before the next season starts',
      amount,
      'USD',
      closeDate,
      'SUITE',
      'resale',
    ]
  })
  return stringify([columns, ...rows])
}
