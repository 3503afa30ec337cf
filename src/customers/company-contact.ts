/** Where a company is reached and how registers number it, in forms that compare. Pure. */
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { foldText } from './name-key.ts'

/** E.164 where the number and its country are known to fit, else its digits; null for what is none. */
export function phoneKey(phone: string | null | undefined, country: string | null): string | null {
  if (!phone) return null
  const text = phone.slice(0, 60)
  const region = country !== null && isSupportedCountry(country) ? (country as CountryCode) : undefined
  const parsed = parsePhoneNumberFromString(text, region)
  if (parsed?.isValid()) return parsed.number
  const digits = text.replace(/\D/gu, '')
  return digits.length >= 6 ? digits : null
}

/** Letters and digits alone. */
export const postalKey = (postalCode: string | null | undefined): string | null =>
  plain(postalCode ?? '') || null

const streetWords: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    street: 'st str strasse',
    avenue: 'ave av',
    boulevard: 'blvd bd blv',
    road: 'rd',
    drive: 'dr',
    place: 'pl',
    lane: 'ln',
    court: 'ct',
    square: 'sq',
    highway: 'hwy',
    parkway: 'pkwy',
    north: 'n',
    south: 's',
    east: 'e',
    west: 'w',
  }).flatMap(([word, shorts]) => shorts.split(' ').map((short) => [short, word])),
)

/** The words of an address, folded, with the usual abbreviations spelled out. */
export function addressKey(address: string | null | undefined): string | null {
  const words = foldText((address ?? '').slice(0, 300))
    .replace(/(?<=\p{L})str(?:asse|\.)?(?=[\s,]|$)/gu, ' street')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .split(' ')
  return words.map((word) => (Object.hasOwn(streetWords, word) ? streetWords[word] : word)).join(' ') || null
}

/** Numbers of registers without spaces and punctuation, by kind: `vat:DE123456789`. */
export const identifierKeys = (
  identifiers: Readonly<Record<string, string | null | undefined>> | null | undefined,
): readonly string[] =>
  Object.entries(identifiers ?? {}).flatMap(([kind, value]) => {
    const text = plain(value ?? '')
    return text.length < 5 ? [] : [`${kind}:${text}`]
  })

const plain = (text: string): string =>
  text
    .slice(0, 60)
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
