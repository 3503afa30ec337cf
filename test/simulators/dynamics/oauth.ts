/** The token endpoint of Microsoft Entra: client credentials of an application user, and the tokens it gave out. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Organisation } from './organisation.ts'

export interface Credentials {
  readonly organisationUrl: string
  readonly loginUrl: string
  readonly tenantId: string
  readonly clientId: string
  readonly clientSecret: string
  /** What webhooks are sent with once an endpoint is registered with it. */
  readonly webhookKey: string
}

export interface LoginAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

export interface Sessions {
  login(tenantId: string, form: Readonly<Record<string, string>>): LoginAnswer
  /** The user behind a token; null where the token is unknown or over. */
  findUser(accessToken: string): string | null
  expireAll(): void
}

const lifeSeconds = 3599

export function refuseLogin(
  organisation: Pick<Organisation, 'now'>,
  error: string,
  code: number,
  description: string,
): LoginAnswer {
  const trace = randomUUID()
  const timestamp = `${organisation.now().toISOString().slice(0, 19).replace('T', ' ')}Z`
  return {
    status: error === 'invalid_client' ? 401 : 400,
    body: {
      error,
      error_description: `AADSTS${code}: ${description} Trace ID: ${trace} Correlation ID: ${trace} Timestamp: ${timestamp}`,
      error_codes: [code],
      timestamp,
      trace_id: trace,
      correlation_id: trace,
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    },
  }
}

export function createSessions(organisation: Organisation, credentials: () => Credentials): Sessions {
  const sessions = new Map<string, { readonly userId: string; readonly until: number }>()

  return {
    login(tenantId, form) {
      const { clientId, clientSecret, organisationUrl, tenantId: ours } = credentials()
      const refuse = (error: string, code: number, description: string) =>
        refuseLogin(organisation, error, code, description)
      if (tenantId !== ours) {
        return refuse('invalid_request', 90002, `Tenant '${tenantId}' not found.`)
      }
      if (form['grant_type'] !== 'client_credentials') {
        return refuse('unsupported_grant_type', 70003, 'The app requested an unsupported grant type.')
      }
      if (form['client_id'] !== clientId) {
        return refuse(
          'unauthorized_client',
          700016,
          `Application with identifier '${form['client_id'] ?? ''}' was not found in the directory.`,
        )
      }
      if (form['client_secret'] !== clientSecret) {
        return refuse('invalid_client', 7000215, 'Invalid client secret provided.')
      }
      const scope = form['scope'] ?? ''
      if (scope.replace(/\/+\.default$/, '') !== organisationUrl) {
        return refuse(
          'invalid_resource',
          500011,
          `The resource principal named ${scope} was not found in the tenant.`,
        )
      }
      const accessToken = `eyJ0eXAiOiJKV1Qi.${randomBytes(96).toString('base64url')}.${randomBytes(32).toString('base64url')}`
      const until = organisation.now().getTime() + lifeSeconds * 1000
      sessions.set(accessToken, { userId: organisation.integrationUserId, until })
      return {
        status: 200,
        body: {
          token_type: 'Bearer',
          expires_in: lifeSeconds,
          ext_expires_in: lifeSeconds,
          access_token: accessToken,
        },
      }
    },
    findUser(accessToken) {
      const session = sessions.get(accessToken)
      return session !== undefined && session.until > organisation.now().getTime() ? session.userId : null
    },
    expireAll: () => sessions.clear(),
  }
}
