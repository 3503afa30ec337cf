/** The token endpoint and the identity calls; these count against no limit of the API. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { applyDelays, loseAnswer } from '../mishaps.ts'
import { type ApiFrame, answerFault } from './api-server.ts'
import { formatDatetime } from './dates.ts'
import type { Operation } from './faults.ts'
import { describeIdentity, type LoginAnswer } from './oauth.ts'

/** Client id and secret may come in the Authorization header instead of the form. */
function readBasic(request: FastifyRequest): Readonly<Record<string, string>> {
  const [, encoded] = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  if (encoded === undefined) return {}
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  return { client_id: decodeURIComponent(id), client_secret: decodeURIComponent(secret) }
}

export function addOauthRoutes(app: FastifyInstance, frame: ApiFrame, instanceUrl: () => string): void {
  async function serve(
    request: FastifyRequest,
    reply: FastifyReply,
    operation: Operation,
    answer: () => Promise<LoginAnswer>,
  ) {
    const faults = frame.faults.draw(operation, null)
    await applyDelays(faults, frame.answerDelayMs)
    const record = (status: number) =>
      frame.calls.record({
        at: formatDatetime(frame.organisation.now()),
        operation,
        method: request.method,
        path: request.url,
        object: null,
        records: 0,
        status,
        client: null,
      })
    if (faults.some((fault) => fault.kind === 'reset')) {
      record(0)
      reply.hijack()
      reply.raw.socket?.destroy()
      return
    }
    const struck = faults.map(answerFault).find((each) => each !== null)
    const result = struck ?? (await answer())
    if (loseAnswer(reply, faults)) {
      record(0)
      return
    }
    record(result.status)
    reply.code(result.status)
    if (struck?.html !== undefined) return reply.type('text/html; charset=UTF-8').send(struck.html)
    return reply
      .headers({ 'cache-control': 'no-cache, no-store' })
      .type('application/json;charset=UTF-8')
      .send(JSON.stringify(result.body))
  }

  app.post('/services/oauth2/token', (request, reply) => {
    const form = (request.body ?? {}) as Readonly<Record<string, string>>
    return serve(request, reply, 'auth', () => frame.sessions.login({ ...readBasic(request), ...form }))
  })

  const identity = (request: FastifyRequest, reply: FastifyReply) =>
    serve(request, reply, 'identity', async () => {
      const token = (request.headers.authorization ?? '').replace(/^\S+\s/, '')
      const userId = frame.sessions.findUser(token)
      return userId === null
        ? { status: 403, body: { error: 'invalid_token', error_description: 'Bad_OAuth_Token' } }
        : { status: 200, body: describeIdentity(frame.organisation, userId, instanceUrl()) }
    })
  app.get('/services/oauth2/userinfo', identity)
  app.get('/id/:organisation/:user', identity)
}
