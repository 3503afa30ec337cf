/**
 * How surely two descriptions mean one company, and why. Each thing that matched or did not is a figure with a weight;
 * their sum is the odds. Pure and symmetric: the same two always score the same.
 */
import type { CompanyIdentity } from '#src/customers/company-identity.ts'
import { foldText } from '#src/customers/name-key.ts'
import { type CompanyName, readName } from './company-name.ts'
import { baseline, type CompanyFigure, weights } from './likeness-weights.ts'
import { type NameRelation, relateNames } from './name-likeness.ts'

/** From here on two companies count as the same one: they are more likely one than two. */
export const strongFrom = 50
/** Below this a claim is no candidate. */
export const candidateFrom = 15

export interface CompanyEvidence {
  readonly point: CompanyPoint
  readonly speaks: 'for' | 'against'
  readonly ours: string | null
  readonly theirs: string | null
  /** By how much: ten points make it ten times as likely (or unlikely) that the two are one. */
  readonly points: number
}

/** What evidence on a company can be about. */
export const companyPoints = [
  'identifier',
  'domain',
  'name',
  'legal_form',
  'number',
  'country',
  'city',
  'postal_code',
  'phone',
  'address',
] as const
export type CompanyPoint = (typeof companyPoints)[number]

export interface CompanyLikeness {
  /** By what the two are most surely the same. */
  readonly key: 'identifier' | 'domain' | 'name' | 'spelling'
  /** 0 to 100: how likely it is, in percent, that the two are one company. */
  readonly score: number
  readonly evidence: readonly CompanyEvidence[]
}

type Figures = Readonly<Partial<Record<CompanyFigure, number>>>

interface PointFigures {
  readonly point: CompanyPoint
  readonly ours: string | null
  readonly theirs: string | null
  readonly figures: Figures
}

/** Whoever shares a domain or a number of a register is the same, however it is spelled and wherever it sits. */
const leastIfSame = Math.log(19)
const pointsPerLogit = 10 / Math.LN10

export function compareCompanies(ours: CompanyIdentity, theirs: CompanyIdentity): CompanyLikeness {
  const stated = stateFigures(ours, theirs)
  const isSame = (figure: CompanyFigure) => stated.some(({ figures }) => (figures[figure] ?? 0) > 0)
  let logit = baseline
  const evidence: CompanyEvidence[] = []
  for (const { point, ours: a, theirs: b, figures } of stated) {
    const own = weigh(figures) + (point === 'name' ? baseline : 0)
    logit += weigh(figures)
    if (own === 0 && point !== 'name') continue
    evidence.push({
      point,
      speaks: own >= 0 ? 'for' : 'against',
      ours: a,
      theirs: b,
      points: Math.round(own * pointsPerLogit),
    })
  }
  const known = isSame('sameIdentifier') || isSame('sameDomain')
  const key = isSame('sameIdentifier')
    ? 'identifier'
    : isSame('sameDomain')
      ? 'domain'
      : isSame('equal')
        ? 'name'
        : 'spelling'
  return { key, score: percent(known ? Math.max(leastIfSame, logit) : logit), evidence }
}

/** Never quite 0 or 100, two decimals. */
const percent = (logit: number): number =>
  Math.min(99.99, Math.max(0.01, Math.round(10_000 / (1 + Math.exp(-logit))) / 100))

function weigh(figures: Figures): number {
  let logit = 0
  for (const [figure, value] of Object.entries(figures)) logit += value * weights[figure as CompanyFigure]
  return logit
}

/** All that is known to speak for or against, by what it is about. */
export function stateFigures(ours: CompanyIdentity, theirs: CompanyIdentity): readonly PointFigures[] {
  const [ourName, theirName] = [readName(ours.name), readName(theirs.name)]
  const relation = relateNames(ourName, theirName)
  const stated: PointFigures[] = []
  const state = (point: CompanyPoint, a: string | null, b: string | null, figures: Figures) => {
    if (Object.values(figures).some((value) => value !== 0))
      stated.push({ point, ours: a, theirs: b, figures })
  }
  const [ourNumbers, theirNumbers] = [ours.identifiers ?? [], theirs.identifiers ?? []]
  if (ourNumbers.length > 0 && theirNumbers.length > 0) {
    state(
      'identifier',
      ourNumbers.join(', '),
      theirNumbers.join(', '),
      identifierFigures(ourNumbers, theirNumbers),
    )
  }
  state('domain', ours.domain, theirs.domain, domainFigures(ours, theirs, ourName, theirName))
  stated.push({ point: 'name', ours: ours.name, theirs: theirs.name, figures: nameFigures(relation) })
  const forms = ({ groups }: CompanyName) => groups.join(', ') || null
  state('legal_form', forms(ourName), forms(theirName), {
    sameForm: relation.sameForm,
    otherForm: relation.otherForm,
  })
  const numbers = (name: CompanyName) => name.numbers.join(', ') || null
  state('number', numbers(ourName), numbers(theirName), {
    otherNumber: relation.otherNumber,
    oneNumber: relation.oneNumber,
    numberedSibling: relation.numberedSibling,
  })
  compare(ours.country, theirs.country, (a, b) =>
    state('country', a, b, { sameCountry: Number(a === b), otherCountry: Number(a !== b) }),
  )
  compare(ours.city, theirs.city, (a, b) => {
    const [one, other] = [foldCity(a), foldCity(b)]
    const same = one === other || one.startsWith(`${other} `) || other.startsWith(`${one} `)
    state('city', a, b, { sameCity: Number(same), otherCity: Number(!same) })
  })
  compare(ours.postalCode, theirs.postalCode, (a, b) =>
    state('postal_code', a, b, { samePostalCode: Number(a === b), otherPostalCode: Number(a !== b) }),
  )
  compare(ours.phone, theirs.phone, (a, b) => {
    const same = samePhone(a, b)
    state('phone', a, b, { samePhone: Number(same), otherPhone: Number(!same) })
  })
  compare(ours.address, theirs.address, (a, b) => {
    const likeness = addressLikeness(a, b)
    state('address', a, b, {
      sameAddress: Math.max(0, 2 * likeness - 1),
      otherAddress: Math.max(0, 1 - 2 * likeness),
    })
  })
  return stated
}

function compare(
  a: string | null | undefined,
  b: string | null | undefined,
  told: (a: string, b: string) => void,
): void {
  if (a && b) told(a, b)
}

/** What one rare word at the beginning of a name tells. */
const rareFirstWord = 1.4

function nameFigures(name: NameRelation): Figures {
  const telling = Math.min(1, name.telling)
  const same = Math.max(name.equal, name.joined, name.reordered)
  const isContained = name.onlyOne > 0 && name.bothOther === 0 && name.otherFirst === 0 && same === 0
  const contained = isContained ? name.covered : 0
  return {
    equal: name.equal,
    joined: name.joined,
    reordered: name.reordered,
    equalButVague: same * (1 - telling),
    acronym: name.acronym,
    common: name.common,
    covered: name.covered,
    telling,
    sameFirst: name.sameFirst,
    otherFirst: name.otherFirst,
    contained: contained * Math.min(1, name.telling / rareFirstWord) ** 2,
    containedAtAll: Number(contained > 0),
    containedInside: Number(contained > 0 && name.sameFirst === 0),
    sameRare: name.sameRare,
    onlyOne: name.onlyOne,
    onlyOneRare: name.onlyOneRare,
    onlyOneVehicle: name.onlyOneVehicle,
    bothOther: name.bothOther,
    anyOther: Number(name.bothOther > 0),
    appendedOne: name.appendedOne,
    appendedOther: name.appendedOther,
    misspelled: name.misspelled,
    misspelledShort: name.misspelledShort,
    abbreviated: name.abbreviated,
    abbreviatedFirst: name.abbreviatedFirst,
    manyLetters: Math.max(0, name.letters - 0.8) * 5,
  }
}

function domainFigures(
  ours: CompanyIdentity,
  theirs: CompanyIdentity,
  ourName: CompanyName,
  theirName: CompanyName,
): Figures {
  const [a, b] = [ours.domain, theirs.domain]
  const named = Number(isNamedBy(ourName, b) || isNamedBy(theirName, a))
  if (a === null || b === null) return { namedByDomain: a === null && b === null ? 0 : named }
  if (a === b) return { sameDomain: 1 }
  return labelOf(a) === labelOf(b) ? { siblingDomain: 1 } : { otherDomain: 1 }
}

/** What stands before the public suffix: acme.com and acme.de. */
export const labelOf = (domain: string): string => (domain.split('.')[0] ?? '').replaceAll('-', '')

/** "GE" and ge.com. */
const isNamedBy = (name: CompanyName, domain: string | null): boolean =>
  domain !== null && name.compact.length >= 2 && labelOf(domain) === name.compact

/** Numbers of one kind that differ speak against; one that is shared settles it. */
function identifierFigures(ours: readonly string[], theirs: readonly string[]): Figures {
  if (ours.some((number) => theirs.includes(number))) return { sameIdentifier: 1 }
  const kinds = (numbers: readonly string[]) => numbers.map((number) => number.split(':')[0])
  const known = new Set(kinds(theirs))
  return { otherIdentifier: Number(kinds(ours).some((kind) => known.has(kind))) }
}

const foldCity = (city: string): string =>
  foldText(city)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()

/** The same number, or the same but for what stands before it (country, area). */
function samePhone(a: string, b: string): boolean {
  const [one, other] = [a.replace('+', ''), b.replace('+', '')]
  const shorter = Math.min(one.length, other.length)
  return shorter >= 7 && (one.endsWith(other) || other.endsWith(one) || one.slice(-9) === other.slice(-9))
}

/** Half of it is the house number, half the street; without numbers the street alone. */
function addressLikeness(a: string, b: string): number {
  const [ofA, ofB] = [a.split(' '), b.split(' ')]
  const numbers = (words: readonly string[]) => words.filter((word) => /^\d/u.test(word))
  const streets = (words: readonly string[]) => words.filter((word) => !/^\d/u.test(word) && word.length > 1)
  const [streetsOfA, streetsOfB] = [streets(ofA), streets(ofB)]
  const met = streetsOfA.filter((word) => streetsOfB.includes(word)).length
  const street = met / Math.max(1, Math.min(streetsOfA.length, streetsOfB.length))
  const [numbersOfA, numbersOfB] = [numbers(ofA), numbers(ofB)]
  if (numbersOfA.length === 0 || numbersOfB.length === 0) return street * 0.8
  return numbersOfA.some((number) => numbersOfB.includes(number)) ? 0.3 + 0.7 * street : 0.3 * street
}
