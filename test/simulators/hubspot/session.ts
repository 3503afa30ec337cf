/** Plain calls to the simulator, for tests that look at the protocol itself. */
import type { HubspotSimulator } from './simulator.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Parsed where it is JSON, the text otherwise. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any body and asserts on what it finds
  readonly body: any
}

export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

export interface Session {
  get(path: string): Promise<Answer>
  post(path: string, body?: unknown): Promise<Answer>
  put(path: string, body?: unknown): Promise<Answer>
  patch(path: string, body: unknown): Promise<Answer>
  delete(path: string): Promise<Answer>
}

/** Calls with the static token unless another is given. */
export function openSession(simulator: HubspotSimulator, token = simulator.accessToken): Session {
  const call = async (method: string, path: string, body?: unknown) =>
    readAnswer(
      await fetch(simulator.url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    put: (path, body) => call('PUT', path, body),
    patch: (path, body) => call('PATCH', path, body),
    delete: (path) => call('DELETE', path),
  }
}

export async function requestToken(
  simulator: HubspotSimulator,
  form: Readonly<Record<string, string>> = {},
  path = '/oauth/v1/token',
): Promise<Answer> {
  const { clientId, clientSecret, refreshToken } = simulator.credentials
  return readAnswer(
    await fetch(simulator.url + path, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: clientId,
        client_secret: clientSecret,
        refresh_token: refreshToken,
        ...form,
      }),
    }),
  )
}
