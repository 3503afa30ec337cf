/** The HTTP server without its routes: body parsers, and error bodies for what never reaches a route. */
import Fastify, { type FastifyInstance } from 'fastify'
import { CallError, errorBody, refuseCall } from './errors.ts'

function readError(error: unknown): CallError {
  if (error instanceof CallError) return error
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return refuseCall(415, 'VALIDATION_ERROR', 'HTTP 415 Unsupported Media Type')
  return refuseCall(500, 'INTERNAL_ERROR', `internal error: ${String(error)}`)
}

export function createApp(): FastifyInstance {
  const app = Fastify({
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1_000, ignoreTrailingSlash: true },
    bodyLimit: 10_485_760,
    http: { maxHeaderSize: 131_072 },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const text = String(body)
    if (text.trim() === '') return done(null, undefined)
    try {
      return done(null, JSON.parse(text))
    } catch {
      return done(refuseCall(400, 'VALIDATION_ERROR', 'Invalid input JSON on line 1, column 1'))
    }
  })
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/html;charset=utf-8').send('<html><body><h1>404 Not Found</h1></body></html>'),
  )
  app.setErrorHandler((error, _request, reply) => {
    const { problem } = readError(error)
    return reply.code(problem.status).type('application/json;charset=utf-8').send(errorBody(problem))
  })
  return app
}
