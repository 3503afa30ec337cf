/** The HTTP server without its routes: body parsers, and error bodies for what never reaches a route. */
import Fastify, { type FastifyInstance } from 'fastify'
import { errorBody } from './api-server.ts'
import { CallError } from './errors.ts'

export function createApp(): FastifyInstance {
  const app = Fastify({
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1000, ignoreTrailingSlash: true },
    bodyLimit: 52_428_800,
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
    } catch (error) {
      const reason = error instanceof Error ? error.message : ''
      return done(new CallError(400, 'JSON_PARSER_ERROR', `${reason} at [line:1, column:1]`))
    }
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new CallError(404, 'NOT_FOUND', 'The requested resource does not exist')
    return request.url.startsWith('/services/')
      ? reply
          .code(404)
          .type('application/json;charset=UTF-8')
          .send(JSON.stringify(errorBody(error)))
      : reply.code(404).type('text/html; charset=utf-8').send('<h1>URL No Longer Exists</h1>')
  })
  app.setErrorHandler((error, _request, reply) => {
    const unsupported =
      error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
    const known =
      error instanceof CallError
        ? error
        : unsupported
          ? new CallError(415, 'UNSUPPORTED_MEDIA_TYPE', 'The specified content type is not supported')
          : new CallError(500, 'UNKNOWN_EXCEPTION', `An unexpected error occurred: ${String(error)}`)
    return reply
      .code(known.status)
      .type('application/json;charset=UTF-8')
      .send(JSON.stringify(errorBody(known)))
  })
  return app
}
