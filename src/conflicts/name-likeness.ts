/** How alike two company names are. Pure, symmetric, 0 to 1; both names come as name keys. */
import { nameTokens, wordWeight } from './company-words.ts'

/** From here on two spellings of a word count as one word. */
const sameWordFrom = 0.8
/** The first word is usually the company's own. */
const firstWordFactor = 1.5
const differentNumberFactor = 0.7

/**
 * 1 for equal keys. Otherwise the better of two views: the words aligned one to one, weighed by what they tell, and the
 * letters in a row (which sees through joined and split words). Names that differ in a number are held apart.
 */
export function nameLikeness(a: string, b: string): number {
  if (a === b) return a === '' ? 0 : 1
  const wordsOfA = nameTokens(a)
  const wordsOfB = nameTokens(b)
  if (wordsOfA.length === 0 || wordsOfB.length === 0) return 0
  const best = Math.max(
    alignedLikeness(wordsOfA, wordsOfB),
    letterLikeness(wordsOfA, wordsOfB),
    acronymLikeness(wordsOfA, wordsOfB),
  )
  return sameNumbers(wordsOfA, wordsOfB) ? best : best * differentNumberFactor
}

interface Pairing {
  readonly of: number
  readonly with: number
  readonly likeness: number
}

function alignedLikeness(a: readonly string[], b: readonly string[]): number {
  const pairings: Pairing[] = []
  a.forEach((word, of) => {
    b.forEach((other, index) => {
      const likeness = wordLikeness(word, other)
      if (likeness >= sameWordFrom) pairings.push({ of, with: index, likeness })
    })
  })
  pairings.sort((x, y) => y.likeness - x.likeness || Math.abs(x.of - x.with) - Math.abs(y.of - y.with))
  const weightsOfA = weigh(a)
  const weightsOfB = weigh(b)
  const taken = { a: new Set<number>(), b: new Set<number>() }
  let shared = 0
  for (const pairing of pairings) {
    if (taken.a.has(pairing.of) || taken.b.has(pairing.with)) continue
    taken.a.add(pairing.of)
    taken.b.add(pairing.with)
    shared += pairing.likeness * ((weightsOfA[pairing.of] ?? 0) + (weightsOfB[pairing.with] ?? 0))
  }
  return shared / (sum(weightsOfA) + sum(weightsOfB))
}

const weigh = (words: readonly string[]): number[] =>
  words.map((word, index) => wordWeight(word) * (index === 0 ? firstWordFactor : 1))

/** Names written as one word; short ones prove little, so they must be closer. */
function letterLikeness(a: readonly string[], b: readonly string[]): number {
  const [one, other] = [a.join(''), b.join('')]
  if (one === other) return 0.99
  const longest = Math.max(one.length, other.length)
  if (longest < 4) return 0
  const edits = editDistance(one, other)
  return Math.max(0, 1 - (edits * 1.6) / longest)
}

/** IBM and International Business Machines. */
function acronymLikeness(a: readonly string[], b: readonly string[]): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  const letters = short[0] ?? ''
  if (short.length !== 1 || long.length < 3 || letters.length !== long.length) return 0
  return long.every((word, index) => word[0] === letters[index]) ? 0.8 : 0
}

function wordLikeness(a: string, b: string): number {
  if (a === b) return 1
  const shorter = Math.min(a.length, b.length)
  const longer = Math.max(a.length, b.length)
  if (/\d/.test(a + b) || shorter < 3) return 0
  if (shorter >= 4 && (a.startsWith(b) || b.startsWith(a))) return Math.max(0.8, shorter / longer)
  if (shorter < 4) return 0
  return 1 - editDistance(a, b) / longer
}

/** Numbers tell siblings apart: Fund II is not Fund III. */
function sameNumbers(a: readonly string[], b: readonly string[]): boolean {
  const numbers = (words: readonly string[]) => words.filter(isNumber).sort().join(' ')
  return numbers(a) === numbers(b)
}

const isNumber = (word: string): boolean =>
  /^\d+$/.test(word) || /^(?=[ivx]{2,})x{0,3}(ix|iv|v?i{0,3})$/.test(word)

/** Edits between two texts, a swap of neighbours counting as one (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1
  let beforeLast: number[] = []
  let last = Array.from({ length: width }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1)
      }
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
