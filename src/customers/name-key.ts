import { affixedForms, leadingForms, trailingForms } from './legal-forms.ts'

/** Letters that have no decomposition, by how they are written without them. */
const letters: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ŧ: 't',
  ı: 'i',
  ς: 'σ',
}
const plainLetters = new RegExp(`[${Object.keys(letters).join('')}]`, 'gu')

/**
 * Lower case without accents and ligatures ("Ångström" and "angstrom" are one), in composed form. Marks of scripts that
 * spell with them (Devanagari, kana) stay.
 */
export const foldText = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(plainLetters, (letter) => letters[letter] ?? letter)
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/gu, '')
    .normalize('NFC')

const apostrophes = /['’‘`´ʼ]/gu
/** "S.A.", "a/s", "S.p.A": single letters with dots or slashes between are one abbreviation. */
const abbreviation = /(?<![\p{L}\p{N}])\p{L}(?:[./]\p{L})+(?![\p{L}\p{N}])/gu
const notInWords = /[^\p{L}\p{M}\p{N}]+/gu
const oneLetter = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]$/u

/** The words of a folded name, in their order: no punctuation, "&" is "and", initials joined ("J. P." is "jp"). */
export function wordsOf(folded: string): string[] {
  const text = folded
    .replace(apostrophes, '')
    .replace(abbreviation, (found) => found.replace(/[./]/gu, ''))
    .replaceAll('&', ' and ')
    .replace(notInWords, ' ')
    .trim()
  if (text === '') return []
  const words: string[] = []
  let initials = ''
  for (const word of text.split(' ')) {
    if (oneLetter.test(word)) {
      initials += word
      continue
    }
    if (initials !== '') words.push(initials)
    initials = ''
    words.push(word)
  }
  if (initials !== '') words.push(initials)
  return words
}

/** Dotted forms are also written without their dots. */
const inWords = (forms: readonly string[]): ReadonlySet<string> =>
  new Set(
    forms
      .flatMap((form) => [form, form.replaceAll('.', '')])
      .map((form) => wordsOf(foldText(form)).join(' ')),
  )
const trailing = inWords([...trailingForms, ...affixedForms])
const leading = inWords([...leadingForms, ...affixedForms])
const longestForm = Math.max(...[...trailing, ...leading].map((form) => form.split(' ').length))

/**
 * The words without legal forms at either end, longest form first. The last word always stays, so that a company called
 * "Limited" keeps a name.
 */
function withoutLegalForms(words: readonly string[]): readonly string[] {
  for (let count = Math.min(longestForm, words.length - 1); count > 0; count -= 1) {
    if (trailing.has(words.slice(-count).join(' '))) return withoutLegalForms(words.slice(0, -count))
  }
  for (let count = Math.min(longestForm, words.length - 1); count > 0; count -= 1) {
    if (leading.has(words.slice(0, count).join(' '))) return withoutLegalForms(words.slice(count))
  }
  const [first = '', last = ''] = [words[0], words.at(-1)]
  for (const form of affixedForms) {
    if (last.length > form.length && last.endsWith(form)) {
      return withoutLegalForms([...words.slice(0, -1), last.slice(0, -form.length)])
    }
    if (first.length > form.length && first.startsWith(form)) {
      return withoutLegalForms([first.slice(form.length), ...words.slice(1)])
    }
  }
  return words
}

/** Ligatures grow when they are folded; an index holds no more. */
const longestKey = 500

/**
 * What stays of a company name when case, accents, punctuation and legal forms are taken off. Idempotent, and never
 * empty: a name that consists of nothing else is its own key, folded.
 */
export function nameKeyOf(name: string): string {
  const folded = foldText(name).slice(0, longestKey).toWellFormed().trim()
  const key = withoutLegalForms(wordsOf(folded)).join(' ')
  return key === '' ? folded : key
}
