import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { PartnerId, UserId } from '#src/kernel/ids.ts'
import { readRows } from '#src/kernel/import-row.ts'
import { lineSchema, textSchema } from '#src/kernel/text.ts'
import { applyPartnerPatch, blankPartner, readTerritories } from '#src/partners/partner.ts'
import { applyRules, checkProgrammeRules, defaultRules } from '#src/partners/programme.ts'
import { actorOf, checkRoles, hashSecret, makeSecret } from '#src/partners/user.ts'

const rules = { ...defaultRules, name: 'P', timeZone: 'UTC', currency: 'EUR' }

describe('the rules of a programme', () => {
  test('hold together by default', () => {
    expect(checkProgrammeRules(rules)).toEqual([])
  })

  test('must not be overdue before the target, nor name a type twice, nor ask for unknown facts', () => {
    const broken = applyRules(rules, {
      reviewTargetBusinessDays: 6,
      registrationTypes: ['resale', 'resale'],
      autoApproval: { not: { field: 'amount', is: 'at_most', value: '12' } },
    })
    expect(checkProgrammeRules(broken).map(({ path }) => path)).toEqual([
      '/reviewOverdueBusinessDays',
      '/registrationTypes',
      '/autoApproval/not/value',
    ])
  })

  test('keep what a change does not name', () => {
    expect(applyRules(rules, { name: 'Q', currency: undefined })).toEqual({ ...rules, name: 'Q' })
  })
})

describe('a change of a partner', () => {
  const before = {
    ...blankPartner,
    name: 'Acme',
    country: 'DE',
    city: 'Ulm',
    domain: 'acme.de',
    currency: 'EUR',
  }

  test('clears with null, keeps what it leaves out, and keeps what it cannot read', () => {
    const { details, issues } = applyPartnerPatch(before, { city: null, country: 'Narnia' })
    expect(details).toEqual({ ...before, city: null })
    expect(issues).toMatchObject([{ path: '/country', code: 'unknown_country' }])
  })

  test('does not take a mail provider for its web domain', () => {
    expect(applyPartnerPatch(before, { domain: 'acme@gmail.com' }).issues).toMatchObject([
      { path: '/domain' },
    ])
  })
})

test('territories become country codes, each once', () => {
  expect(readTerritories(['Austria', 'at', 'DEU'], '/territories')).toEqual({
    codes: ['AT', 'DE'],
    issues: [],
  })
  expect(readTerritories(['DE', 'Mars'], '/territories').issues).toMatchObject([{ path: '/territories/1' }])
})

describe('roles', () => {
  const acme = 'p' as PartnerId

  test('belong to one side', () => {
    expect(checkRoles(['administrator', 'auditor'], null)).toEqual([])
    expect(checkRoles(['partner_seller', 'finance'], acme)).toMatchObject([{ path: '/roles/1' }])
    expect(checkRoles(['partner_seller'], null)).toHaveLength(1)
  })

  test('of an actor are those that both the user has and the token grants', () => {
    const user = {
      id: 'u' as UserId,
      name: 'Kim',
      partnerId: acme,
      roles: ['partner_seller', 'partner_finance'],
    } as const
    const roles = (scope: Parameters<typeof actorOf>[1]) => {
      const actor = actorOf(user, scope)
      return actor.kind === 'partner' ? actor.roles : null
    }
    expect(roles(null)).toEqual(['partner_seller', 'partner_finance'])
    expect(roles(['partner_finance'])).toEqual(['partner_finance'])
    expect(roles(['partner_administrator'])).toEqual([])
  })
})

test('secrets are long, never the same, and kept as a hash', () => {
  const secrets = new Set(Array.from({ length: 100 }, makeSecret))
  expect(secrets.size).toBe(100)
  for (const secret of secrets) expect(hashSecret(secret)).toHaveLength(32)
})

describe('rows of an import', () => {
  const schema = z.strictObject({ externalRef: lineSchema(10), name: lineSchema(10) })

  test('are read one by one; each gets exactly one verdict', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.anything(), fc.record({ externalRef: fc.constantFrom('a', 'b'), name: fc.string() })),
        ),
        (rows) => {
          const { read, rejected } = readRows(schema, rows)
          expect([...read.keys(), ...rejected.keys()].sort((a, b) => a - b)).toEqual([...rows.keys()])
          const refs = [...read.values()].map(({ externalRef }) => externalRef)
          expect(new Set(refs).size).toBe(refs.length)
        },
      ),
    )
  })
})

test('text with control characters or half characters is refused', () => {
  for (const bad of ['a\0b', 'a\nb', 'a\ud800']) expect(lineSchema(10).safeParse(bad).success).toBe(false)
  expect(textSchema(10).safeParse('a\n\tb').success).toBe(true)
  expect(textSchema(10).safeParse('a\0b').success).toBe(false)
  expect(lineSchema(10).parse(' Zoë 😀 ')).toBe('Zoë 😀')
})
