import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** From here on the scope reads bodies of this type only (or none), and hands them on as they arrive. */
export function takeFlowing(scope: FastifyInstance, mediaType: string | null): void {
  scope.removeAllContentTypeParsers()
  if (mediaType) scope.addContentTypeParser(mediaType, (_request, payload, done) => done(null, payload))
}

/**
 * The body as it arrives. Whoever stops reading does not hang the caller up: it can still be told why. An error that
 * answers 413 ends a body that grows beyond `limitBytes`.
 */
export async function* flowingBody(request: FastifyRequest, limitBytes: number): AsyncGenerator<Uint8Array> {
  const { body } = request
  if (!(body instanceof Readable)) return
  try {
    assertWithin(Number(request.headers['content-length'] ?? 0), limitBytes)
    let bytes = 0
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length
      assertWithin(bytes, limitBytes)
      yield chunk
    }
  } finally {
    body.resume()
  }
}

function assertWithin(bytes: number, limitBytes: number): void {
  if (bytes <= limitBytes) return
  const limit = `${Math.floor(limitBytes / 1_048_576)} MB`
  throw Object.assign(new Error(`The body may have at most ${limit}; send it in several parts`), {
    statusCode: 413,
    code: 'body_too_large',
  })
}

export const isFlowing = (body: unknown): body is AsyncIterable<string> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body

/** Sends text as it is made, no faster than the caller reads it. */
export function answerFlowing(
  reply: FastifyReply,
  answer: {
    readonly status: number
    readonly body: AsyncIterable<string>
    readonly headers?: Readonly<Record<string, string>>
  },
  contentType: string | null,
): FastifyReply {
  return reply
    .status(answer.status)
    .headers({ 'content-type': contentType ?? 'text/plain; charset=utf-8', ...answer.headers })
    .send(Readable.from(answer.body))
}
