import { Connection } from 'jsforce/lib/connection.js'
import type { HttpMethods } from 'jsforce/lib/types/common.js'
import type { ConnectionIdentity } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { grantOf, isTrustedAddress, type SalesforceCredentials } from './credentials.ts'
import {
  type CallLabel,
  createExchange,
  type ExchangeOptions,
  type Reply,
  reasonToAbandon,
} from './exchange.ts'
import type { FetchTransport } from './transport.ts'

const apiVersion = '62.0'
export const streamPath = '/cometd'
/** Names us in the change events that our own writes cause. */
const callOptions = { client: 'counterpart' }
/** Two sign-ins a window: one, and one more for a token that was refused. Then the refusal stands until it has passed. */
const guardWindowMs = 60_000
const signInsPerWindow = 2

/** One HTTP call. `read` turns the parsed body into the result and throws on a body that it cannot make sense of. */
export interface Call<T> extends CallLabel {
  readonly method: HttpMethods
  /** Below the version root, for example `/composite/sobjects`; the Streaming API has a root of its own, `/cometd`. */
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The answer is text, whatever its type says: jsforce would read CSV with a header line only. */
  readonly isText?: boolean
  /** Set for a long poll: how long Salesforce may hold it, with some patience on top. */
  readonly heldMs?: number
  readonly read: (body: unknown, headers: Headers) => T
}

/** A signed-in connection to one organisation. Every HTTP call of it passes the gate once; failures are ConnectorFaults. */
export interface Session {
  send<T>(call: Call<T>, signal: AbortSignal): Promise<Reply<T>>
  /** The organisation and user behind the token. */
  identify(
    signal: AbortSignal,
  ): Promise<Pick<ConnectionIdentity, 'organisationId' | 'userId' | 'instanceUrl'>>
  /** Ends every call under way and waits for their ends. Tokens are not revoked: other processes may hold the same one. */
  close(): Promise<void>
}

export interface SessionOptions extends Omit<ExchangeOptions, 'life'> {
  readonly credentials: SalesforceCredentials
}

/**
 * The token lives in memory only. A sign-in is shared by all who wait for it, and nobody's abort ends another's. jsforce's
 * own refresh is not used: it repeats without end while Salesforce answers 401, and its calls would not pass the gate.
 */
export function createSession({ credentials, ...options }: SessionOptions): Session {
  const life = new AbortController()
  const exchange = createExchange({ ...options, life: life.signal })
  const pending = new Set<Promise<void>>()
  let signedIn: Connection | null = null
  let signingIn: Promise<Connection> | null = null
  let signIns: readonly { readonly at: number; readonly refusal?: string }[] = []

  async function signIn(): Promise<Connection> {
    const at = options.now().getTime()
    signIns = signIns.filter((earlier) => at - earlier.at < guardWindowMs)
    if (signIns.length >= signInsPerWindow) {
      const reason = signIns.at(-1)?.refusal ?? 'Salesforce refused the token that it had just given out'
      throw new ConnectorFault('unauthorised', `Not signing in again so soon: ${reason}`, {
        code: 'SIGN_IN_GUARD',
      })
    }
    const connection = new Connection({ loginUrl: credentials.loginUrl, version: apiVersion, callOptions })
    const grant = await grantOf(credentials, options.now())
    try {
      await exchange({ operation: 'auth', object: null, records: 0 }, life.signal, async (transport) => {
        connection.oauth2._transport = transport
        await connection.authorize(grant)
        if (!connection.accessToken || !isTrustedAddress(connection.instanceUrl)) {
          throw new Error('The token reply lacks a token or an https address')
        }
      })
    } catch (error) {
      if (error instanceof ConnectorFault && error.kind === 'unauthorised') {
        signIns = [...signIns, { at, refusal: error.message }]
      }
      throw error
    }
    signIns = [...signIns, { at }]
    signedIn = connection
    return connection
  }

  function access(signal: AbortSignal): Promise<Connection> {
    if (life.signal.aborted) return Promise.reject(abandoned('CLOSED'))
    if (signedIn) return Promise.resolve(signedIn)
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

  function attempt<T>(connection: Connection, call: Call<T>, signal: AbortSignal): Promise<Reply<T>> {
    const { method, body } = call
    const url = call.path === streamPath ? `${connection.instanceUrl}${streamPath}/${apiVersion}` : call.path
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    }
    const ask = async (transport: FetchTransport) => {
      const answer: unknown = await connection.request(
        { method, url, headers, ...content },
        { transport, ...(call.isText ? { responseType: 'text/plain' } : {}) },
      )
      return call.read(answer, transport.answer?.headers ?? new Headers())
    }
    return exchange(call, signal, ask, call.heldMs)
  }

  async function send<T>(call: Call<T>, signal: AbortSignal): Promise<Reply<T>> {
    const connection = await access(signal)
    try {
      return await attempt(connection, call, signal)
    } catch (error) {
      if (!isExpired(error)) throw error
      // Whoever comes first drops the refused token; the others find a newer one, or the sign-in under way.
      if (signedIn === connection) signedIn = null
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
    send: (call, signal) => track(send(call, signal)),
    async identify(signal) {
      const { userInfo, instanceUrl } = await access(signal)
      if (!userInfo)
        throw new ConnectorFault('unavailable', 'The token names no user', { code: 'NO_IDENTITY' })
      return { organisationId: userInfo.organizationId, userId: userInfo.id, instanceUrl }
    },
    async close() {
      life.abort()
      await Promise.all(pending)
      signedIn = null
    },
  }
}

const abandoned = (code: string): ConnectorFault =>
  new ConnectorFault('unavailable', `The call was given up: ${code}`, { code })

/** A 401 in any form, and the code that says the same. */
function isExpired(error: unknown): boolean {
  if (!(error instanceof ConnectorFault) || error.kind !== 'unauthorised') return false
  return error.details.httpStatus === 401 || error.details.code === 'INVALID_SESSION_ID'
}
