import { ConnectorFault } from '../fault.ts'
import { type ApiRelease, apiRelease } from './api-paths.ts'
import { type Apis, createApis } from './apis.ts'
import type { HubspotCredentials } from './credentials.ts'
import {
  type CallLabel,
  createExchange,
  type ExchangeOptions,
  type Reply,
  reasonToAbandon,
} from './exchange.ts'

/** Two sign-ins a window: one, and one more for a token that was refused. Then the refusal stands until it has passed. */
const guardWindowMs = 60_000
const signInsPerWindow = 2
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
  /** Ends every call under way and waits for their ends. Tokens are not revoked: other processes may hold the same one. */
  close(): Promise<void>
}

export interface SessionOptions extends Omit<ExchangeOptions, 'life'> {
  readonly credentials: HubspotCredentials
  readonly release?: ApiRelease
}

interface Token {
  readonly text: string
  /** Milliseconds since 1970; a static token has no end. */
  readonly expiresAt: number
}

/**
 * The token lives in memory only. It is renewed by the time that HubSpot gave it; a 401 before that time renews it once,
 * for a 401 alone is no proof of expiry. A sign-in is shared by all who wait for it, and nobody's abort ends another's.
 */
export function createSession({ credentials, release = apiRelease, ...options }: SessionOptions): Session {
  const life = new AbortController()
  const exchange = createExchange({ ...options, life: life.signal })
  const pending = new Set<Promise<void>>()
  const { apiUrl } = credentials
  let token: Token | null =
    credentials.grant === 'access_token'
      ? { text: credentials.accessToken, expiresAt: Number.POSITIVE_INFINITY }
      : null
  let signingIn: Promise<Token> | null = null
  let signIns: readonly { readonly at: number; readonly refusal?: string }[] = []

  async function signIn(): Promise<Token> {
    if (credentials.grant === 'access_token') throw refusedToken
    const at = options.now().getTime()
    signIns = signIns.filter((earlier) => at - earlier.at < guardWindowMs)
    if (signIns.length >= signInsPerWindow) {
      const reason = signIns.at(-1)?.refusal ?? 'HubSpot refused the token that it had just given out'
      throw new ConnectorFault('unauthorised', `Not signing in again so soon: ${reason}`, {
        code: 'SIGN_IN_GUARD',
      })
    }
    const { clientId, clientSecret, refreshToken } = credentials
    try {
      const { value } = await exchange(
        { operation: 'auth', object: null, records: 0 },
        life.signal,
        async (transport) => {
          const apis = createApis(transport, { apiUrl, release, accessToken: null })
          const answer = await apis
            .tokens()
            .create('refresh_token', undefined, undefined, clientId, clientSecret, refreshToken)
          if (!answer.accessToken || !(answer.expiresIn > 0)) throw new Error('The reply lacks a token')
          return answer
        },
      )
      signIns = [...signIns, { at }]
      const lifeMs = Math.max(value.expiresIn * 1000 - renewalMarginMs, renewalMarginMs / 2)
      token = { text: value.accessToken, expiresAt: at + lifeMs }
      return token
    } catch (error) {
      if (error instanceof ConnectorFault && error.kind === 'unauthorised') {
        signIns = [...signIns, { at, refusal: error.message }]
      }
      throw error
    }
  }

  function access(signal: AbortSignal): Promise<Token> {
    if (life.signal.aborted) return Promise.reject(abandoned('CLOSED'))
    if (token && options.now().getTime() < token.expiresAt) return Promise.resolve(token)
    signingIn ??= track(signIn()).finally(() => {
      signingIn = null
    })
    return leavable(signingIn, signal)
  }

  /** Lets one waiter leave without ending the work that others wait for. */
  function leavable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = () => reject(abandoned(reasonToAbandon(signal, life.signal) ?? 'CANCELLED'))
      if (signal.aborted) leave()
      signal.addEventListener('abort', leave, { once: true })
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
    })
  }

  const attempt = <T>(current: Token, call: Call<T>, signal: AbortSignal): Promise<Reply<T>> =>
    exchange(call, signal, (transport) =>
      call.ask(createApis(transport, { apiUrl, release, accessToken: current.text }), current.text),
    )

  async function send<T>(call: Call<T>, signal: AbortSignal): Promise<Reply<T>> {
    const current = await access(signal)
    try {
      return await attempt(current, call, signal)
    } catch (error) {
      if (!isRefusal(error) || credentials.grant === 'access_token') throw error
      // Whoever comes first drops the refused token; the others find a newer one, or the sign-in under way.
      if (token === current) token = null
      return attempt(await access(signal), call, signal)
    }
  }

  function track<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    )
    pending.add(settled)
    void settled.then(() => pending.delete(settled))
    return work
  }

  return {
    now: options.now,
    send: (call, signal) => track(send(call, signal)),
    async close() {
      life.abort()
      await Promise.all(pending)
      token = null
    },
  }
}

const abandoned = (code: string): ConnectorFault =>
  new ConnectorFault('unavailable', `The call was given up: ${code}`, { code })

const refusedToken = new ConnectorFault('unauthorised', 'HubSpot refused the access token', {
  code: 'INVALID_AUTHENTICATION',
})

const isRefusal = (error: unknown): boolean =>
  error instanceof ConnectorFault && error.kind === 'unauthorised' && error.details.httpStatus === 401
