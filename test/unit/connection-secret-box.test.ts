import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSecretBox, SealBroken } from '#src/connections/secret-box.ts'

const oldKey = randomBytes(32)
const newKey = randomBytes(32)
const old = createSecretBox({ current: oldKey, previous: [] })
const rotated = createSecretBox({ current: newKey, previous: [oldKey] })
const fresh = createSecretBox({ current: newKey, previous: [] })

describe('a secret box', () => {
  test('gives back what was put in, and the sealed text does not show it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.string({ minLength: 12 })), async (secret) => {
        const sealed = await old.seal('a', secret)
        expect(await old.open('a', sealed)).toEqual(secret)
        for (const value of Object.values(secret)) expect(sealed).not.toContain(value)
      }),
      { numRuns: 50 },
    )
  })

  test('seals the same secret differently each time', async () => {
    expect(await old.seal('a', 's')).not.toBe(await old.seal('a', 's'))
  })

  test('opens what an earlier key sealed, knows it as such, and seals with the new key', async () => {
    const sealed = await old.seal('a', { clientSecret: 's' })
    expect(await rotated.open('a', sealed)).toEqual({ clientSecret: 's' })
    expect(rotated.isCurrent(sealed)).toBe(false)
    const anew = await rotated.seal('a', { clientSecret: 's' })
    expect(rotated.isCurrent(anew)).toBe(true)
    expect(await fresh.open('a', anew)).toEqual({ clientSecret: 's' })
  })

  test('says which key is missing and what to do about it', async () => {
    const sealed = await old.seal('a', 's')
    await expect(fresh.open('a', sealed)).rejects.toThrow(/SECRET_KEY_PREVIOUS, or replace the credentials/)
  })

  test("does not open one connection's secret for another", async () => {
    await expect(old.open('b', await old.seal('a', 's'))).rejects.toThrow(SealBroken)
  })

  test('does not open what was tampered with, nor what is no sealed text', async () => {
    const sealed = await old.seal('a', 's')
    const [header, ...rest] = sealed.split('.')
    const forged = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(header!, 'base64url').toString()), sub: 'b' }),
    ).toString('base64url')
    await expect(old.open('b', [forged, ...rest].join('.'))).rejects.toThrow(SealBroken)
    await expect(old.open('a', `${sealed.slice(0, -4)}AAAA`)).rejects.toThrow(SealBroken)
    await expect(old.open('a', 'plain')).rejects.toThrow(SealBroken)
    expect(() => old.isCurrent('plain')).toThrow(SealBroken)
  })
})
