/**
 * Under which keys a company is filed, and under which it is looked up. Every key costs one bounded index read, so a
 * search takes the same time among ten thousand claims as among millions: similarity is scored on what the keys bring.
 */
import type { CompanyIdentity } from '#src/customers/company-identity.ts'
import { labelOf } from './company-likeness.ts'
import { readName } from './company-name.ts'

/** `exact` keys name the company; `near` keys name a spelling of it; `word` keys share one word with it. */
export type KeyStrength = 'exact' | 'near' | 'word'

export interface SearchKey {
  readonly key: string
  readonly strength: KeyStrength
}

/** Rises with every change of filing keys: claims of an older version are filed anew. */
export const keysVersion = 2

const wordsPaired = 5
const wordsFiled = 8
const longestKey = 80
/** Half of a shorter name says little. */
const shortestHalved = 6
/** Up to this length a name is filed without each of its characters, so that one edit still leaves a key in common. */
const longestThinned = 8

/** Keys of a claim as it is stored. */
export function filingKeys(company: CompanyIdentity): readonly string[] {
  const words = wordsOf(company)
  const [first = ''] = words
  return unique([
    ...exactKeys(company),
    ...labelKeys(company),
    ...nearKeys(words, [0]),
    ...(words.length > 1 ? [near(`f:${first}`)] : []),
    ...wordKeys(words),
  ]).map(({ key }) => key)
}

/**
 * Keys to look under. A spelling that differs by one character anywhere leaves one half of the name untouched; its halves
 * are taken for a name one character longer and shorter too, as a character may have been left out or doubled. A single
 * word may be the first of a longer name, or what stands in a web address.
 */
export function lookupKeys(company: CompanyIdentity): readonly SearchKey[] {
  const words = wordsOf(company)
  const compact = words.join('')
  return unique([
    ...exactKeys(company),
    ...labelKeys(company),
    ...nearKeys(words, [0, -1, 1]),
    ...(words.length === 1 ? [near(`f:${compact}`)] : []),
    ...(compact.length >= 2 ? [near(`l:${compact}`)] : []),
    ...wordKeys(words),
  ])
}

/** Words that tell nothing about the company are no way to find it, unless there are no others. */
function wordsOf({ name }: CompanyIdentity): readonly string[] {
  const { words } = readName(name)
  const own = words.filter(({ appended }, index) => index === 0 || !appended)
  return own.map(({ text }) => text)
}

function exactKeys({ domain, nameKey, identifiers }: CompanyIdentity): SearchKey[] {
  return [
    ...(domain === null ? [] : [exact(`d:${domain}`)]),
    ...(nameKey === '' ? [] : [exact(`n:${nameKey}`)]),
    ...(identifiers ?? []).map((identifier) => exact(`i:${identifier}`)),
  ]
}

/** The same company in another country, or found by its number. */
const labelKeys = ({ domain, phone }: CompanyIdentity): SearchKey[] => [
  ...(domain === null || labelOf(domain).length < 2 ? [] : [near(`l:${labelOf(domain)}`)]),
  ...(phone ? [near(`t:${phone.slice(-9)}`)] : []),
]

function nearKeys(words: readonly string[], lengthChanges: readonly number[]): SearchKey[] {
  const compact = [...words.join('')]
  const keys: SearchKey[] = []
  for (const change of compact.length < shortestHalved ? [] : lengthChanges) {
    const half = Math.floor((compact.length + change) / 2)
    keys.push(near(`<${compact.slice(0, half).join('')}`), near(`>${compact.slice(-half).join('')}`))
  }
  if (compact.length >= 3 && compact.length <= longestThinned) {
    for (const thinned of ['', ...compact].map((_, index) =>
      compact.toSpliced(index - 1, index === 0 ? 0 : 1),
    )) {
      keys.push(near(`-${thinned.join('')}`))
    }
  }
  const paired = words.slice(0, wordsPaired)
  paired.forEach((word, index) => {
    for (const other of paired.slice(index + 1)) keys.push(near(`p:${[word, other].sort().join(' ')}`))
  })
  if (words.length >= 3) keys.push(near(`a:${words.map((word) => word[0]).join('')}`))
  else if (compact.length >= 3 && compact.length <= 6) keys.push(near(`a:${compact.join('')}`))
  return keys
}

const wordKeys = (words: readonly string[]): SearchKey[] =>
  words
    .filter((word) => word.length >= 3)
    .slice(0, wordsFiled)
    .map((word) => ({ key: cut(`w:${word}`), strength: 'word' }))

const exact = (key: string): SearchKey => ({ key: cut(key), strength: 'exact' })
const near = (key: string): SearchKey => ({ key: cut(key), strength: 'near' })
const cut = (key: string): string => [...key].slice(0, longestKey).join('')

const unique = (keys: readonly SearchKey[]): SearchKey[] => {
  const seen = new Map<string, SearchKey>()
  for (const key of keys) if (!seen.has(key.key)) seen.set(key.key, key)
  return [...seen.values()]
}
