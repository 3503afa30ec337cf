import { PassThrough } from 'node:stream'
import { Transport } from 'jsforce/lib/transport.js'
import type { HttpRequest, HttpResponse } from 'jsforce/lib/types/common.js'
import { StreamPromise } from 'jsforce/lib/util/promise.js'

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

/**
 * The HTTP leg under one jsforce call. It replaces jsforce's own because that one cannot be aborted, repeats requests,
 * follows redirects with the token, and ends the whole process when an answer breaks off half-way.
 * It remembers how far the call got, so that the fault can say whether it may have taken effect.
 */
export class FetchTransport extends Transport {
  /** True from the moment when Salesforce may have seen the request. */
  sent = false
  answer: { readonly status: number; readonly headers: Headers } | null = null
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    super()
    this.#signal = signal
  }

  override httpRequest(request: HttpRequest): StreamPromise<HttpResponse> {
    return StreamPromise.create(() => ({ stream: new PassThrough(), promise: this.#send(request) }))
  }

  async #send({ url, method, headers, body }: HttpRequest): Promise<HttpResponse> {
    this.#signal.throwIfAborted()
    this.sent = true
    const answer = await fetch(url, {
      method,
      redirect: 'manual',
      signal: this.#signal,
      ...(headers ? { headers } : {}),
      ...(typeof body === 'string' ? { body } : {}),
    }).catch((error: unknown) => {
      this.sent = !isUnsent(error)
      throw error
    })
    this.answer = { status: answer.status, headers: answer.headers }
    const text = await readText(answer)
    if (answer.status > 300 && answer.status < 400) throw new Error('The answer points to another address')
    return { statusCode: answer.status, headers: Object.fromEntries(answer.headers), body: text }
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
