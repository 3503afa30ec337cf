import { z } from 'zod'
import type { ConnectionIdentity } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { CallLabel } from '../wire/exchange.ts'
import { isLoopback } from '../wire/trusted-address.ts'
import { ownPaths } from './api-paths.ts'
import type { Apis } from './apis.ts'
import type { HubspotCredentials } from './credentials.ts'
import type { Session } from './session.ts'

const accountSchema = z.object({
  portalId: z.number().int().positive(),
  uiDomain: z.string().min(1).catch('app.hubspot.com'),
  companyCurrency: z.string().nullish().catch(null),
  additionalCurrencies: z.array(z.string()).nullish().catch(null),
})
/** A private app and OAuth name the same things differently; a token that is refused here is the concern of the call before. */
const tokenSchema = z
  .object({
    userId: z.number().optional(),
    user_id: z.number().optional(),
    scopes: z.array(z.string()).optional(),
    scope: z.string().optional(),
  })
  .transform((stated) => ({
    userId: stated.userId ?? stated.user_id,
    scopes: stated.scopes ?? stated.scope?.split(' ') ?? [],
  }))

export interface Account {
  readonly portalId: string
  /** Where people work. */
  readonly address: string
  readonly homeCurrency: string | null
  readonly otherCurrencies: readonly string[]
}

export async function readAccount(
  session: Session,
  { apiUrl }: Pick<HubspotCredentials, 'apiUrl'>,
  operation: CallLabel['operation'],
  signal: AbortSignal,
): Promise<Account> {
  const { value } = await session.send(
    {
      operation,
      object: null,
      records: 0,
      ask: async (apis) => accountSchema.parse(await apis.call('GET', ownPaths.accountDetails)),
    },
    signal,
  )
  return {
    portalId: String(value.portalId),
    address: `${isLoopback(apiUrl) ? apiUrl : `https://${value.uiDomain}`}/contacts/${value.portalId}/`,
    homeCurrency: value.companyCurrency ?? null,
    otherCurrencies: (value.additionalCurrencies ?? []).filter((code) => code !== value.companyCurrency),
  }
}

export interface TokenOwner {
  readonly userId: string | null
  readonly scopes: readonly string[]
}

/** Whom the token belongs to and what it may do; null where HubSpot does not say (service keys). */
export async function readTokenOwner(
  session: Session,
  credentials: HubspotCredentials,
  operation: CallLabel['operation'],
  signal: AbortSignal,
): Promise<TokenOwner | null> {
  const ask = (apis: Apis, token: string) => {
    if (credentials.grant === 'access_token') {
      return apis.call('POST', ownPaths.privateAppToken, { tokenKey: token })
    }
    const { clientId, clientSecret } = credentials
    const form = { client_id: clientId, client_secret: clientSecret, token, token_type_hint: 'access_token' }
    return apis.call('POST', ownPaths.introspection, new URLSearchParams(form))
  }
  try {
    const { value } = await session.send(
      {
        operation,
        object: null,
        records: 0,
        ask: async (apis, token) => tokenSchema.parse(await ask(apis, token)),
      },
      signal,
    )
    return { userId: value.userId === undefined ? null : String(value.userId), scopes: value.scopes }
  } catch (error) {
    const isUnknown =
      credentials.grant === 'access_token' &&
      error instanceof ConnectorFault &&
      [400, 403, 404, 405].includes(error.details.httpStatus ?? 0)
    if (isUnknown) return null
    throw error
  }
}

/** The portal and the user that we are in it. Where no user is known, the app stands for it. */
export async function identify(
  session: Session,
  credentials: HubspotCredentials,
  signal: AbortSignal,
): Promise<Omit<ConnectionIdentity, 'apiUsage'>> {
  // Asking first proves that the token is accepted, and replaces it when it is not.
  const account = await readAccount(session, credentials, 'probe', signal)
  const owner = await readTokenOwner(session, credentials, 'probe', signal)
  return {
    organisationId: account.portalId,
    userId: owner?.userId ?? credentials.appId ?? account.portalId,
    instanceUrl: account.address,
    multiCurrency: account.otherCurrencies.length > 0,
  }
}
