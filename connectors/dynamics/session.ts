import { Client, type Context, type Middleware, ResponseType } from '@microsoft/microsoft-graph-client'
import { z } from 'zod'
import { ConnectorFault } from '../fault.ts'
import { type DynamicsCredentials, tokenRequest } from './credentials.ts'
import { type CallLabel, createExchange, type ExchangeOptions, reasonToAbandon } from './exchange.ts'
import type { Answer, FetchLeg } from './fetch-leg.ts'
import { apiVersion } from './odata.ts'

/** Two sign-ins a window: one, and one more for a token that was refused. Then the refusal stands until it has passed. */
const guardWindowMs = 60_000
const signInsPerWindow = 2
/** A token that ends within this time is replaced before it is used. */
const renewBeforeMs = 120_000

const headersOfEveryCall = {
  Accept: 'application/json',
  'OData-MaxVersion': '4.0',
  'OData-Version': '4.0',
}
/** No cache on the way may answer in the organisation's place. */
const uncached = { 'If-None-Match': 'null' }
const jsonBody = { 'Content-Type': 'application/json; charset=utf-8' }

const tokenReplySchema = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().default(3600),
})

/** One HTTP call. `read` turns the answer into the result and throws on one that it cannot make sense of. */
export interface Call<T> extends CallLabel {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  /** Below the root of the Web API, for example `opportunities?$select=name`. */
  readonly path: string
  /** JSON, or a text whose type the headers state. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly read: (answer: Answer) => T
}

/** A signed-in connection to one organisation. Every HTTP call of it passes the gate once; failures are ConnectorFaults. */
export interface Session {
  readonly organisationUrl: string
  send<T>(call: Call<T>, signal: AbortSignal): Promise<T>
  /** Ends every call under way and waits for their ends. Tokens cannot be given back: they end by themselves. */
  close(): Promise<void>
}

export interface SessionOptions extends Omit<ExchangeOptions, 'life'> {
  readonly credentials: DynamicsCredentials
}

/** Parses a JSON body by a schema. */
export const readJson =
  <T>(schema: z.ZodType<T>) =>
  (answer: Answer): T =>
    schema.parse(JSON.parse(answer.text))

interface Token {
  readonly text: string
  readonly renewAt: number
}

/**
 * The token lives in memory only. A sign-in is shared by all who wait for it, and nobody's abort ends another's. It goes
 * out to the organisation's own address alone, whatever address a link in an answer names.
 */
export function createSession({ credentials, ...options }: SessionOptions): Session {
  const { organisationUrl } = credentials
  const life = new AbortController()
  const exchange = createExchange({ ...options, life: life.signal })
  const pending = new Set<Promise<void>>()
  let signedIn: Token | null = null
  let signingIn: Promise<Token> | null = null
  let signIns: readonly { readonly at: number; readonly refusal?: string }[] = []

  async function signIn(): Promise<Token> {
    const at = options.now().getTime()
    signIns = signIns.filter((earlier) => at - earlier.at < guardWindowMs)
    if (signIns.length >= signInsPerWindow) {
      const reason = signIns.at(-1)?.refusal ?? 'Dataverse refused the token that had just been given out'
      throw new ConnectorFault('unauthorised', `Not signing in again so soon: ${reason}`, {
        code: 'SIGN_IN_GUARD',
      })
    }
    const { url, form } = tokenRequest(credentials)
    const headers = { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' }
    try {
      const reply = await exchange(
        { operation: 'auth', object: null, records: 0 },
        life.signal,
        (leg) => leg.send(url, { method: 'POST', headers, body: form }),
        readJson(tokenReplySchema),
      )
      signIns = [...signIns, { at }]
      signedIn = { text: reply.access_token, renewAt: at + reply.expires_in * 1000 - renewBeforeMs }
      return signedIn
    } catch (error) {
      if (error instanceof ConnectorFault && error.kind === 'unauthorised') {
        signIns = [...signIns, { at, refusal: error.message }]
      }
      throw error
    }
  }

  function access(signal: AbortSignal): Promise<Token> {
    if (life.signal.aborted) return Promise.reject(abandoned('CLOSED'))
    if (signedIn && options.now().getTime() < signedIn.renewAt) return Promise.resolve(signedIn)
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

  const attempt = <T>(token: Token, call: Call<T>, signal: AbortSignal): Promise<T> =>
    exchange(call, signal, (leg) => ask(organisationUrl, token.text, call, leg), call.read)

  async function send<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    const token = await access(signal)
    try {
      return await attempt(token, call, signal)
    } catch (error) {
      if (!isExpired(error)) throw error
      // Whoever comes first drops the refused token; the others find a newer one, or the sign-in under way.
      if (signedIn === token) signedIn = null
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
    organisationUrl,
    send: (call, signal) => track(send(call, signal)),
    async close() {
      life.abort()
      await Promise.all(pending)
      signedIn = null
    },
  }
}

/** Makes the call by the Graph client, on a chain of two: the token, then our own leg. */
async function ask<T>(
  organisationUrl: string,
  token: string,
  { method, path, body, headers }: Call<T>,
  leg: FetchLeg,
): Promise<Answer> {
  const client = Client.initWithMiddleware({
    baseUrl: `${organisationUrl}/api/data/`,
    defaultVersion: apiVersion,
    middleware: [authorise(organisationUrl, token), leg],
  })
  const request = client
    .api(`/${path}`)
    .headers({
      ...headersOfEveryCall,
      ...(method === 'GET' ? uncached : {}),
      ...(body === undefined ? {} : jsonBody),
      ...headers,
    })
    .responseType(ResponseType.RAW)
  const response: Response =
    method === 'GET'
      ? await request.get()
      : method === 'POST'
        ? await request.post(body)
        : method === 'PUT'
          ? await request.put(body)
          : await request.patch(body)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** Hands the token to the organisation's own address, and sends nothing anywhere else. */
function authorise(organisationUrl: string, token: string): Middleware {
  let next: Middleware | null = null
  return {
    setNext(middleware) {
      next = middleware
    },
    async execute(context: Context) {
      if (new URL(String(context.request)).origin !== organisationUrl) {
        throw new Error('The call would leave the organisation')
      }
      context.options = {
        ...context.options,
        headers: { ...context.options?.headers, Authorization: `Bearer ${token}` },
      }
      await next?.execute(context)
    },
  }
}

const abandoned = (code: string): ConnectorFault =>
  new ConnectorFault('unavailable', `The call was given up: ${code}`, { code })

/** Dataverse answers 401 to a token that it does not take; a missing privilege is a 403. */
const isExpired = (error: unknown): boolean =>
  error instanceof ConnectorFault && error.kind === 'unauthorised' && error.details.httpStatus === 401
