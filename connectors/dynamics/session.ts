import { Client, type Context, type Middleware, ResponseType } from '@microsoft/microsoft-graph-client'
import { z } from 'zod'
import { type CallLabel, type ConnectorOptions, createExchange } from '../wire/exchange.ts'
import { type Answer, accepted, type FetchLeg } from '../wire/fetch-leg.ts'
import { createSignIn } from '../wire/sign-in.ts'
import { dynamicsAnswers } from './answers.ts'
import { type DynamicsCredentials, tokenRequest } from './credentials.ts'
import { apiVersion } from './odata.ts'

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
  close(): Promise<void>
}

/** Parses a JSON body by a schema. */
export const readJson =
  <T>(schema: z.ZodType<T>) =>
  (answer: Answer): T =>
    schema.parse(JSON.parse(answer.text))

const readToken = readJson(tokenReplySchema)

interface Token {
  readonly text: string
  readonly renewAt: number
}

/** The token goes out to the organisation's own address alone, whatever address a link in an answer names. */
export function createSession({ credentials, ...options }: ConnectorOptions<DynamicsCredentials>): Session {
  const { organisationUrl } = credentials
  const life = new AbortController()
  const exchange = createExchange({ ...options, life: life.signal, vendor: dynamicsAnswers })
  const signIn = createSignIn<Token>({
    vendor: dynamicsAnswers.name,
    now: options.now,
    life,
    async signIn(at) {
      const { url, form } = tokenRequest(credentials)
      const headers = { Accept: 'application/json', 'Content-Type': 'application/x-www-form-urlencoded' }
      const { value } = await exchange(
        { operation: 'auth', object: null, records: 0 },
        life.signal,
        async (leg) => readToken(accepted(await leg.send(url, { method: 'POST', headers, body: form }))),
      )
      return { text: value.access_token, renewAt: at.getTime() + value.expires_in * 1000 - renewBeforeMs }
    },
    isGood: ({ renewAt }, now) => now.getTime() < renewAt,
  })

  return {
    organisationUrl,
    send: (call, signal) =>
      signIn.use(signal, async (token) => {
        const { value } = await exchange(call, signal, async (leg) =>
          call.read(accepted(await ask(organisationUrl, token.text, call, leg))),
        )
        return value
      }),
    close: signIn.close,
  }
}

/** Makes the call by the Graph client, on our own leg in place of its chain. */
async function ask<T>(
  organisationUrl: string,
  token: string,
  { method, path, body, headers }: Call<T>,
  leg: FetchLeg,
): Promise<Answer> {
  const client = Client.initWithMiddleware({
    baseUrl: `${organisationUrl}/api/data/`,
    defaultVersion: apiVersion,
    middleware: createMiddleware(organisationUrl, token, leg),
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
const createMiddleware = (organisationUrl: string, token: string, leg: FetchLeg): Middleware => ({
  async execute(context: Context) {
    const url = String(context.request)
    if (new URL(url).origin !== organisationUrl) throw new Error('The call would leave the organisation')
    const { status, headers, text } = await leg.send(url, {
      ...context.options,
      headers: { ...context.options?.headers, Authorization: `Bearer ${token}` },
    })
    const hasBody = status !== 204 && status !== 205
    context.response = new Response(hasBody ? text : null, { status, headers })
  },
})
