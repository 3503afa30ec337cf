import type { Context, Middleware } from '@microsoft/microsoft-graph-client'

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

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/**
 * The HTTP leg under one call, last in the client's chain. The client's own chain would repeat requests after 429, 503 and
 * 504 whatever their method, follow redirects with the token, and hide whether a request had left. This one sends once,
 * bounds the answer, ends with the signal, and remembers how far the call got.
 */
export class FetchLeg implements Middleware {
  /** True from the moment when the other side may have seen the request. */
  sent = false
  /** Of the answer, as far as its head arrived. */
  head: { readonly status: number; readonly headers: Headers } | null = null
  /** What ended the call; the client wraps it in an error of its own and loses its cause. */
  failure: unknown = null
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  async execute(context: Context): Promise<void> {
    const { status, headers, text } = await this.send(String(context.request), context.options ?? {})
    const hasBody = status !== 204 && status !== 205 && status !== 304
    context.response = new Response(hasBody ? text : null, { status, headers })
  }

  async send(url: string, request: RequestInit): Promise<Answer> {
    try {
      return await this.#send(url, request)
    } catch (error) {
      this.failure = error
      throw error
    }
  }

  async #send(url: string, request: RequestInit): Promise<Answer> {
    this.#signal.throwIfAborted()
    this.sent = true
    const answer = await fetch(url, { ...request, redirect: 'manual', signal: this.#signal }).catch(
      (error: unknown) => {
        this.sent = !isUnsent(error)
        throw error
      },
    )
    this.head = { status: answer.status, headers: answer.headers }
    const text = await readText(answer)
    if (answer.status >= 300 && answer.status < 400) throw new Error('The answer points to another address')
    return { status: answer.status, headers: answer.headers, text }
  }
}

function isUnsent(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && unsentCodes.has(at.code)) return true
    if ('syscall' in at && at.syscall === 'connect') return true
  }
  return false
}

async function readText(answer: Response): Promise<string> {
  if (!answer.body) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body) {
    bytes += chunk.byteLength
    if (bytes > maxAnswerBytes) throw new Error(`The answer is longer than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
