/** A bare session with the simulator, for tests that look at the wire itself rather than through an SDK. */
import type { SalesforceSimulator } from './simulator-interface.ts'

export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the wire holds.
  readonly body: any
}

export interface RawSession {
  readonly accessToken: string
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<RawAnswer>
  query(soql: string, all?: boolean): Promise<RawAnswer>
}

/** Posts a form to the token endpoint. */
export async function requestToken(
  simulator: Pick<SalesforceSimulator, 'url'>,
  form: Readonly<Record<string, string>>,
): Promise<RawAnswer> {
  const response = await fetch(`${simulator.url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

/** Logs in with client credentials; paths of `send` are below `/services/data/v62.0`. */
export async function openSession(simulator: SalesforceSimulator): Promise<RawSession> {
  const { clientId, clientSecret } = simulator.credentials
  const token = await requestToken(simulator, {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
  })
  const accessToken = String(token.body.access_token)
  const send: RawSession['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${simulator.url}/services/data/v62.0${path}`, {
      method,
      headers: {
        authorization: `Bearer ${accessToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }
  return {
    accessToken,
    send,
    query: (soql, all = false) => send('GET', `/${all ? 'queryAll' : 'query'}?q=${encodeURIComponent(soql)}`),
  }
}
