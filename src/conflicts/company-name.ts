/** A company name taken apart: what tells, what is legal form, what is an address put behind it. Pure. */
import anyAscii from 'any-ascii'
import { affixedForms } from '#src/customers/legal-forms.ts'
import { type LegalGroup, legalGroups } from '#src/customers/legal-groups.ts'
import { foldText, wordsOf } from '#src/customers/name-key.ts'
import { isAppended, isEmpty, spellOut, wordWeight } from './company-words.ts'

export interface NameWord {
  readonly text: string
  /** How much it tells about which company it is, 0 to 1. */
  readonly weight: number
  /** A region or department, or what stands behind the legal form. */
  readonly appended: boolean
  /** Which letters occur in it, a bit each. */
  readonly letters: number
}

export interface CompanyName {
  /** In Latin letters, abbreviations spelled out, without legal forms; never empty unless the name is blank. */
  readonly words: readonly NameWord[]
  /** All words in one. */
  readonly compact: string
  /** The same, with small words like "der" and "of". */
  readonly whole: string
  readonly letters: number
  /** The words in their order, and sorted. */
  readonly text: string
  readonly sorted: string
  /** The initials of the words, those of "and" and "of" left out. */
  readonly initials: string
  readonly numbers: readonly string[]
  /** The numbers, sorted. */
  readonly numbering: string
  readonly groups: readonly LegalGroup[]
}

const groupOf: ReadonlyMap<string, LegalGroup> = new Map(
  (Object.entries(legalGroups) as [LegalGroup, string][]).flatMap(([group, forms]) =>
    forms.split('|').map((form) => [form.replace(/\s+/gu, ' ').trim(), group] as const),
  ),
)
/** Also without their spaces: "Coltd". */
const joinedForms: ReadonlyMap<string, LegalGroup> = new Map(
  ['co ltd', 'pte ltd', 'pty ltd', 'sdn bhd', 'pvt ltd', 'and co kg'].map((form) => [
    form.replaceAll(' ', ''),
    'limited' as const,
  ]),
)
const longestForm = Math.max(...[...groupOf.keys()].map((form) => form.split(' ').length))

const setOf = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/u))
/** Single words that are a legal form wherever they stand; others are one at the end of a name only. */
const leadingForms = setOf(
  'nv bv ab gmbh ooo oao zao pao ao jsc ojsc cjsc pjsc llc pt uab oy ano ано ооо оао зао пао ао тоо',
)
const innerForms = setOf('nv bv gmbh ag aktiengesellschaft sarl spa srl coltd')
/** These stand in the middle of names too, so that only punctuation tells that the name ends with them. */
const endingForm = /(?<![\p{L}])(?:ltd|limited|inc|incorporated|llc|plc|corp)\.?\s*[,;(/[-]/u
const englishForms = setOf('ltd limited inc incorporated llc plc corp')
/** Kinds of shares and marks of registers, written behind a name. */
const shareMarks = setOf('adr ads gdr cdi cl class ordinary shs')
const abroad: Readonly<Record<string, string>> = {
  'united states': 'us',
  'united kingdom': 'uk',
  'great britain': 'uk',
  'st petersburg': 'petersburg',
}
const numberWords: Readonly<Record<string, string>> = Object.fromEntries(
  (
    '1st:first 2nd:second 3rd:third 4th:fourth 5th:fifth 7th:seventh ii:2 iii:3 iv:4 vi:6 vii:7 viii:8 ix:9 xi:11 xii:12 ' +
    'two:2 three:3 four:4 five:5 six:6 seven:7 eight:8 nine:9 ten:10'
  )
    .split(' ')
    .map((pair) => pair.split(':') as [string, string]),
)
const tens: Readonly<Record<string, number>> = {
  twenty: 20,
  thirty: 30,
  forty: 40,
  fourty: 40,
  fifty: 50,
  sixty: 60,
  seventy: 70,
  eighty: 80,
  ninety: 90,
}
const affixes = affixedForms.map(foldText)
const tailWeight = 0.12
const longestName = 300
/** More words than any company has; every word is compared with every other. */
const mostWords = 24

const remembered = new Map<string, CompanyName>()
const rememberedAtMost = 20_000

/** Takes a name apart; the last some thousand names are remembered. */
export function readName(name: string): CompanyName {
  const known = remembered.get(name)
  if (known) return known
  const read = takeApart(name)
  if (remembered.size >= rememberedAtMost) remembered.clear()
  remembered.set(name, read)
  return read
}

function takeApart(name: string): CompanyName {
  const text = foldText(name.slice(0, longestName))
    .toWellFormed()
    .replace(spacedForm, ' $1v ')
    .replace(gluedForm, '$1 $2v ')
  const folded = wordsOf(text).flatMap(splitForm).slice(0, mostWords)
  const { stem, tail, groups } = withoutForms(folded, endingForm.test(text))
  const telling = stem.filter((word) => !isEmpty(word))
  const kept = telling.length > 0 ? telling : stem.length > 0 ? stem : folded
  const head = inLatin(kept).map((text) => wordOf(text, wordWeight(text), isAppended(text)))
  const behind = inLatin(tail.filter((word) => !isEmpty(word) && !groupOf.has(word))).map((text) =>
    wordOf(text, tailWeight, true),
  )
  const words = [...head, ...behind]
  const texts = words.map(({ text: word }) => word)
  const compact = head.map(({ text: word }) => word).join('')
  const numbers = head.flatMap(({ text: word }) => (/\d/u.test(word) ? [word] : []))
  return {
    words,
    compact,
    whole: stem.map(toLatin).join('') || compact,
    letters: lettersOf(compact),
    text: texts.join(' '),
    sorted: texts.toSorted().join(' '),
    initials: head.map(({ text: word }) => word[0]).join(''),
    numbers,
    numbering: numbers.toSorted().join(' '),
    groups: [...new Set(groups)],
  }
}

const wordOf = (text: string, weight: number, appended: boolean): NameWord => ({
  text,
  weight,
  appended,
  letters: lettersOf(text),
})

/** Letters and digits beyond 31 kinds share bits, so that two texts differ in at least as many letters as in bits. */
function lettersOf(text: string): number {
  let letters = 0
  for (let index = 0; index < text.length; index += 1) letters |= 1 << (text.charCodeAt(index) & 31)
  return letters
}

/** "N. V.", "B,V": the two forms that are written apart most often. */
const spacedForm = /(?<!\p{L})([nb])[\s.,;]{1,3}v(?!\p{L})/gu
const gluedForm = /(\p{L}{3,})([nb])[.,]\s?v(?!\p{L})/gu

/** Forms that scripts without spaces write at the name, and the two that are joined to it by mistake most often. */
function splitForm(word: string): string[] {
  const affixed = affixes.find(
    (form) => word.length > form.length && (word.endsWith(form) || word.startsWith(form)),
  )
  if (affixed) return [word.endsWith(affixed) ? word.slice(0, -affixed.length) : word.slice(affixed.length)]
  const found = /^(?=.*[aeiou])(\p{L}{4,})(nv|bv)$/u.exec(word)
  return found?.[1] && found[2] ? [found[1], found[2]] : [word]
}

function withoutForms(words: readonly string[], endsInside: boolean) {
  const groups: LegalGroup[] = []
  let [from, to] = [0, words.length]
  const formAt = (start: number, end: number): LegalGroup | undefined => {
    const text = words.slice(start, end).join(' ')
    return groupOf.get(text) ?? (end - start === 1 ? joinedForms.get(text) : undefined)
  }
  const shorten = (): boolean => {
    const last = words[to - 1] ?? ''
    if (to - from > 1 && shareMarks.has(last)) {
      to -= 1
      return true
    }
    if (to - from > 2 && words[to - 2] === 'class' && last.length === 1) {
      to -= 2
      return true
    }
    for (let count = Math.min(longestForm, to - from - 1); count > 0; count -= 1) {
      const group = formAt(to - count, to)
      if (group) {
        groups.push(group)
        to -= count
        return true
      }
    }
    for (let count = Math.min(longestForm, to - from - 1); count > 0; count -= 1) {
      const group = formAt(from, from + count)
      if (group && (count > 1 || leadingForms.has(words[from] ?? ''))) {
        groups.push(group)
        from += count
        return true
      }
    }
    return false
  }
  while (shorten());
  const rest = words.slice(from, to)
  // What stands behind a form is where the company sits: "Maasland N.V., Maassluis, NL".
  const inner = rest.findIndex(
    (word, index) => index > 0 && (innerForms.has(word) || (endsInside && englishForms.has(word))),
  )
  if (inner < 0) return { stem: rest, tail: [], groups }
  const group = groupOf.get(rest[inner] ?? '')
  if (group) groups.push(group)
  return { stem: rest.slice(0, inner), tail: rest.slice(inner + 1), groups }
}

const toLatin = (word: string): string =>
  /^[\u0020-\u007f]*$/u.test(word)
    ? word
    : anyAscii(word)
        .toLowerCase()
        .replace(/[^a-z0-9]+/gu, '')

/** Words in plain Latin letters, abbreviations, numbers and countries in one spelling. */
function inLatin(words: readonly string[]): string[] {
  const texts: string[] = []
  for (const word of words) {
    const latin = toLatin(word)
    const text = spellOut(Object.hasOwn(numberWords, latin) ? (numberWords[latin] ?? latin) : latin) || word
    const before = texts.at(-1) ?? ''
    const pair = `${before} ${text}`
    if (Object.hasOwn(abroad, pair)) texts.splice(-1, 1, abroad[pair] ?? text)
    else if (Object.hasOwn(tens, before) && /^[1-9]$/u.test(text))
      texts.splice(-1, 1, String((tens[before] ?? 0) + Number(text)))
    else texts.push(text)
  }
  return texts
}
