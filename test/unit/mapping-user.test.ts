import { describe, expect, test } from 'vitest'
import { remoteToLocal, toRemote } from '#mappings/apply.ts'
import type { MappingContext } from '#mappings/transforms/transform.ts'
import type { Via } from '#mappings/transforms.ts'
import { manyCurrencies, mapLine } from '#test/support/mapping-line.ts'

const via = (fallback: string | null): Via => ({
  kind: 'user',
  object: 'User',
  emailField: 'Email',
  active: { field: 'IsActive', equals: true },
  default: fallback,
})
const known: MappingContext = {
  ...manyCurrencies,
  users: {
    idOf: (_, email) => (email === 'mona@vendor.example' ? '005mona' : null),
    emailOf: (_, id) => (id === '005mona' ? 'mona@vendor.example' : null),
  },
}
const send = (fallback: string | null, value: string | null, ctx = known) =>
  toRemote(mapLine(via(fallback)), { value }, ctx, { creating: true })

describe('a person', () => {
  test('is the user with the same e-mail address, in both directions', () => {
    expect(send('005else', 'mona@vendor.example')).toMatchObject({
      fields: { Field: '005mona' },
      issues: [],
      warnings: [],
    })
    expect(remoteToLocal(mapLine(via(null)), 'value', { Field: '005mona' }, known)).toEqual({
      ok: true,
      value: 'mona@vendor.example',
    })
  })

  test('whom the CRM does not know gives way to the default, which is said and stops nothing', () => {
    const write = send('005else', 'gone@vendor.example')
    expect(write).toMatchObject({ fields: { Field: '005else' }, issues: [] })
    expect(write.warnings).toMatchObject([{ field: 'value', code: 'unknown_user' }])
  })

  test('without a default is left to the CRM, which is said too', () => {
    const write = send(null, 'gone@vendor.example')
    expect(write).toMatchObject({ fields: {}, issues: [] })
    expect(write.warnings).toHaveLength(1)
  })

  test('over there whom we cannot name is an issue, not a guess', () => {
    expect(remoteToLocal(mapLine(via(null)), 'value', { Field: '005other' }, known)).toMatchObject({
      ok: false,
      issue: { code: 'no_counterpart' },
    })
  })

  test('is not guessed where nobody looks people up', () => {
    expect(send('005else', 'mona@vendor.example', manyCurrencies).issues).toMatchObject([
      { code: 'not_looked_up' },
    ])
  })
})
