const maxAnswerBytes = 64 * 1024 * 1024

/** Codes that arise before a byte of the request has left. */
const unsentCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

export interface HttpRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** An answer outside 200-299; its text is read before the client gets to see it, since the client drops members it does not know. */
export class RefusedCall extends Error {
  readonly answer: HttpAnswer
  constructor(answer: HttpAnswer) {
    super(`HTTP ${answer.status}`)
    this.name = 'RefusedCall'
    this.answer = answer
  }
}

/**
 * The HTTP leg under one call of the client. It replaces the client's own because that one cannot be aborted, follows
 * redirects with the token and reads answers of any length.
 * It remembers how far the call got, so that the fault can say whether it may have taken effect.
 */
export class FetchTransport {
  /** True from the moment when HubSpot may have seen the request. */
  sent = false
  answer: { readonly status: number; readonly headers: Headers } | null = null
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Throws RefusedCall for an answer that is no success, whatever fetch throws for none. */
  async send({ url, method, headers, body }: HttpRequest): Promise<HttpAnswer> {
    this.#signal.throwIfAborted()
    this.sent = true
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      signal: this.#signal,
      headers,
      ...(body === undefined ? {} : { body }),
    }).catch((error: unknown) => {
      this.sent = !isUnsent(error)
      throw error
    })
    this.answer = { status: response.status, headers: response.headers }
    const answer = { ...this.answer, text: await readText(response) }
    if (!response.ok) throw new RefusedCall(answer)
    return answer
  }
}

function isUnsent(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && unsentCodes.has(at.code)) return true
    if ('syscall' in at && at.syscall === 'connect') return true
  }
  return false
}

async function readText(response: Response): Promise<string> {
  if (!response.body) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (bytes > maxAnswerBytes) throw new Error(`The answer is longer than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
