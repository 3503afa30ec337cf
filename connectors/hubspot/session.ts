import { ConnectorFault } from '../fault.ts'
import { type CallLabel, type ConnectorOptions, createExchange, type Reply } from '../wire/exchange.ts'
import { createSignIn } from '../wire/sign-in.ts'
import { hubspotAnswers } from './answers.ts'
import { type ApiRelease, apiRelease } from './api-paths.ts'
import { type Apis, createApis } from './apis.ts'
import type { HubspotCredentials } from './credentials.ts'

/** A token is replaced so long before its end that no call under way outlives it. */
const renewalMarginMs = 60_000

/** One HTTP call. `ask` names the method of the client; it makes that one call and no other. */
export interface Call<T> extends CallLabel {
  readonly ask: (apis: Apis, token: string) => Promise<T>
}

/** A signed-in connection to one portal. Every HTTP call of it passes the gate once; failures are ConnectorFaults. */
export interface Session {
  send<T>(call: Call<T>, signal: AbortSignal): Promise<Reply<T>>
  readonly now: () => Date
  close(): Promise<void>
}

export interface SessionOptions extends ConnectorOptions<HubspotCredentials> {
  readonly release?: ApiRelease
}

interface Token {
  readonly text: string
  /** Milliseconds since 1970; a static token has no end. */
  readonly expiresAt: number
}

/**
 * A token is renewed by the time that HubSpot gave it; a 401 before that time renews it once, for a 401 alone is no proof
 * of expiry. A static token cannot be replaced: its refusal stands.
 */
export function createSession({ credentials, release = apiRelease, ...options }: SessionOptions): Session {
  const life = new AbortController()
  const exchange = createExchange({ ...options, life: life.signal, vendor: hubspotAnswers })
  const { apiUrl } = credentials
  const isStatic = credentials.grant === 'access_token'

  async function renew(at: Date): Promise<Token> {
    if (credentials.grant === 'access_token') throw refusedToken
    const { clientId, clientSecret, refreshToken } = credentials
    const { value } = await exchange(
      { operation: 'auth', object: null, records: 0 },
      life.signal,
      async (leg) => {
        const answer = await createApis(leg, { apiUrl, release, accessToken: null })
          .tokens()
          .create('refresh_token', undefined, undefined, clientId, clientSecret, refreshToken)
        if (!answer.accessToken || !(answer.expiresIn > 0)) throw new Error('The reply lacks a token')
        return answer
      },
    )
    const lifeMs = Math.max(value.expiresIn * 1000 - renewalMarginMs, renewalMarginMs / 2)
    return { text: value.accessToken, expiresAt: at.getTime() + lifeMs }
  }

  const signIn = createSignIn<Token>({
    vendor: hubspotAnswers.name,
    now: options.now,
    life,
    signIn: renew,
    isGood: ({ expiresAt }, now) => now.getTime() < expiresAt,
    ...(isStatic
      ? {
          first: { text: credentials.accessToken, expiresAt: Number.POSITIVE_INFINITY },
          isExpired: () => false,
        }
      : {}),
  })

  return {
    now: options.now,
    send: (call, signal) =>
      signIn.use(signal, ({ text }) =>
        exchange(call, signal, (leg) =>
          call.ask(createApis(leg, { apiUrl, release, accessToken: text }), text),
        ),
      ),
    close: signIn.close,
  }
}

const refusedToken = new ConnectorFault('unauthorised', 'HubSpot refused the access token', {
  code: 'INVALID_AUTHENTICATION',
})
