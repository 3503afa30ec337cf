/** How alike two company names are. Pure, symmetric, 0 to 1; both names come as name keys. */
import { isAppended, nameTokens, wordWeight } from './company-words.ts'

/** From here on two spellings of a word count as one word. */
const sameWordFrom = 0.8
/** From here on what is left over on both sides counts as written differently, not as different words. */
const sameRestFrom = 0.75
/** The first word is usually the company's own. */
const firstWordFactor = 1.5
/** Both sides have a word that the other lacks: Bowne France and Bowne Germany, not Bowne and Bowne Germany. */
const differentWordsFactor = 0.88
/** Equal but for the spaces. */
const joinedLikeness = 0.99
const differentNumberFactor = 0.7
const otherInitialFactor = 0.9

/**
 * 1 for equal keys. Otherwise the words are aligned one to one, what is left over is compared as one run of letters (which
 * sees through joined and split words), and each weighs what it tells. Names that differ in a number are held apart.
 */
export function nameLikeness(a: string, b: string): number {
  if (a === b) return a === '' ? 0 : 1
  const [wordsOfA, wordsOfB] = a < b ? [nameTokens(a), nameTokens(b)] : [nameTokens(b), nameTokens(a)]
  if (wordsOfA.length === 0 || wordsOfB.length === 0) return 0
  if (a.replaceAll(' ', '') === b.replaceAll(' ', '')) return joinedLikeness
  const best = Math.max(alignedLikeness(wordsOfA, wordsOfB), acronymLikeness(wordsOfA, wordsOfB))
  return sameNumbers(wordsOfA, wordsOfB) ? best : best * differentNumberFactor
}

interface Pairing {
  readonly of: number
  readonly with: number
  readonly likeness: number
}

function alignedLikeness(a: readonly string[], b: readonly string[]): number {
  const weightsOfA = weigh(a)
  const weightsOfB = weigh(b)
  const taken = { a: new Set<number>(), b: new Set<number>() }
  let shared = 0
  for (const pairing of pairWords(a, b)) {
    if (taken.a.has(pairing.of) || taken.b.has(pairing.with)) continue
    taken.a.add(pairing.of)
    taken.b.add(pairing.with)
    shared += pairing.likeness * ((weightsOfA[pairing.of] ?? 0) + (weightsOfB[pairing.with] ?? 0))
  }
  const total = sum(weightsOfA) + sum(weightsOfB)
  const restOfA = a.filter((_, index) => !taken.a.has(index))
  const restOfB = b.filter((_, index) => !taken.b.has(index))
  if (restOfA.length === 0 || restOfB.length === 0) return shared / total
  const rest = textLikeness(restOfA.join(''), restOfB.join(''))
  if (rest < sameRestFrom) {
    const differ = restOfA.every(isAppended) === restOfB.every(isAppended)
    return (shared / total) * (differ ? differentWordsFactor : 1)
  }
  const untaken = (weights: readonly number[], used: ReadonlySet<number>) =>
    sum(weights.filter((_, index) => !used.has(index)))
  return (shared + rest * (untaken(weightsOfA, taken.a) + untaken(weightsOfB, taken.b))) / total
}

/** Words that could be one another, the surest first. */
function pairWords(a: readonly string[], b: readonly string[]): readonly Pairing[] {
  const pairings = a.flatMap((word, of) =>
    b.flatMap((other, index) => {
      const likeness = wordLikeness(word, other)
      return likeness >= sameWordFrom ? [{ of, with: index, likeness }] : []
    }),
  )
  return pairings.sort((x, y) => y.likeness - x.likeness || Math.abs(x.of - x.with) - Math.abs(y.of - y.with))
}

const weigh = (words: readonly string[]): number[] =>
  words.map((word, index) => wordWeight(word) * (index === 0 ? firstWordFactor : 1))

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
  if (shorter < 4 || /\d/.test(a + b)) return 0
  if (a.startsWith(b) || b.startsWith(a))
    return Math.max(sameWordFrom, shorter / Math.max(a.length, b.length))
  return textLikeness(a, b)
}

/** Share of letters that need no edit; a different first letter is rarely a slip. */
function textLikeness(a: string, b: string): number {
  if (a === b) return 1
  const edits = editDistance(a, b)
  return (1 - edits / Math.max(a.length, b.length)) * (a[0] === b[0] ? 1 : otherInitialFactor)
}

/** Numbers tell siblings apart: Fund II is not Fund III. */
function sameNumbers(a: readonly string[], b: readonly string[]): boolean {
  const numbers = (words: readonly string[]) => words.filter(isNumber).sort().join(' ')
  return numbers(a) === numbers(b)
}

const isNumber = (word: string): boolean =>
  /^\d+$/.test(word) || /^(?=[ivx])x{0,3}(ix|iv|v?i{0,3})$/.test(word)

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
