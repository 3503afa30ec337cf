/**
 * Under which keys a company is filed, and under which it is looked up. Every key costs one bounded index read, so a
 * search takes the same time among ten thousand claims as among millions: similarity is scored on what the keys bring.
 */
import type { CompanyIdentity } from '#src/customers/company-identity.ts'
import { nameTokens } from './company-words.ts'

/** `exact` keys name the company; `near` keys name a spelling of it; `word` keys share one word with it. */
export type KeyStrength = 'exact' | 'near' | 'word'

export interface SearchKey {
  readonly key: string
  readonly strength: KeyStrength
}

const wordsPaired = 5
const wordsFiled = 8
const longestKey = 80
/** Half of a shorter name says little. */
const shortestHalved = 6
/** Up to this length a name is filed without each of its characters, so that one edit still leaves a key in common. */
const longestThinned = 8

/** Keys of a claim as it is stored. */
export function filingKeys(company: CompanyIdentity): readonly string[] {
  return unique([...exactKeys(company), ...nearKeys(company.nameKey, [0]), ...wordKeys(company.nameKey)]).map(
    ({ key }) => key,
  )
}

/**
 * Keys to look under. A spelling that differs by one character anywhere leaves one half of the name untouched; its halves
 * are taken for a name one character longer and shorter too, as a character may have been left out or doubled.
 */
export function lookupKeys(company: CompanyIdentity): readonly SearchKey[] {
  return unique([
    ...exactKeys(company),
    ...nearKeys(company.nameKey, [0, -1, 1]),
    ...wordKeys(company.nameKey),
  ])
}

function exactKeys({ domain, nameKey }: CompanyIdentity): SearchKey[] {
  const keys: SearchKey[] = nameKey === '' ? [] : [exact(`n:${nameKey}`)]
  return domain === null ? keys : [exact(`d:${domain}`), ...keys]
}

function nearKeys(nameKey: string, lengthChanges: readonly number[]): SearchKey[] {
  const words = nameTokens(nameKey)
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

const wordKeys = (nameKey: string): SearchKey[] =>
  nameTokens(nameKey)
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
