import { Connection } from 'jsforce/lib/connection.js'
import type { HttpMethods } from 'jsforce/lib/types/common.js'
import type { ConnectionIdentity } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { type CallLabel, type ConnectorOptions, createExchange, type Reply } from '../wire/exchange.ts'
import { createSignIn } from '../wire/sign-in.ts'
import { isTrustedAddress } from '../wire/trusted-address.ts'
import { salesforceAnswers } from './answers.ts'
import { grantOf, type SalesforceCredentials } from './credentials.ts'
import { LegTransport } from './transport.ts'

const apiVersion = '62.0'
export const streamPath = '/cometd'
/** Names us in the change events that our own writes cause. */
const callOptions = { client: 'counterpart' }

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
  close(): Promise<void>
}

/** jsforce's own refresh is not used: it repeats without end while Salesforce answers 401, and would not pass the gate. */
export function createSession({ credentials, ...options }: ConnectorOptions<SalesforceCredentials>): Session {
  const life = new AbortController()
  const wire = { ...options, life: life.signal, vendor: salesforceAnswers }
  const exchange = createExchange(wire)
  const signIn = createSignIn({
    vendor: salesforceAnswers.name,
    now: options.now,
    life,
    async signIn(at): Promise<Connection> {
      const connection = new Connection({ loginUrl: credentials.loginUrl, version: apiVersion, callOptions })
      const grant = await grantOf(credentials, at)
      await exchange({ operation: 'auth', object: null, records: 0 }, life.signal, async (leg) => {
        connection.oauth2._transport = new LegTransport(leg)
        await connection.authorize(grant)
        if (!connection.accessToken || !isTrustedAddress(connection.instanceUrl)) {
          throw new Error('The token reply lacks a token or an https address')
        }
      })
      return connection
    },
    // A 401 in any form, and the code that says the same.
    isExpired: ({ details }) => details.httpStatus === 401 || details.code === 'INVALID_SESSION_ID',
  })

  /**
   * A long poll is no call in the gate's sense: Salesforce counts events and clients, not polls, and in the gate it would
   * hold a slot of the records' calls for minutes and outlive the gate's deadline. What it follows, the handshake and the
   * subscriptions, passed the gate.
   */
  const exchangeHeld = (heldMs: number) =>
    createExchange({
      ...wire,
      requestTimeoutMs: heldMs,
      gate: {
        call: (_label, signal, send) => send(signal),
        observeUsage: (usage) => options.gate.observeUsage(usage),
      },
    })

  function attempt<T>(connection: Connection, call: Call<T>, signal: AbortSignal): Promise<Reply<T>> {
    const { method, body, heldMs } = call
    const url = call.path === streamPath ? `${connection.instanceUrl}${streamPath}/${apiVersion}` : call.path
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    }
    const through = heldMs === undefined ? exchange : exchangeHeld(heldMs)
    return through(call, signal, async (leg) => {
      const answer: unknown = await connection.request(
        { method, url, headers, ...content },
        { transport: new LegTransport(leg), ...(call.isText ? { responseType: 'text/plain' } : {}) },
      )
      return call.read(answer, leg.head?.headers ?? new Headers())
    })
  }

  return {
    send: (call, signal) => signIn.use(signal, (connection) => attempt(connection, call, signal)),
    async identify(signal) {
      const { userInfo, instanceUrl } = await signIn.access(signal)
      if (!userInfo)
        throw new ConnectorFault('unavailable', 'The token names no user', { code: 'NO_IDENTITY' })
      return { organisationId: userInfo.organizationId, userId: userInfo.id, instanceUrl }
    },
    close: signIn.close,
  }
}
