/** The HTTP server without its routes: bodies are kept as text, for every route reads its own. */
import Fastify, { type FastifyInstance } from 'fastify'
import { errorBody } from './errors.ts'

export function createApp(): FastifyInstance {
  const app = Fastify({
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 70_000, ignoreDuplicateSlashes: false },
    bodyLimit: 128 * 1024 * 1024,
    http: { maxHeaderSize: 131_072 },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send(errorBody({ code: '0x80060888', message: `Resource not found for '${request.url}'.` })),
  )
  return app
}
