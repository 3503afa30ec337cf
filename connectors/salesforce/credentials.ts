import { createPrivateKey } from 'node:crypto'
import { SignJWT } from 'jose'
import { z } from 'zod'
import { originSchema } from '../wire/trusted-address.ts'

const secret = { secret: true }
const assertionLifeSeconds = 180

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}

const loginUrl = originSchema.meta({
  title: 'Login URL',
  description: 'The My Domain address, https://<name>.my.salesforce.com; JWT also takes login.salesforce.com',
})
const clientId = z.string().min(1).meta({ title: 'Consumer key' })

/**
 * How Counterpart signs in to Salesforce: as the run-as user of an app (client credentials), or as a named user by a
 * signed assertion (JWT bearer). Fields marked `secret` are sealed at rest and never shown again.
 */
export const salesforceCredentialsSchema = z.discriminatedUnion('grant', [
  z.strictObject({
    grant: z.literal('client_credentials'),
    loginUrl,
    clientId,
    clientSecret: z
      .string()
      .min(1)
      .meta({ title: 'Consumer secret', ...secret }),
  }),
  z.strictObject({
    grant: z.literal('jwt_bearer'),
    loginUrl,
    audience: z
      .string()
      .min(1)
      .optional()
      .meta({ title: 'Audience', description: 'Only for a site; otherwise it follows from the login URL' }),
    clientId,
    username: z.string().min(1).meta({ title: 'Username' }),
    privateKeyPem: z
      .string()
      .refine(isRsaKey, 'must be an RSA private key in PEM form')
      .meta({ title: 'Private key', ...secret }),
  }),
])
export type SalesforceCredentials = z.infer<typeof salesforceCredentialsSchema>

/** Form fields of the token request (Salesforce Help: OAuth 2.0 client credentials flow; JWT bearer flow). */
export async function grantOf(
  credentials: SalesforceCredentials,
  now: Date,
): Promise<{ grant_type: string; [name: string]: string }> {
  if (credentials.grant === 'client_credentials') {
    return {
      grant_type: 'client_credentials',
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret,
    }
  }
  const issuedAt = Math.floor(now.getTime() / 1000)
  const assertion = await new SignJWT()
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer(credentials.clientId)
    .setSubject(credentials.username)
    .setAudience(credentials.audience ?? audienceOf(credentials.loginUrl))
    .setExpirationTime(issuedAt + assertionLifeSeconds)
    .sign(createPrivateKey(credentials.privateKeyPem))
  return { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
}

function audienceOf(loginUrl: string): string {
  const { hostname } = new URL(loginUrl)
  const isSandbox = hostname === 'test.salesforce.com' || hostname.includes('.sandbox.')
  return isSandbox ? 'https://test.salesforce.com' : 'https://login.salesforce.com'
}
