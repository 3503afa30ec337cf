import countries from 'i18n-iso-countries'
import { foldText } from './name-key.ts'

/** What people write besides the official names; the parts of the United Kingdom are no countries of the standard. */
const everyday: Readonly<Record<string, string>> = {
  America: 'US',
  'U.K.': 'GB',
  England: 'GB',
  Scotland: 'GB',
  Wales: 'GB',
  'Northern Ireland': 'GB',
  Britain: 'GB',
  Holland: 'NL',
  UAE: 'AE',
  KSA: 'SA',
  PRC: 'CN',
  'Mainland China': 'CN',
  'Hong Kong SAR': 'HK',
  'Macao SAR': 'MO',
  ROC: 'TW',
  Deutschland: 'DE',
  Österreich: 'AT',
  Schweiz: 'CH',
  España: 'ES',
  Italia: 'IT',
  Brasil: 'BR',
  Éire: 'IE',
  Burma: 'MM',
  Swaziland: 'SZ',
  // The European Union's code for Greece.
  EL: 'GR',
}

const keyOf = (text: string): string =>
  foldText(text)
    .replaceAll('&', 'and')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .replace(/^the(?=.)/u, '')

const byKey: ReadonlyMap<string, string> = new Map([
  ...Object.entries(everyday).map(([name, code]) => [keyOf(name), code] as const),
  ...Object.entries(countries.getNames('en', { select: 'all' })).flatMap(([code, names]) =>
    names.map((name) => [keyOf(name), code] as const),
  ),
  ...Object.entries(countries.getAlpha3Codes()).map(([alpha3, alpha2]) => [keyOf(alpha3), alpha2] as const),
  ...Object.keys(countries.getAlpha2Codes()).map((code) => [keyOf(code), code] as const),
])

/** The two-letter ISO 3166 code of a country given by code (two or three letters) or English name; null if it is none. */
export const toCountryCode = (text: string): string | null => byKey.get(keyOf(text)) ?? null
