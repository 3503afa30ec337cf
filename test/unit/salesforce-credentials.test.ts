import { generateKeyPairSync } from 'node:crypto'
import { jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { isVendor, vendors } from '#connectors/registry.ts'
import {
  grantOf,
  type SalesforceCredentials,
  salesforceCredentialsSchema,
} from '#connectors/salesforce/credentials.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = (type: 'pkcs1' | 'pkcs8') => privateKey.export({ type, format: 'pem' }).toString()
const assertionOf = (
  part: Partial<Extract<SalesforceCredentials, { grant: 'jwt_bearer' }>> = {},
): SalesforceCredentials =>
  salesforceCredentialsSchema.parse({
    grant: 'jwt_bearer',
    loginUrl: 'https://login.salesforce.com',
    clientId: 'key',
    username: 'sync@vendor.example',
    privateKeyPem: pem('pkcs8'),
    ...part,
  })

describe('credentials', () => {
  it('mark what is secret, for forms and for the store', () => {
    const schema = z.toJSONSchema(salesforceCredentialsSchema, { io: 'input' })
    const secrets = (schema.oneOf ?? schema.anyOf ?? []).flatMap((option) =>
      Object.entries(option.properties ?? {}).flatMap(([name, field]) =>
        typeof field === 'object' && field['secret'] === true ? [name] : [],
      ),
    )
    expect(secrets.toSorted()).toEqual(['clientSecret', 'privateKeyPem'])
  })

  it.each([
    ['http://vendor.my.salesforce.com', false],
    ['ftp://vendor.my.salesforce.com', false],
    ['vendor.my.salesforce.com', false],
    ['https://vendor.my.salesforce.com', true],
    ['http://127.0.0.1:4000', true],
    ['http://localhost:4000', true],
    ['http://localhost.attacker.example', false],
  ])('go to %s: %s', (loginUrl, allowed) => {
    const given = { grant: 'client_credentials', loginUrl, clientId: 'key', clientSecret: 'secret' }
    expect(salesforceCredentialsSchema.safeParse(given).success).toBe(allowed)
  })

  it('keep only the origin of the address', () => {
    expect(assertionOf({ loginUrl: 'https://login.salesforce.com/path?x=1' }).loginUrl).toBe(
      'https://login.salesforce.com',
    )
  })

  it('take an RSA key in either PEM form, and no other key', () => {
    expect(() => assertionOf({ privateKeyPem: pem('pkcs1') })).not.toThrow()
    const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const curvePem = curve.export({ type: 'pkcs8', format: 'pem' }).toString()
    for (const privateKeyPem of [curvePem, 'not a key', '']) {
      expect(() => assertionOf({ privateKeyPem })).toThrow('RSA')
    }
  })

  it('are refused by the registry without repeating them', () => {
    expect(isVendor('salesforce')).toBe(true)
    expect(isVendor('toString')).toBe(false)
    const options = {
      gate: { call: () => Promise.reject(new Error('unused')), observeUsage: () => undefined },
      requestTimeoutMs: 1000,
      now: () => new Date(),
      webhookUrl: 'https://partners.example.com/hooks/1',
    }
    const attempt = () =>
      vendors.salesforce.create({
        ...options,
        credentials: { grant: 'client_credentials', clientSecret: 'hush-hush' },
      })
    expect(attempt).toThrow(z.ZodError)
    expect(attempt).not.toThrow('hush-hush')
  })
})

describe('the assertion', () => {
  const now = new Date()
  const verify = async (credentials: SalesforceCredentials, audience: string) => {
    const grant = await grantOf(credentials, now)
    expect(grant.grant_type).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
    return jwtVerify(String(grant['assertion']), publicKey, { audience, algorithms: ['RS256'] })
  }

  it('names us, the user and Salesforce, and is good for minutes only', async () => {
    const { payload } = await verify(
      assertionOf({ privateKeyPem: pem('pkcs1') }),
      'https://login.salesforce.com',
    )
    expect(payload).toMatchObject({ iss: 'key', sub: 'sync@vendor.example' })
    const lifeSeconds = (payload.exp ?? 0) - now.getTime() / 1000
    expect(lifeSeconds).toBeGreaterThan(60)
    expect(lifeSeconds).toBeLessThanOrEqual(180)
  })

  it.each([
    ['https://test.salesforce.com', 'https://test.salesforce.com'],
    ['https://vendor--uat.sandbox.my.salesforce.com', 'https://test.salesforce.com'],
    ['https://vendor.my.salesforce.com', 'https://login.salesforce.com'],
  ])('for %s is meant for %s', async (loginUrl, audience) => {
    await verify(assertionOf({ loginUrl }), audience)
  })

  it('is meant for the site that the credentials name', async () => {
    const audience = 'https://site.force.example'
    await verify(assertionOf({ audience }), audience)
  })
})
