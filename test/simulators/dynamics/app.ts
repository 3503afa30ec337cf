/** The HTTP server without its routes. */
import Fastify, { type FastifyInstance } from 'fastify'
import { errorBody } from './errors.ts'

export function createApp(): FastifyInstance {
  const app = Fastify({
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 70_000, ignoreDuplicateSlashes: false },
    bodyLimit: 128 * 1024 * 1024,
    http: { maxHeaderSize: 131_072 },
  })
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send(errorBody({ code: '0x80060888', message: `Resource not found for '${request.url}'.` })),
  )
  return app
}

/** Routes that read their bodies themselves: these reach them as text, whatever their media type. */
export function withTextBodies(app: FastifyInstance, add: (scope: FastifyInstance) => void): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    add(scope)
  })
}
