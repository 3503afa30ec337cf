import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'csv-parse/sync'

const checkout = resolve(import.meta.dirname, '../..')

export interface Company {
  readonly name: string
  readonly domain: string | null
  readonly country: string | null
  readonly city: string | null
}

interface SampleRow {
  readonly name: string
  readonly domain: string
  readonly city: string
  readonly country: string
}

const sample: readonly SampleRow[] = parse(
  readFileSync(join(checkout, 'config/sample-data/companies.csv'), 'utf8'),
  { columns: true },
)

/** The same numbers for the same seed, from 0 up to 1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const heads =
  'al an ar bel bor cal cor dan del el en far fen gal gar hal hel ing ist jan jor kal kor lan lor mar mer nor nov or pan per quin ram ren sal sol tar tor ul ver vol wal wen xan yor zan zel'.split(
    ' ',
  )
const middles = [
  'a',
  'e',
  'i',
  'o',
  'u',
  'ai',
  'en',
  'er',
  'in',
  'on',
  'or',
  'ta',
  'li',
  'mo',
  'ne',
  'ri',
  'so',
  'vi',
]
const tails =
  'berg bach dale fors gate holm ix land lux mont nova ra rion sen stad tec ton um vara via wick zen'.split(
    ' ',
  )
const trades =
  'Systems Solutions Logistics Pharma Energy Foods Technologies Consulting Media Capital Industries Robotics Software Engineering Health Textiles Packaging Motors Steel Chemicals Airlines Insurance Banking Retail Telecom Networks Instruments Optics Marine Agriculture'.split(
    ' ',
  )
const legalForms = [
  'GmbH',
  'AG',
  'Ltd',
  'Inc.',
  'LLC',
  'S.A.',
  'SAS',
  'B.V.',
  'AB',
  'Oy',
  'S.p.A.',
  'Limited',
  'Corporation',
  'SE',
  '',
]
const countries = ['DE', 'US', 'GB', 'FR', 'SE', 'CA', 'AU', 'CH', 'IT', 'NO', 'DK', 'JP', 'SG', 'ES', 'NL']
const endings = ['com', 'com', 'com', 'de', 'co.uk', 'fr', 'se', 'io', 'net', 'it']

export interface CompanySource {
  /** Company number `index`: the same one every time, and another name for nearly every number. */
  companyAt(index: number): Company
  /** How a partner may type a company that is there already. */
  retype(company: Company, random: () => number): Company
}

/**
 * Companies without end: what they are called is made up, the words that many share (trades, legal forms, cities) are as
 * frequent as in the sample of real ones.
 */
export function createCompanies(seed: number): CompanySource {
  return {
    companyAt(index) {
      const random = seededRandom(seed * 1_000_003 + index)
      const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
      const real = pick(sample)
      const made = pick(heads) + (random() < 0.7 ? pick(middles) : '') + pick(tails)
      const first = random() < 0.6 ? made : `${made}${pick(middles)}${pick(heads)}`
      const second = random() < 0.35 ? ` ${capital(pick(heads) + pick(tails))}` : ''
      const trade = random() < 0.75 ? ` ${pick(trades)}` : ''
      const place = random() < 0.15 ? ` ${real.city.split(/[\s,]/)[0] ?? ''}` : ''
      const stem = `${capital(first)}${second}${trade}${place}`
      const web = stem
        .toLowerCase()
        .normalize('NFKD')
        .replace(/[^a-z]+/g, '')
      const number = random() < 0.5 ? '' : String(index % 997)
      return {
        name: `${stem} ${pick(legalForms)}`.trim(),
        domain: random() < 0.85 ? `${web}${number}.${pick(endings)}` : null,
        country: pick(countries),
        city: real.city,
      }
    },
    retype(company, random) {
      const words = company.name.split(' ')
      const how = random()
      const name =
        how < 0.3 && words.length > 2
          ? words.slice(0, -1).join(' ')
          : how < 0.5
            ? company.name.toUpperCase().replaceAll('.', '')
            : how < 0.7
              ? withTypo(company.name, random)
              : `${company.name} ${random() < 0.5 ? 'Germany' : 'EMEA'}`
      return { ...company, name, domain: random() < 0.6 ? company.domain : null }
    },
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function withTypo(name: string, random: () => number): string {
  const at = 1 + Math.floor(random() * Math.max(1, name.length - 2))
  return name.slice(0, at) + name.slice(at + 1)
}
