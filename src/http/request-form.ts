import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problem, problemType } from './problem.ts'
import type { Route } from './route.ts'

/** Bodies are JSON, not compressed; an empty one is none. A route that takes something else says so in its own scope. */
export function takeJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    body.length === 0 ? done(null, undefined) : parse(request, body as string, done),
  )
  app.addHook('preParsing', async (request, reply, payload) => {
    const coding = request.headers['content-encoding']
    if (coding === undefined || coding === 'identity') return payload
    reply.header('accept-encoding', 'identity')
    throw Object.assign(
      new Error(`Send the body as it is; the content encoding "${coding}" is not read here`),
      {
        statusCode: 415,
        code: 'unsupported_content_encoding',
      },
    )
  })
}

/** A path that is known under other methods says which ones (405, or 204 to OPTIONS); any other path is 404. */
export function answerMissing(routes: readonly Route[]) {
  const known = routes.map(({ method, path }) => ({
    method,
    pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}/?$`),
  }))
  return (request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const methods = known.flatMap(({ method, pattern }) => (pattern.test(path) ? [method] : []))
    if (methods.length === 0) {
      return answer(reply, problem(404, 'not_found', `${request.method} ${path} does not exist`), request)
    }
    const allowed = [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])].join(
      ', ',
    )
    reply.header('allow', allowed)
    if (request.method === 'OPTIONS') return reply.status(204).send()
    const detail = `${request.method} is not for this path; it takes ${allowed}`
    return answer(reply, problem(405, 'method_not_allowed', detail), request)
  }
}

const answer = (reply: FastifyReply, body: ReturnType<typeof problem>, request: FastifyRequest) =>
  reply
    .status(body.status)
    .type(problemType)
    .serializer(JSON.stringify)
    .send({ ...body, requestId: request.id })

const unreadable: Readonly<Record<string, ReturnType<typeof problem>>> = {
  ERR_HTTP_REQUEST_TIMEOUT: problem(408, 'too_slow', 'The request did not arrive in time'),
  HPE_HEADER_OVERFLOW: problem(431, 'headers_too_large', 'The address and headers may have 16 KB together'),
}
const malformed = problem(400, 'malformed_request', 'This is not HTTP that can be read')

/** What cannot be read as HTTP never becomes a request; it is answered on the bare connection, which then ends. */
export function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable) {
    const body = unreadable[error.code ?? ''] ?? malformed
    const text = JSON.stringify(body)
    const head = [
      `HTTP/1.1 ${body.status} ${body.title}`,
      `Content-Type: ${problemType}`,
      `Content-Length: ${Buffer.byteLength(text)}`,
      'Connection: close',
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n${text}`)
  }
  socket.destroy(error)
}
