import { z } from 'zod'
import type { ConnectionIdentity } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { ownPaths } from './api-paths.ts'
import type { HubspotCredentials } from './credentials.ts'
import type { CallLabel } from './exchange.ts'
import type { Session } from './session.ts'

const accountSchema = z.object({
  portalId: z.number().int().positive(),
  uiDomain: z.string().min(1).catch('app.hubspot.com'),
  companyCurrency: z.string().nullish().catch(null),
  additionalCurrencies: z.array(z.string()).nullish().catch(null),
})
const privateAppSchema = z.object({
  userId: z.number(),
  scopes: z.array(z.string()).catch([]),
})

export interface Account {
  readonly portalId: string
  /** Where people work. */
  readonly address: string
  readonly homeCurrency: string | null
  readonly otherCurrencies: readonly string[]
}

export async function readAccount(
  session: Session,
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
    address: `https://${value.uiDomain}/contacts/${value.portalId}/`,
    homeCurrency: value.companyCurrency ?? null,
    otherCurrencies: (value.additionalCurrencies ?? []).filter((code) => code !== value.companyCurrency),
  }
}

export interface TokenOwner {
  readonly userId: string
  readonly scopes: readonly string[]
}

/** Whom the token belongs to and what it may do; null where HubSpot does not say (service keys). */
export async function readTokenOwner(
  session: Session,
  { grant }: HubspotCredentials,
  operation: CallLabel['operation'],
  signal: AbortSignal,
): Promise<TokenOwner | null> {
  try {
    const { value } = await session.send(
      {
        operation,
        object: null,
        records: 0,
        ask: async (apis, token) =>
          grant === 'access_token'
            ? privateAppSchema.parse(await apis.call('POST', ownPaths.privateAppToken, { tokenKey: token }))
            : await apis.tokenInfo().get(token),
      },
      signal,
    )
    return { userId: String(value.userId), scopes: value.scopes ?? [] }
  } catch (error) {
    const isUnknown =
      grant === 'access_token' &&
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
  const account = await readAccount(session, 'probe', signal)
  const owner = await readTokenOwner(session, credentials, 'probe', signal)
  return {
    organisationId: account.portalId,
    userId: owner?.userId ?? credentials.appId ?? account.portalId,
    instanceUrl: account.address,
    multiCurrency: account.otherCurrencies.length > 0,
  }
}
