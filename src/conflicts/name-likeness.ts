/** How two company names relate, as figures that each mean something. Pure and symmetric. */
import type { CompanyName, NameWord } from './company-name.ts'
import { isVehicle } from './company-words.ts'

/** From here on two spellings of a word count as one word. */
const sameWordFrom = 0.72
/** From here on what is left over on both sides is one run of letters, written differently. */
const sameRestFrom = 0.75
const lettersFrom = 0.8
/** A different first letter is rarely a slip. */
const otherInitialFactor = 0.9
const abbreviationLikeness = 0.85
const firstWordFactor = 1.4

/** All from 0 to 1 unless said otherwise; what does not apply is 0. */
export interface NameRelation {
  /** The same words in the same order. */
  readonly equal: number
  /** The same letters, with the spaces elsewhere. */
  readonly joined: number
  /** The same words in another order. */
  readonly reordered: number
  /** One is the initials of the other. */
  readonly acronym: number
  /** Weight of what is common, of all weight of both. */
  readonly common: number
  /** Weight of what is common, of the weight of the one that says less. */
  readonly covered: number
  /** How telling what is common is, 1 being one rare word, up to 2. */
  readonly telling: number
  /** How rare the rarest word is that both have as it stands. */
  readonly sameRare: number
  /** The first words are the same. */
  readonly sameFirst: number
  /** Both begin with a word that the other has not at all. */
  readonly otherFirst: number
  /** Words that only one of the two has, up to 2: "Costco" and "Costco Wholesale". */
  readonly onlyOne: number
  /** The rarest of them. */
  readonly onlyOneRare: number
  /** A fund or the like is set apart by some word: "Blackstone Income", "Cloud Acquisition" and "Cloud Star Acquisition". */
  readonly onlyOneVehicle: number
  /** Only one has a number, and all else is the same: "Health Acquisition" and "Health Acquisition II". */
  readonly numberedSibling: number
  /** Words on both sides that the other lacks, up to 2: "Saudi Gas" and "Saudi Oil". */
  readonly bothOther: number
  /** A region or department that only one names. */
  readonly appendedOne: number
  /** Both name one, and not the same. */
  readonly appendedOther: number
  /** How much of the common words is spelled otherwise, by their weight, up to 2. */
  readonly misspelled: number
  /** The same in short words, where a letter makes another company. */
  readonly misspelledShort: number
  /** Common words that are abbreviated in one. */
  readonly abbreviated: number
  /** So is the first word, which is usually the company's own and nobody's to shorten. */
  readonly abbreviatedFirst: number
  /** Likeness of all letters in a row; 0 below 0.8. */
  readonly letters: number
  /** Both have numbers, and not the same. */
  readonly otherNumber: number
  /** Only one has a number. */
  readonly oneNumber: number
  /** Both say what kind of company they are, and agree, or not. */
  readonly sameForm: number
  readonly otherForm: number
}

export function relateNames(one: CompanyName, other: CompanyName): NameRelation {
  // Sides in a fixed order, so that ties fall the same way whoever asks.
  const [a, b] = isBefore(one, other) ? [one, other] : [other, one]
  const equal = a.text === b.text && a.text !== ''
  const bothNumbered = a.numbering !== '' && b.numbering !== ''
  const bothForms = a.groups.length > 0 && b.groups.length > 0
  const sharedForm = bothForms && a.groups.some((group) => b.groups.includes(group))
  return {
    ...align(a.words, b.words),
    equal: Number(equal),
    joined: Number(!equal && a.whole !== '' && (a.compact === b.compact || a.whole === b.whole)),
    reordered: Number(!equal && a.sorted === b.sorted),
    acronym: Number(isAcronym(a, b) || isAcronym(b, a)),
    letters: textLikeness(a.compact, b.compact, a.letters, b.letters, lettersFrom),
    otherNumber: Number(bothNumbered && a.numbering !== b.numbering),
    oneNumber: Number((a.numbering === '') !== (b.numbering === '')),
    sameForm: Number(sharedForm),
    otherForm: Number(bothForms && !sharedForm),
  }
}

/** Names of the same words may still be read differently: what stands last is appended in one and not in the other. */
const isBefore = (one: CompanyName, other: CompanyName): boolean =>
  one.text === other.text ? one.compact <= other.compact : one.text < other.text

/** IBM and International Business Machines. */
const isAcronym = (short: CompanyName, long: CompanyName): boolean =>
  long.words.length >= 3 && short.words.length === 1 && short.compact === long.initials

interface Pairing {
  readonly of: number
  readonly with: number
  readonly likeness: number
  readonly abbreviated: boolean
}

function align(a: readonly NameWord[], b: readonly NameWord[]) {
  const [weightsOfA, weightsOfB] = [a.map(weigh), b.map(weigh)]
  const [takenOfA, takenOfB] = [new Set<number>(), new Set<number>()]
  let [common, telling, misspelled, misspelledShort, abbreviated] = [0, 0, 0, 0, 0]
  let [commonOfA, commonOfB] = [0, 0]
  let [sameFirst, sameRare, abbreviatedFirst] = [0, 0, 0]
  const share = (ofA: readonly number[], ofB: readonly number[], likeness: number) => {
    for (const index of ofA) takenOfA.add(index)
    for (const index of ofB) takenOfB.add(index)
    const [weightOfA, weightOfB] = [total(weightsOfA, ofA), total(weightsOfB, ofB)]
    commonOfA += likeness * weightOfA
    commonOfB += likeness * weightOfB
    common += likeness * (weightOfA + weightOfB)
    telling += likeness * Math.min(weightOfA, weightOfB)
    if (ofA.includes(0) && ofB.includes(0)) sameFirst = likeness * Math.min(1, weightOfA)
    return (weightOfA + weightOfB) / 2
  }
  for (const [ofA, ofB] of joinedWords(a, b, takenOfA, takenOfB)) {
    share(ofA, ofB, 1)
    sameRare = 1
  }
  for (const pairing of pairWords(a, b)) {
    if (takenOfA.has(pairing.of) || takenOfB.has(pairing.with)) continue
    const weight = share([pairing.of], [pairing.with], pairing.likeness)
    if (pairing.likeness === 1) {
      const { weight: rarity = 0, appended = true } = a[pairing.of] ?? {}
      if (!appended) sameRare = Math.max(sameRare, rarity)
    } else if (pairing.abbreviated) {
      abbreviated += weight
      if (pairing.of === 0 || pairing.with === 0) abbreviatedFirst = 1
    } else {
      const lost = weight * (1 - pairing.likeness)
      misspelled += lost
      const length = Math.min(a[pairing.of]?.text.length ?? 0, b[pairing.with]?.text.length ?? 0)
      if (length <= shortWord) misspelledShort += lost
    }
  }
  let restOfA = a.map((_, index) => index).filter((index) => !takenOfA.has(index))
  let restOfB = b.map((_, index) => index).filter((index) => !takenOfB.has(index))
  if (restOfA.length > 0 && restOfB.length > 0) {
    const run = (words: readonly NameWord[], rest: readonly number[]) =>
      rest.map((index) => words[index]?.text ?? '').join('')
    const letters = (words: readonly NameWord[], rest: readonly number[]) =>
      rest.reduce((all, index) => all | (words[index]?.letters ?? 0), 0)
    const likeness = textLikeness(
      run(a, restOfA),
      run(b, restOfB),
      letters(a, restOfA),
      letters(b, restOfB),
      sameRestFrom,
    )
    if (likeness > 0) {
      misspelled += share(restOfA, restOfB, likeness) * (1 - likeness)
      restOfA = []
      restOfB = []
    }
  }
  const left = (words: readonly NameWord[], rest: readonly number[], appended: boolean) =>
    rest.flatMap((index) => (words[index]?.appended === appended ? [words[index].weight] : []))
  const [ownOfA, ownOfB] = [left(a, restOfA, false), left(b, restOfB, false)]
  const [appendedOfA, appendedOfB] = [left(a, restOfA, true).length, left(b, restOfB, true).length]
  const [leftOfA, leftOfB] = [sum(ownOfA), sum(ownOfB)]
  const [totalOfA, totalOfB] = [sum(weightsOfA), sum(weightsOfB)]
  const both = Math.min(leftOfA, leftOfB)
  return {
    common: ratio(common, totalOfA + totalOfB),
    covered: totalOfA <= totalOfB ? ratio(commonOfA, totalOfA) : ratio(commonOfB, totalOfB),
    telling: Math.min(2, telling),
    sameRare: sameRare ** 4,
    sameFirst,
    otherFirst: Number(restOfA.includes(0) && restOfB.includes(0)),
    onlyOne: Math.min(2, Math.max(leftOfA, leftOfB) - both),
    onlyOneRare: both > 0 ? 0 : Math.max(0, ...ownOfA, ...ownOfB),
    onlyOneVehicle: Number(ownOfA.length + ownOfB.length > 0 && (a.some(isFundLike) || b.some(isFundLike))),
    numberedSibling: Number(
      both === 0 && isNumberAlone(a, restOfA, restOfB) !== isNumberAlone(b, restOfB, restOfA),
    ),
    bothOther: Math.min(2, both),
    appendedOne: Number(appendedOfA > 0 !== appendedOfB > 0),
    appendedOther: Number(appendedOfA > 0 && appendedOfB > 0),
    misspelled: Math.min(2, misspelled),
    misspelledShort: Math.min(1, misspelledShort),
    abbreviated: Math.min(2, abbreviated),
    abbreviatedFirst,
  }
}

const isNumberAlone = (
  words: readonly NameWord[],
  rest: readonly number[],
  restOfOther: readonly number[],
): boolean => {
  const [index = -1] = rest
  return restOfOther.length === 0 && rest.length === 1 && /^\d+$/u.test(words[index]?.text ?? '')
}

const isFundLike = ({ text }: NameWord): boolean => isVehicle(text)

const shortWord = 5
const weigh = ({ weight }: NameWord, index: number): number => weight * (index === 0 ? firstWordFactor : 1)
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : Math.min(1, part / whole))
const total = (weights: readonly number[], indexes: readonly number[]): number =>
  indexes.reduce((all, index) => all + (weights[index] ?? 0), 0)
const sum = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0)

/** Words that could be one another, the surest first. */
function pairWords(a: readonly NameWord[], b: readonly NameWord[]): readonly Pairing[] {
  const pairings: Pairing[] = []
  for (let of = 0; of < a.length; of += 1) {
    const word = a[of]
    for (let place = 0; word && place < b.length; place += 1) {
      const other = b[place]
      if (!other) continue
      const pairing = pairUp(word, other)
      if (pairing > 0) pairings.push({ of, with: place, likeness: pairing, abbreviated: false })
      else if (pairing < 0) pairings.push({ of, with: place, likeness: -pairing, abbreviated: true })
    }
  }
  return pairings.length < 2
    ? pairings
    : pairings.sort(
        (x, y) => y.likeness - x.likeness || Math.abs(x.of - x.with) - Math.abs(y.of - y.with) || x.of - y.of,
      )
}

/** How alike two words are; below 0 when one is short for the other; 0 when they are different words. */
function pairUp(word: NameWord, other: NameWord): number {
  const [a, b] = [word.text, other.text]
  if (a === b) return 1
  const shorter = Math.min(a.length, b.length)
  if (shorter < 2 || startsWithDigit(a) || startsWithDigit(b)) return 0
  const spelling = shorter < 3 ? 0 : textLikeness(a, b, word.letters, other.letters, sameWordFrom)
  if (spelling > 0) return spelling
  return isAbbreviation(a, b) || isAbbreviation(b, a) ? -abbreviationLikeness : 0
}

const startsWithDigit = (text: string): boolean => text.charCodeAt(0) <= 57

/** "Intl" of International, "Occid" of Occidental: the first letter and then some of the others in their order. */
function isAbbreviation(short: string, long: string): boolean {
  if (short.length < 2 || short.length >= long.length - 1 || short[0] !== long[0]) return false
  if (long.startsWith(short)) return true
  if (short.length < 3) return false
  let at = 0
  for (const letter of short) {
    at = long.indexOf(letter, at) + 1
    if (at === 0) return false
  }
  // Vowels in the middle are what abbreviations leave out.
  return !/[aeiou]/u.test(short.slice(1, -1))
}

/** "Van der Bilt" and "Vanderbilt": neighbours on one side that are a single word of the other. */
function joinedWords(
  a: readonly NameWord[],
  b: readonly NameWord[],
  takenOfA: ReadonlySet<number>,
  takenOfB: ReadonlySet<number>,
): readonly (readonly [ofA: readonly number[], ofB: readonly number[]])[] {
  const find = (
    single: readonly NameWord[],
    several: readonly NameWord[],
    takenSingle: ReadonlySet<number>,
    takenSeveral: ReadonlySet<number>,
  ) => {
    for (const [index, { text }] of single.entries()) {
      if (takenSingle.has(index) || text.length < 4) continue
      for (let start = 0; start < several.length - 1; start += 1) {
        let run = ''
        for (let end = start; end < Math.min(several.length, start + 4); end += 1) {
          if (takenSeveral.has(end)) break
          run += several[end]?.text ?? ''
          if (end > start && run === text) {
            return { index, indexes: Array.from({ length: end - start + 1 }, (_, at) => start + at) }
          }
        }
      }
    }
    return null
  }
  const inB = find(a, b, takenOfA, takenOfB)
  if (inB) return [[[inB.index], inB.indexes]]
  const inA = find(b, a, takenOfB, takenOfA)
  return inA ? [[inA.indexes, [inA.index]]] : []
}

/** Share of letters that need no edit; 0 if that is less than `from`. The letters of each side come as bits. */
function textLikeness(a: string, b: string, lettersOfA: number, lettersOfB: number, from: number): number {
  if (a === b) return a === '' ? 0 : 1
  const longer = Math.max(a.length, b.length)
  const allowed = Math.floor((1 - from) * longer)
  if (longer - Math.min(a.length, b.length) > allowed) return 0
  if (bits(lettersOfA & ~lettersOfB) > allowed || bits(lettersOfB & ~lettersOfA) > allowed) return 0
  const likeness =
    (1 - editDistance(a, b) / longer) * (a[0] === b[0] || swapped(a, b) ? 1 : otherInitialFactor)
  return likeness < from ? 0 : likeness
}

const swapped = (a: string, b: string): boolean => a[0] === b[1] && a[1] === b[0]

function bits(number: number): number {
  let count = 0
  for (let rest = number; rest !== 0; rest &= rest - 1) count += 1
  return count
}

/** Edits between two texts, a swap of neighbours counting as one (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1
  let beforeLast: number[] = []
  let last: number[] = []
  for (let j = 0; j < width; j += 1) last.push(j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    const letter = a.charCodeAt(i - 1)
    for (let j = 1; j < width; j += 1) {
      const cost = letter === b.charCodeAt(j - 1) ? 0 : 1
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && letter === b.charCodeAt(j - 2) && a.charCodeAt(i - 2) === b.charCodeAt(j - 1)) {
        least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
