import { stringify } from 'csv-stringify/sync'
import type { Random } from '#test/support/random.ts'
import type { Company } from './companies.ts'

/** Registrations below this amount are for a person to approve. */
export const approvedFromCents = 500_000n

/**
 * plain: approved by itself · small: below the amount · rival: another partner registered the company before, and e-mail
 * or web address say so · namesake: the same, but only the name says so · direct: the vendor works on it already ·
 * doubtful: the CRM has the company twice · broken: a cell is wrong.
 */
export type RegistrationKind = 'plain' | 'small' | 'rival' | 'namesake' | 'direct' | 'doubtful' | 'broken'

export interface Registration {
  readonly ref: string
  readonly kind: RegistrationKind
  /** Which of the partners registers. */
  readonly partner: number
  readonly company: Company
  readonly typed: { readonly name: string; readonly domain: string; readonly email: string }
  readonly products: readonly ('SUITE' | 'ROLLOUT')[]
  /** As it stands in the file. */
  readonly amount: string
}

export interface RegistrationOptions {
  readonly rows: number
  readonly partners: number
  readonly random: Random
}

/** What the CRM knows before anybody registers: companies in it, some with an open opportunity, some twice. */
export interface KnownBefore {
  readonly once: readonly Company[]
  readonly direct: readonly Company[]
  readonly twice: readonly Company[]
}

export interface Scenario {
  readonly registrations: readonly Registration[]
  readonly known: KnownBefore
  /** Companies that nobody registered, for registrations on the side. */
  readonly spare: readonly Company[]
}

const shares = { small: 0.08, rival: 0.02, namesake: 0.01, direct: 0.01, known: 0.05 }

/** Registrations of real companies by several partners, in the order of the file, and the CRM that they meet. */
export function makeScenario(companies: readonly Company[], options: RegistrationOptions): Scenario {
  const { rows, random } = options
  const part = (share: number) => Math.max(1, Math.round(rows * share))
  const rivals = part(shares.rival)
  const namesakes = part(shares.namesake)
  const doubtful = Math.min(10, part(0.01))
  const broken = Math.min(10, part(0.01))
  const own = rows - rivals - namesakes
  const spareNeeded = Math.min(1_500, Math.max(20, Math.floor(rows / 10)))
  if (companies.length < own + spareNeeded) {
    throw new Error(
      `${rows} registrations need ${own + spareNeeded} companies; the file has ${companies.length}`,
    )
  }
  const shuffled = random.shuffled(companies)
  const used = shuffled.slice(0, own)
  const kinds: RegistrationKind[] = [
    ...Array<RegistrationKind>(part(shares.small)).fill('small'),
    ...Array<RegistrationKind>(part(shares.direct)).fill('direct'),
    ...Array<RegistrationKind>(doubtful).fill('doubtful'),
    ...Array<RegistrationKind>(broken).fill('broken'),
  ]
  const first = used.map((company, index) => register(company, kinds[index] ?? 'plain', index, options))
  const plain = first.filter(({ kind }) => kind === 'plain')
  const challenged = random.shuffled(plain).slice(0, rivals + namesakes)
  const later = challenged.map((original, index) =>
    challenge(original, index < rivals ? 'rival' : 'namesake', own + index, options),
  )
  const of = (kind: RegistrationKind) =>
    first.filter((one) => one.kind === kind).map(({ company }) => company)
  return {
    registrations: inOrder(random.shuffled(first), later, random),
    known: {
      once: random.shuffled(plain.map(({ company }) => company)).slice(0, part(shares.known)),
      direct: of('direct'),
      twice: of('doubtful'),
    },
    spare: shuffled.slice(own, own + spareNeeded),
  }
}

/** Everybody who registers a company again stands somewhere behind the one who was first. */
function inOrder(
  first: readonly Registration[],
  later: readonly Registration[],
  random: Random,
): Registration[] {
  const places = new Map(first.map(({ company }, index) => [company.domain, index]))
  const behind = later.map((one) => ({
    one,
    place: random.whole((places.get(one.company.domain) ?? 0) + 1, first.length) - 0.5,
  }))
  return [...first.map((one, place) => ({ one, place })), ...behind]
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one)
}

function register(
  company: Company,
  kind: RegistrationKind,
  index: number,
  { partners, random }: RegistrationOptions,
): Registration {
  const cents = kind === 'small' ? random.whole(50_000, 499_999) : drawCents(random)
  const products =
    random.next() < 0.02
      ? (['SUITE', 'ROLLOUT'] as const)
      : ([random.next() < 0.8 ? 'SUITE' : 'ROLLOUT'] as const)
  return {
    ref: `R-${String(index + 1).padStart(6, '0')}`,
    kind,
    partner: random.whole(0, partners - 1),
    company,
    typed: {
      name: company.name,
      domain: random.chance(0.1) ? '' : random.pick([company.domain, `https://www.${company.domain}/`]),
      email: `purchasing@${company.domain}`,
    },
    products,
    amount: kind === 'broken' ? `${Math.floor(cents / 100)},${cents % 100}` : decimal(cents),
  }
}

/** From 5,000.00 to 400,000.00, small ones more often. */
const drawCents = (random: Random): number => Math.floor(500_000 * 80 ** random.next())

const decimal = (cents: number): string =>
  `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`

function challenge(
  original: Registration,
  kind: 'rival' | 'namesake',
  index: number,
  { partners, random }: RegistrationOptions,
): Registration {
  const { company, products, partner } = original
  const byEmail = random.chance(0.5)
  return {
    ref: `R-${String(index + 1).padStart(6, '0')}`,
    kind,
    partner: (partner + random.whole(1, partners - 1)) % partners,
    company,
    typed: {
      name: retype(company.name, random),
      domain: kind === 'rival' && !byEmail ? company.domain : '',
      email: kind === 'rival' && byEmail ? `info@${company.domain}` : 'robin.meyer@gmail.com',
    },
    products,
    amount: decimal(drawCents(random)),
  }
}

const legalForm =
  /[,.]?\s+(?:inc|ltd|limited|plc|corp|corporation|ag|se|gmbh|s\.?a|n\.?v|ab|asa|oyj|co\.,? ltd)\.?$/i

/** As another person types the same company. */
function retype(name: string, random: Random): string {
  const ways = [
    name.toUpperCase(),
    name.replace(legalForm, ''),
    name.replace(/[.,]/g, ''),
    name.replace(/ & /g, ' and '),
  ]
  return random.pick(ways)
}

const columns = [
  'external_ref',
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

/** The file that a vendor gets from its partners. */
export function toCsv(registrations: readonly Registration[], partnerRefs: readonly string[]): string {
  const rows = registrations.map(({ ref, partner, company, typed, products, amount }) => [
    ref,
    partnerRefs[partner],
    typed.name,
    typed.domain,
    company.country,
    company.city,
    'Robin Meyer',
    typed.email,
    'Replace the old shop platform before the next season starts',
    amount,
    'USD',
    '2027-03-31',
    products.join('|'),
    'resale',
  ])
  return stringify([columns, ...rows])
}
