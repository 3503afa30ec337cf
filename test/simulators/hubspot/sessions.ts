/** Access tokens: short ones from the refresh token of an installed app, and a static one that does not expire. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Portal } from './portal.ts'

export interface Credentials {
  /** Where the API answers; also the base of the token endpoint. */
  readonly apiUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly refreshToken: string
  readonly appId: string
}

export type TokenState =
  | { readonly kind: 'valid'; readonly isOauth: boolean; readonly expiresInSeconds: number }
  | { readonly kind: 'expired'; readonly expiredAt: Date }
  | { readonly kind: 'unknown' }

export interface LoginAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface Sessions {
  readonly staticToken: string
  login(form: Readonly<Record<string, string>>): LoginAnswer
  look(token: string): TokenState
  expireAll(): void
  /** The refresh token is worth nothing from now on, as after the app was uninstalled. */
  revoke(): void
}

const lifeSeconds = 1_800

export const scopes: readonly string[] = [
  'oauth',
  'crm.objects.deals.read',
  'crm.objects.deals.write',
  'crm.objects.companies.read',
  'crm.objects.companies.write',
  'crm.objects.contacts.read',
  'crm.objects.contacts.write',
  'crm.objects.owners.read',
  'crm.schemas.deals.read',
  'crm.schemas.deals.write',
  'crm.schemas.companies.read',
  'crm.schemas.companies.write',
  'crm.schemas.contacts.read',
  'crm.schemas.contacts.write',
]

export function createCredentials(appId: number): Omit<Credentials, 'apiUrl'> {
  return {
    clientId: randomUUID(),
    clientSecret: randomUUID(),
    refreshToken: `eu1-${randomUUID()}`,
    appId: String(appId),
  }
}

/** The token endpoint words its errors both ways: as OAuth does, and as it did before. */
export function refuseLogin(error: string, description: string, status = 'BAD_REQUEST'): LoginAnswer {
  return {
    status: 400,
    body: {
      error,
      error_description: description,
      status,
      message: description,
      correlationId: randomUUID(),
    },
  }
}

export function createSessions(portal: Portal, credentials: Omit<Credentials, 'apiUrl'>): Sessions {
  const expiries = new Map<string, number>()
  const staticToken = `pat-eu1-${randomUUID()}`
  let revoked = false

  return {
    staticToken,
    login(form) {
      if (form['grant_type'] !== 'refresh_token')
        return refuseLogin('unsupported_grant_type', 'unsupported grant type', 'BAD_GRANT_TYPE')
      if (form['client_id'] !== credentials.clientId)
        return refuseLogin('invalid_client', 'missing or unknown client id', 'BAD_CLIENT_ID')
      if (form['client_secret'] !== credentials.clientSecret)
        return refuseLogin('invalid_client', 'missing or unknown client secret', 'BAD_CLIENT_SECRET')
      if (form['refresh_token'] !== credentials.refreshToken || revoked)
        return refuseLogin('invalid_grant', 'missing or unknown refresh token', 'BAD_REFRESH_TOKEN')
      const token = `CPj${randomBytes(90).toString('base64url')}`
      expiries.set(token, portal.now().getTime() + lifeSeconds * 1_000)
      return {
        status: 200,
        body: {
          token_type: 'bearer',
          access_token: token,
          refresh_token: credentials.refreshToken,
          expires_in: lifeSeconds,
          hub_id: Number(portal.id),
          user_id: Number(portal.integrationUserId),
          scopes,
        },
      }
    },
    look(token) {
      if (token === staticToken) return { kind: 'valid', isOauth: false, expiresInSeconds: 0 }
      const expiry = expiries.get(token)
      if (expiry === undefined || revoked) return { kind: 'unknown' }
      const leftMs = expiry - portal.now().getTime()
      return leftMs > 0
        ? { kind: 'valid', isOauth: true, expiresInSeconds: Math.floor(leftMs / 1_000) }
        : { kind: 'expired', expiredAt: new Date(expiry) }
    },
    expireAll() {
      const past = portal.now().getTime() - 1_000
      for (const token of expiries.keys()) expiries.set(token, past)
    },
    revoke() {
      revoked = true
    },
  }
}
