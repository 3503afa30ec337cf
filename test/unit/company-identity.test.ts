import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { toCountryCode } from '#src/customers/country.ts'
import { affixedForms, trailingForms } from '#src/customers/legal-forms.ts'
import { foldText, nameKeyOf } from '#src/customers/name-key.ts'
import { freeMailDomains } from '#src/customers/shared-domains.ts'
import { companyDomain, registrableDomain } from '#src/customers/web-domain.ts'

describe('the name key', () => {
  test.each([
    ['Müller GmbH & Co. KG', 'muller'],
    ['MULLER', 'muller'],
    ['Grupo Bimbo, S.A.B. de C.V.', 'grupo bimbo'],
    ['Shenzhen Widgets Co., Ltd.', 'shenzhen widgets'],
    ['Acme Pty Ltd', 'acme'],
    ['Acme (Pty) Ltd.', 'acme'],
    ['Smith & Sons', 'smith and sons'],
    ['Smith and Sons, Inc.', 'smith and sons'],
    ['J. P. Morgan', 'jp morgan'],
    ['J.P. Morgan', 'jp morgan'],
    ['JP Morgan & Co.', 'jp morgan'],
    ["McDonald's Corporation", 'mcdonalds'],
    ['McDonald’s', 'mcdonalds'],
    ['Novo Nordisk A/S', 'novo nordisk'],
    ['Kowalski Sp. z o.o.', 'kowalski'],
    ['Kowalski sp. z o. o.', 'kowalski'],
    ['Škoda Auto a.s.', 'skoda auto'],
    ['Türk Telekom A.Ş.', 'turk telekom'],
    ['ООО «Ромашка»', 'ромашка'],
    ['The Boeing Company', 'boeing'],
    ['N.A.S.A.', 'nasa'],
    ['NASA', 'nasa'],
    ['株式会社日立製作所', '日立製作所'],
    ['日立製作所 ㈱', '日立製作所'],
    ['华为技术有限公司', '华为技术'],
    ['삼성전자 주식회사', '삼성전자'],
    ['SAS Institute Inc.', 'sas institute'],
    ['Hewlett-Packard', 'hewlett packard'],
  ])('of %s is "%s"', (name, key) => {
    expect(nameKeyOf(name)).toBe(key)
  })

  test('stays when a name consists of legal forms or punctuation only', () => {
    expect(nameKeyOf('GmbH')).toBe('gmbh')
    expect(nameKeyOf('Limited Co.')).toBe('limited')
    expect(nameKeyOf('株式会社')).toBe('株式会社')
    expect(nameKeyOf('!!!')).toBe('!!!')
  })

  test('is its own key', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const key = nameKeyOf(name)
        expect(nameKeyOf(key)).toBe(key)
      }),
      { numRuns: 2_000 },
    )
  })

  test('is never empty unless the name is blank', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        expect(nameKeyOf(name) === '').toBe(foldText(name).trim() === '')
      }),
    )
  })

  test('does not depend on case', () => {
    fc.assert(
      fc.property(ordinaryName, (name) => {
        expect(nameKeyOf(name.toUpperCase())).toBe(nameKeyOf(name))
        expect(nameKeyOf(name.toLowerCase())).toBe(nameKeyOf(name))
      }),
    )
  })

  test('does not depend on punctuation between words', () => {
    const marks = fc.constantFrom(', ', '. ', ' - ', '-', ' / ', '_', ' (', ') ', '  ', '," ', '; ')
    fc.assert(
      fc.property(ordinaryWords, fc.array(marks, { minLength: 8, maxLength: 8 }), (words, between) => {
        const marked = words.map((word, index) => word + between[index]).join('')
        expect(nameKeyOf(marked)).toBe(nameKeyOf(words.join(' ')))
      }),
    )
  })

  test('does not depend on a legal form at the end', () => {
    fc.assert(
      fc.property(
        ordinaryName,
        fc.constantFrom(...trailingForms),
        fc.constantFrom(' ', ', '),
        (name, form, gap) => {
          const key = nameKeyOf(name)
          expect(nameKeyOf(`${name}${gap}${form}`)).toBe(key)
          expect(nameKeyOf(`${name}${gap}${form.toUpperCase()}`)).toBe(key)
          expect(nameKeyOf(`${name}${gap}${form.replaceAll('.', '')}`)).toBe(key)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('knows some hundred legal forms, each once', () => {
    expect(trailingForms.length + affixedForms.length).toBeGreaterThan(150)
    expect(new Set(trailingForms).size).toBe(trailingForms.length)
  })
})

describe('the web domain', () => {
  test.each([
    ['https://www.example-widgets.com/path?x=1', 'example-widgets.com'],
    ['www.Acme.CO.UK', 'acme.co.uk'],
    ['shop.acme.com:8080', 'acme.com'],
    ['info@mail.acme.de', 'acme.de'],
    ['acme.com.', 'acme.com'],
    ['https://www.bücher.de', 'xn--bcher-kva.de'],
    ['XN--BCHER-KVA.de', 'xn--bcher-kva.de'],
    ['食狮.公司.cn', 'xn--85x722f.xn--55qx5d.cn'],
    ['acme.uk.com', 'acme.uk.com'],
    ['linkedin.com', 'linkedin.com'],
  ])('of %s is %s', (text, domain) => {
    expect(registrableDomain(text)).toBe(domain)
  })

  test.each([
    'acme.github.io',
    'acme.blogspot.com',
    'blog.acme.wixsite.com',
    'acme.wordpress.com',
    'https://www.linkedin.com/company/acme',
    'https://sites.google.com/view/acme',
    'http://192.168.1.1/',
    'http://[::1]/',
    'localhost',
    'acme.local',
    'co.uk',
    'n/a',
    'not a domain',
    '',
  ])('of "%s" is none', (text) => {
    expect(registrableDomain(text)).toBeNull()
  })

  test('is its own domain', () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.domain(), fc.emailAddress(), fc.string()), (text) => {
        const domain = registrableDomain(text)
        if (domain !== null) expect(registrableDomain(domain)).toBe(domain)
      }),
    )
  })

  test('of a mail provider says nothing about a company', () => {
    expect(freeMailDomains.size).toBeGreaterThanOrEqual(60)
    expect(companyDomain('ada@gmail.com')).toBeNull()
    expect(companyDomain('http://www.gmx.de')).toBeNull()
    for (const domain of freeMailDomains) expect(registrableDomain(domain)).toBe(domain)
  })
})

describe('a company', () => {
  test('is identified by its web domain before that of an e-mail address', () => {
    const company = {
      name: ' Acme   Inc. ',
      domain: 'acme.com',
      email: 'ada@other.com',
      country: 'usa',
      city: ' Ulm ',
    }
    expect(identifyCompany(company)).toEqual({
      domain: 'acme.com',
      name: 'Acme Inc.',
      nameKey: 'acme',
      country: 'US',
      city: 'Ulm',
    })
  })

  test('falls back to the e-mail domain when the web address is missing or shared', () => {
    expect(identifyCompany({ name: 'Acme', email: 'ada@acme.com' }).domain).toBe('acme.com')
    expect(identifyCompany({ name: 'Acme', domain: 'acme.github.io', email: 'ada@acme.com' }).domain).toBe(
      'acme.com',
    )
    expect(identifyCompany({ name: 'Acme', email: 'acme@gmail.com' }).domain).toBeNull()
  })
})

describe('a country', () => {
  test.each([
    ['DE', 'DE'],
    ['deu', 'DE'],
    ['Germany', 'DE'],
    ['the Netherlands', 'NL'],
    ['U.S.A.', 'US'],
    ['UK', 'GB'],
    ["Côte d'Ivoire", 'CI'],
    ['Cote dIvoire', 'CI'],
    ['Türkiye', 'TR'],
    ['Bosnia & Herzegovina', 'BA'],
  ])('%s is %s', (text, code) => {
    expect(toCountryCode(text)).toBe(code)
  })

  test('that nobody knows is none', () => {
    expect(toCountryCode('Atlantis')).toBeNull()
    expect(toCountryCode('')).toBeNull()
  })
})

const alphabets = [
  'abcdefghijklmnopqrstuvwxyzäöüßåéèñçøłőğ',
  'αβγδεζηθικλμνξοπρστυφχψω',
  'абвгдежзийклмнопрстуфхцчшщыэюя',
]
const word = fc
  .constantFrom(...alphabets)
  .chain((letters) => fc.string({ unit: fc.constantFrom(...letters), minLength: 5, maxLength: 12 }))
  .filter((text) => !trailingForms.some((form) => foldText(form).includes(foldText(text))))
const ordinaryWords = fc.array(word, { minLength: 1, maxLength: 4 })
const ordinaryName = ordinaryWords.map((words) => words.join(' '))
const anyName = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom('A', 'S', 'Ltd', 'GmbH', '&', 'and', 'Co', '株式会社', '.', 'de', 'CV', 'The', 'x'),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join(' ')),
)
