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

/** An answer that was read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/**
 * The HTTP leg under one call of a vendor's client, in place of the client's own: those repeat requests, cannot be
 * aborted, follow redirects with the token or read answers of any length. This one sends once, bounds the answer, ends
 * with the signal, and remembers how far the call got, so that the fault can say whether it may have taken effect.
 */
export class FetchLeg {
  /** True from the moment when the other side may have seen the request. */
  sent = false
  /** Of the answer, as far as its head arrived. */
  head: { readonly status: number; readonly headers: Headers } | null = null
  answer: Answer | null = null
  /** What ended the call; a client may wrap it in an error of its own and lose its cause. */
  failure: unknown = null
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Answers whatever the status, but for one that points to another address. */
  async send(url: string, request: RequestInit): Promise<Answer> {
    try {
      this.answer = await this.#send(url, request)
      return this.answer
    } catch (error) {
      this.failure = error
      throw error
    }
  }

  async #send(url: string, request: RequestInit): Promise<Answer> {
    this.#signal.throwIfAborted()
    this.sent = true
    const response = await fetch(url, { ...request, redirect: 'manual', signal: this.#signal }).catch(
      (error: unknown) => {
        this.sent = !isUnsent(error)
        throw error
      },
    )
    const { status, headers } = response
    this.head = { status, headers }
    const text = await readText(response)
    // 300 names several records and leads nowhere.
    if (status > 300 && status < 400) throw new Error('The answer points to another address')
    return { status, headers, text }
  }
}

/** Throws for an answer that is no success. */
export function accepted(answer: Answer): Answer {
  if (answer.status < 200 || answer.status >= 300) throw new Error(`HTTP ${answer.status}`)
  return answer
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
