import { PassThrough } from 'node:stream'
import { Transport } from 'jsforce/lib/transport.js'
import type { HttpRequest, HttpResponse } from 'jsforce/lib/types/common.js'
import { StreamPromise } from 'jsforce/lib/util/promise.js'
import type { FetchLeg } from '../wire/fetch-leg.ts'

/** Our own leg under one jsforce call; jsforce's own ends the whole process when an answer breaks off half-way. */
export class LegTransport extends Transport {
  readonly #leg: FetchLeg

  constructor(leg: FetchLeg) {
    super()
    this.#leg = leg
  }

  override httpRequest(request: HttpRequest): StreamPromise<HttpResponse> {
    return StreamPromise.create(() => ({ stream: new PassThrough(), promise: this.#send(request) }))
  }

  async #send({ url, method, headers, body }: HttpRequest): Promise<HttpResponse> {
    const answer = await this.#leg.send(url, {
      method,
      ...(headers ? { headers } : {}),
      ...(typeof body === 'string' ? { body } : {}),
    })
    return { statusCode: answer.status, headers: Object.fromEntries(answer.headers), body: answer.text }
  }
}
