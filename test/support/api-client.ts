import { randomUUID } from 'node:crypto'

export interface ApiAnswer<Body = Record<string, unknown>> {
  readonly status: number
  readonly body: Body
  readonly etag: string | null
}

export class ApiProblem extends Error {
  readonly status: number
  readonly body: unknown
  constructor(request: string, status: number, body: unknown) {
    super(`${request} answered ${status}: ${JSON.stringify(body).slice(0, 800)}`)
    this.name = 'ApiProblem'
    this.status = status
    this.body = body
  }
}

/** The API as any client program would use it: JSON over HTTP with a bearer token. Any answer above 299 throws. */
export function createApi(url: string, token: string) {
  // biome-ignore lint/suspicious/noExplicitAny: answers are read by tests, which state what they expect
  async function call<Body = any>(
    method: string,
    path: string,
    payload?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer<Body>> {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'GET' ? {} : { 'idempotency-key': randomUUID() }),
        ...headers,
      },
      ...(payload === undefined ? {} : { body: JSON.stringify(payload) }),
    }).catch((error: unknown) => {
      throw new Error(`${method} ${path} got no answer`, { cause: error })
    })
    const text = await response.text()
    const body = text === '' ? null : parse(text)
    if (!response.ok) throw new ApiProblem(`${method} ${path}`, response.status, body)
    return { status: response.status, body: body as Body, etag: response.headers.get('etag') }
  }
  return {
    url,
    token,
    call,
    // biome-ignore lint/suspicious/noExplicitAny: as above
    get: async <Body = any>(path: string): Promise<Body> => (await call<Body>('GET', path)).body,
    // biome-ignore lint/suspicious/noExplicitAny: as above
    post: async <Body = any>(path: string, payload?: unknown): Promise<Body> =>
      (await call<Body>('POST', path, payload ?? {})).body,
    /** All items of a list, page by page. */
    // biome-ignore lint/suspicious/noExplicitAny: as above
    async all<Item = any>(path: string): Promise<Item[]> {
      const items: Item[] = []
      let cursor: string | null = null
      do {
        const join = path.includes('?') ? '&' : '?'
        const next: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const page: { items: Item[]; nextCursor: string | null } = await this.get(
          `${path}${join}limit=200${next}`,
        )
        items.push(...page.items)
        cursor = page.nextCursor
      } while (cursor !== null)
      return items
    },
  }
}
export type Api = ReturnType<typeof createApi>

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Asks again and again until the answer is there. @throws Error with `what` and the last value after `withinMs` */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | null | undefined | false>,
  withinMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const value = await ask()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`Did not come true within ${withinMs / 1_000} s: ${what}`)
    await new Promise((done) => setTimeout(done, 150))
  }
}
