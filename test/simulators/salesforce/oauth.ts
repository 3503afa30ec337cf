/** The authorization server: client credentials and JWT bearer, sessions, and the identity of the running user. */
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { errors, jwtVerify } from 'jose'
import type { Organisation } from './organisation.ts'

export interface Credentials {
  readonly clientId: string
  readonly clientSecret: string
  readonly username: string
  /** PKCS #8, for signing JWT bearer assertions; the public half is registered with the connected app. */
  readonly privateKeyPem: string
}

export interface LoginAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface Sessions {
  readonly credentials: Credentials
  login(form: Readonly<Record<string, string>>): Promise<LoginAnswer>
  /** The user behind an access token; null where the session is unknown or over. */
  findUser(accessToken: string): string | null
  /** Ends every session, as an administrator's or a time-out's revocation does. */
  expireAll(): void
}

const grantJwt = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export function createCredentials(username: string): Credentials {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    clientId: `3MVG9${randomBytes(40).toString('base64url')}`,
    clientSecret: randomBytes(32).toString('hex').toUpperCase(),
    username,
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

export function refuseLogin(error: string, description: string): LoginAnswer {
  return { status: 400, body: { error, error_description: description } }
}

export function createSessions(
  organisation: Organisation,
  credentials: Credentials,
  instanceUrl: () => string,
): Sessions {
  const sessions = new Map<string, string>()
  const publicKey = createPublicKey(credentials.privateKeyPem)

  function openSession(): LoginAnswer {
    const userId = organisation.integrationUserId
    const accessToken = `${organisation.id.slice(0, 15)}!AQ${randomBytes(48).toString('base64url')}`
    sessions.set(accessToken, userId)
    const id = `${instanceUrl()}/id/${organisation.id}/${userId}`
    const issuedAt = String(organisation.now().getTime())
    const signature = createHmac('sha256', credentials.clientSecret)
      .update(id + issuedAt)
      .digest('base64')
    return {
      status: 200,
      body: {
        access_token: accessToken,
        signature,
        scope: 'api id',
        instance_url: instanceUrl(),
        id,
        token_type: 'Bearer',
        issued_at: issuedAt,
      },
    }
  }

  async function loginByAssertion(assertion: string | undefined): Promise<LoginAnswer> {
    if (!assertion) return refuseLogin('invalid_request', 'assertion not provided')
    const now = organisation.now()
    try {
      const { payload } = await jwtVerify(assertion, publicKey, {
        algorithms: ['RS256'],
        audience: [instanceUrl(), 'https://login.salesforce.com', 'https://test.salesforce.com'],
        requiredClaims: ['iss', 'sub', 'aud', 'exp'],
        currentDate: now,
        clockTolerance: 30,
      })
      if (payload.iss !== credentials.clientId) {
        return refuseLogin('invalid_client_id', 'client identifier invalid')
      }
      if ((payload.exp ?? 0) * 1000 > now.getTime() + 5 * 60_000) {
        return refuseLogin('invalid_grant', 'expiration of the assertion is too far away')
      }
      if (payload.sub !== credentials.username) {
        return refuseLogin('invalid_grant', "user hasn't approved this consumer")
      }
      return openSession()
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        return refuseLogin('invalid_grant', 'expired authorization code')
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
        return refuseLogin('invalid_grant', 'audience is invalid')
      }
      if (error instanceof errors.JOSEError) return refuseLogin('invalid_grant', 'invalid assertion')
      throw error
    }
  }

  return {
    credentials,
    async login(form) {
      if (form['grant_type'] === grantJwt) return loginByAssertion(form['assertion'])
      if (form['grant_type'] !== 'client_credentials') {
        return refuseLogin('unsupported_grant_type', 'grant type not supported')
      }
      if (form['client_id'] !== credentials.clientId) {
        return refuseLogin('invalid_client_id', 'client identifier invalid')
      }
      if (form['client_secret'] !== credentials.clientSecret) {
        return refuseLogin('invalid_client', 'invalid client credentials')
      }
      return openSession()
    },
    findUser: (accessToken) => sessions.get(accessToken) ?? null,
    expireAll: () => sessions.clear(),
  }
}

/** The identity URL and /services/oauth2/userinfo say the same in different words; both are served in full here. */
export function describeIdentity(
  organisation: Organisation,
  userId: string,
  instanceUrl: string,
): LoginAnswer['body'] {
  const user = organisation.tables.find('User')?.rows.get(userId)
  const rest = `${instanceUrl}/services/data/v{version}/`
  return {
    id: `${instanceUrl}/id/${organisation.id}/${userId}`,
    sub: `${instanceUrl}/id/${organisation.id}/${userId}`,
    asserted_user: true,
    user_id: userId,
    organization_id: organisation.id,
    username: user?.['Username'],
    preferred_username: user?.['Username'],
    nick_name: user?.['Alias'],
    nickname: user?.['Alias'],
    display_name: user?.['Name'],
    name: user?.['Name'],
    given_name: user?.['FirstName'],
    family_name: user?.['LastName'],
    first_name: user?.['FirstName'],
    last_name: user?.['LastName'],
    email: user?.['Email'],
    email_verified: true,
    user_type: 'STANDARD',
    language: 'en_US',
    locale: 'en_US',
    zoneinfo: 'GMT',
    utcOffset: 0,
    active: true,
    is_app_installed: true,
    urls: {
      rest,
      sobjects: `${rest}sobjects/`,
      query: `${rest}query/`,
      recent: `${rest}recent/`,
      profile: `${instanceUrl}/${userId}`,
      custom_domain: instanceUrl,
    },
  }
}
