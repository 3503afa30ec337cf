/** How partners type companies that they register: seeded, so that a set of registrations can be made again. Pure. */
import type { CompanyDescription } from '#src/customers/company-identity.ts'
import { nameKeyOf } from '#src/customers/name-key.ts'
import { seededRandom } from './companies.ts'
import type { RegistryQuery, RegistryRow } from './conflict-files.ts'

type Random = () => number
type Typing = (name: string, random: Random) => string

const pick = <T>(values: readonly T[], random: Random): T => values[Math.floor(random() * values.length)] as T

/** Spellings of one form, and forms that people put in place of another. */
const spelledOut: Readonly<Record<string, readonly string[]>> = {
  inc: ['Incorporated', 'Inc'],
  incorporated: ['Inc.'],
  ltd: ['Limited', 'Ltd'],
  limited: ['Ltd.', 'Ltd'],
  corp: ['Corporation'],
  corporation: ['Corp.', 'Corp'],
  ag: ['Aktiengesellschaft', 'A.G.'],
  aktiengesellschaft: ['AG'],
  co: ['Company'],
  company: ['Co.'],
  sa: ['Société Anonyme', 'S.A.'],
  spa: ['S.p.A.', 'SPA'],
  plc: ['Public Limited Company', 'PLC'],
  asa: ['ASA'],
  ab: ['Aktiebolag', 'AB'],
}
const swapped = ['Inc.', 'Ltd', 'LLC', 'GmbH', 'Corp.', 'S.A.', 'PLC', 'AG', 'Limited', 'Co.']
const shortened: Readonly<Record<string, string>> = {
  international: 'Intl',
  technologies: 'Tech',
  technology: 'Tech',
  industries: 'Inds',
  manufacturing: 'Mfg',
  management: 'Mgmt',
  pharmaceuticals: 'Pharma',
  pharmaceutical: 'Pharm',
  services: 'Svcs',
  systems: 'Sys',
  solutions: 'Soln',
  group: 'Grp',
  holdings: 'Hldgs',
  holding: 'Hldg',
  national: 'Natl',
  development: 'Dev',
  engineering: 'Eng',
  electric: 'Elec',
  financial: 'Finl',
  resources: 'Res',
  communications: 'Comm',
  laboratories: 'Labs',
  american: 'Amer',
  properties: 'Props',
  investment: 'Inv',
  investments: 'Inv',
  energy: 'Engy',
  company: 'Co',
  corporation: 'Corp',
}
const regions = [
  'EMEA',
  'Germany',
  'UK',
  'North America',
  'APAC',
  'France',
  'Benelux',
  'DACH',
  'Nordics',
  'India',
]
const units = ['Procurement', 'IT', 'Headquarters', 'Sales', 'Services', 'Purchasing', 'Finance']
const letters = 'abcdefghijklmnopqrstuvwxyz'

const wordsOf = (name: string): string[] => name.split(/\s+/).filter((word) => word !== '')
const bare = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/** The name as written, up to where its legal form begins, and the form. */
function splitForm(name: string): [stem: string, form: string] {
  const words = wordsOf(name)
  for (let count = 1; count < words.length; count += 1) {
    const stem = words.slice(0, count).join(' ')
    if (nameKeyOf(stem) === nameKeyOf(name)) {
      return [stem.replace(/[,\s]+$/u, ''), words.slice(count).join(' ')]
    }
  }
  return [name, '']
}

const typings: Readonly<Record<string, Typing>> = {
  formDropped: (name) => splitForm(name)[0],
  formSwapped: (name, random) => `${splitForm(name)[0]} ${pick(swapped, random)}`,
  formSpelledOut: (name, random) =>
    wordsOf(name)
      .map((word) => (spelledOut[bare(word)] ? pick(spelledOut[bare(word)] ?? [word], random) : word))
      .join(' '),
  upperCase: (name) => name.toUpperCase().replace(/[^\p{L}\p{N}&\s]/gu, ''),
  oneTypo: (name, random) => {
    const [stem, form] = splitForm(name)
    const at = Math.floor(random() * Math.max(1, stem.length - 1))
    const typo = pick(['drop', 'double', 'swap', 'other'], random)
    const typed =
      typo === 'drop'
        ? stem.slice(0, at) + stem.slice(at + 1)
        : typo === 'double'
          ? stem.slice(0, at + 1) + stem.slice(at)
          : typo === 'swap'
            ? stem.slice(0, at) + (stem[at + 1] ?? '') + (stem[at] ?? '') + stem.slice(at + 2)
            : stem.slice(0, at) + pick([...letters], random) + stem.slice(at + 1)
    return `${typed} ${form}`.trim()
  },
  abbreviated: (name) =>
    wordsOf(name)
      .map((word) => shortened[bare(word)] ?? word)
      .join(' '),
  firstWord: (name) => wordsOf(name).find((word) => bare(word).length > 2) ?? name,
  acronym: (name) => {
    const words = wordsOf(splitForm(name)[0]).filter((word) => bare(word) !== '' && bare(word) !== 'and')
    return words.length < 3 ? splitForm(name)[0] : words.map((word) => bare(word)[0]?.toUpperCase()).join('')
  },
  wordOrder: (name) => {
    const [first = '', ...rest] = wordsOf(splitForm(name)[0])
    return [...rest, first].join(' ')
  },
  regionAppended: (name, random) => `${splitForm(name)[0]} ${pick(regions, random)}`,
  unitAppended: (name, random) => `${splitForm(name)[0]} ${pick(units, random)}`,
  and: (name) => (name.includes('&') ? name.replaceAll('&', 'and') : name.replace(/\band\b/giu, '&')),
}

/** A made registration also says how it was typed. */
export interface TypedQuery extends RegistryQuery {
  readonly typing: string
  /** As it stands in the registry, or would. */
  readonly original: CompanyDescription
}

const otherEndings = ['com', 'net', 'de', 'co.uk', 'io', 'eu', 'org']

function domainTyped(domain: string | null | undefined, random: Random): string | null {
  const how = random()
  if (!domain || how >= 0.65) return null
  if (how < 0.6) return domain
  const label = domain.split('.')[0] ?? ''
  return `${label}.${pick(
    otherEndings.filter((ending) => `${label}.${ending}` !== domain),
    random,
  )}`
}

/**
 * Registrations of companies, each typed in one of the ways above; about a quarter concern companies that are not in the
 * registry. The domain is right in 60 of 100, has another ending in 5, and is left out in the rest.
 */
export function makeRegistrations(
  companies: readonly RegistryRow[],
  options: { readonly seed: number; readonly known: number; readonly queries: number },
): { readonly registry: readonly RegistryRow[]; readonly queries: readonly TypedQuery[] } {
  const random = seededRandom(options.seed)
  const lots = companies.map((company) => ({ company, lot: random() })).sort((a, b) => a.lot - b.lot)
  const registry = lots.slice(0, options.known).map(({ company }) => company)
  const outsiders = lots.slice(options.known).map(({ company }) => company)
  const kinds = Object.entries(typings)
  const queries = Array.from({ length: options.queries }, (): TypedQuery => {
    const known = random() >= 0.25 || outsiders.length === 0
    const { id, company } = pick(known ? registry : outsiders, random)
    const [typing, type] = pick(kinds, random)
    const name = type(company.name, random)
    const domain = domainTyped(company.domain, random)
    return { typing, original: company, company: { name, domain }, expectedId: known ? id : null }
  })
  return { registry, queries }
}
