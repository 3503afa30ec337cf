/** The token endpoint over HTTP; it counts against no limit of the organisation. */
import type { FastifyInstance } from 'fastify'
import { applyDelays, cutConnection, htmlError, loseAnswer } from '../mishaps.ts'
import type { ApiFrame } from './api-server.ts'
import { formatInstant } from './dates.ts'
import type { FaultEffect } from './faults.ts'
import { type LoginAnswer, refuseLogin } from './oauth.ts'
import type { Organisation } from './organisation.ts'

type Struck = LoginAnswer | { readonly status: number; readonly html: string }

function answerFault(organisation: Organisation, fault: FaultEffect): Struck | null {
  if (fault.kind === 'refused-login') {
    return refuseLogin(
      organisation,
      fault.error,
      7_000_222,
      fault.description ?? 'The client secret keys are expired.',
    )
  }
  if (fault.kind === 'server-error') return { status: fault.status, html: htmlError(fault.status) }
  if (fault.kind === 'throttled') {
    return refuseLogin(organisation, 'temporarily_unavailable', 90_055, 'The server is throttling requests.')
  }
  return null
}

export function addOauthRoutes(app: FastifyInstance, frame: ApiFrame): void {
  app.post<{ Params: { tenant: string } }>('/:tenant/oauth2/v2.0/token', async (request, reply) => {
    const faults = frame.faults.draw('auth', null)
    const record = (status: number) =>
      frame.calls.record({
        at: formatInstant(frame.organisation.now()),
        operation: 'auth',
        method: request.method,
        path: request.url,
        object: null,
        records: 0,
        status,
        client: request.headers['user-agent'] ?? null,
      })
    await applyDelays(faults, frame.answerDelayMs)
    if (faults.some((fault) => fault.kind === 'reset')) {
      record(0)
      cutConnection(reply)
      return
    }
    const struck = faults.map((fault) => answerFault(frame.organisation, fault)).find((each) => each !== null)
    const form = Object.fromEntries(new URLSearchParams(typeof request.body === 'string' ? request.body : ''))
    const result = struck ?? frame.sessions.login(request.params.tenant, form)
    if (loseAnswer(reply, faults)) {
      record(0)
      return
    }
    record(result.status)
    reply.code(result.status).headers({ 'cache-control': 'no-store, no-cache' })
    if ('html' in result) return reply.type('text/html; charset=utf-8').send(result.html)
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(result.body))
  })
}
