/** A bare session with the simulator, for tests that look at the wire itself rather than through an SDK. */
import { apiPath } from './api-call.ts'
import type { DynamicsSimulator } from './simulator-interface.ts'

export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the wire holds.
  readonly body: any
}

export interface RawSession {
  readonly accessToken: string
  /** `path` below the version, or an absolute address such as a next link. */
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<RawAnswer>
  /** Sends the text of a batch; answers its text. */
  batch(text: string, boundary: string, headers?: Readonly<Record<string, string>>): Promise<RawAnswer>
}

/** Posts a form to the token endpoint. */
export async function requestToken(
  { credentials }: Pick<DynamicsSimulator, 'credentials'>,
  changes: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const form = {
    grant_type: 'client_credentials',
    client_id: credentials.clientId,
    client_secret: credentials.clientSecret,
    scope: `${credentials.organisationUrl}/.default`,
    ...changes,
  }
  const response = await fetch(`${credentials.loginUrl}/${credentials.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

async function readAnswer(response: Response): Promise<RawAnswer> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

export async function openSession(simulator: DynamicsSimulator): Promise<RawSession> {
  const token = await requestToken(simulator)
  const accessToken = String(token.body.access_token)
  const common = {
    authorization: `Bearer ${accessToken}`,
    accept: 'application/json',
    'odata-version': '4.0',
    'odata-maxversion': '4.0',
  }
  const base = simulator.url + apiPath
  return {
    accessToken,
    async send(method, path, body, headers = {}) {
      const url = path.startsWith('http') ? path : base + path
      const type = body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }
      const response = await fetch(url, {
        method,
        headers: { ...common, ...type, ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      return readAnswer(response)
    },
    async batch(text, boundary, headers = {}) {
      const type = { 'content-type': `multipart/mixed; boundary="${boundary}"` }
      const options = { method: 'POST', headers: { ...common, ...type, ...headers }, body: text }
      return readAnswer(await fetch(`${base}/$batch`, options))
    },
  }
}
