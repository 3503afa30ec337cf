/** The token endpoint, and what a token says of itself; these count against no limit of the API. */
import type { FastifyInstance } from 'fastify'
import { type ApiCall, type ApiFrame, answerFault, expiredToken, rootPaths, serveCall } from './api-server.ts'
import { notFound, refuseCall } from './errors.ts'
import { type Credentials, refuseLogin, scopes } from './sessions.ts'

export function addOauthRoutes(
  app: FastifyInstance,
  frame: ApiFrame,
  credentials: Omit<Credentials, 'apiUrl'>,
): void {
  const { portal, sessions } = frame
  const owner = () =>
    [...portal.owners.values()].find(({ userId }) => String(userId) === portal.integrationUserId)

  function describeToken(token: string): Record<string, unknown> {
    const state = sessions.look(token)
    if (state.kind === 'unknown') throw notFound('access token not found')
    if (state.kind === 'expired') throw expiredToken(state.expiredAt, portal.now())
    return {
      token,
      user: owner()?.email,
      hub_domain: portal.domain,
      scopes,
      hub_id: Number(portal.id),
      app_id: portal.appId,
      expires_in: state.expiresInSeconds,
      user_id: Number(portal.integrationUserId),
      token_type: 'access',
    }
  }

  for (const { path } of rootPaths('oauth', '/token', ['v1', 'v3'])) {
    app.post(path, (request, reply) =>
      serveCall(frame, request, reply, 'auth', (faults) => {
        for (const fault of faults) {
          if (fault.kind === 'refused-login')
            return refuseLogin(
              fault.error,
              fault.description ?? fault.error.replaceAll('_', ' '),
              fault.error.toUpperCase(),
            )
          const answer = answerFault(fault, portal.now())
          if (answer !== null) return answer
        }
        return sessions.login((request.body ?? {}) as Readonly<Record<string, string>>)
      }),
    )
  }

  for (const { path } of rootPaths('oauth', '/token/introspect', ['v3'])) {
    app.post(path, (request, reply) =>
      serveCall(frame, request, reply, 'token-info', () => {
        const form = (request.body ?? {}) as Readonly<Record<string, string>>
        if (form['client_id'] !== credentials.clientId || form['client_secret'] !== credentials.clientSecret)
          return refuseLogin('invalid_client', 'missing or unknown client', 'BAD_CLIENT_ID')
        const token = form['token'] ?? ''
        if (sessions.look(token).kind !== 'valid') return { status: 200, body: { active: false } }
        const { hub_id, user_id, expires_in, hub_domain, user, app_id } = describeToken(token)
        const client_id = credentials.clientId
        const shared = { hub_id, user_id, expires_in, hub_domain, user, app_id, client_id, scopes, token }
        return {
          status: 200,
          body: { token_use: 'access_token', active: true, token_type: 'bearer', ...shared },
        }
      }),
    )
  }

  app.get('/oauth/v1/access-tokens/:token', (request, reply) =>
    serveCall(frame, request, reply, 'token-info', () => {
      const { token = '' } = request.params as ApiCall['params']
      return { status: 200, body: describeToken(token) }
    }),
  )

  /** The same for the static token of a private app, which has no OAuth behind it. */
  app.post('/oauth/v2/private-apps/get/access-token-info', (request, reply) =>
    serveCall(frame, request, reply, 'token-info', () => {
      const { tokenKey = '' } = (request.body ?? {}) as Readonly<Record<string, string>>
      if (tokenKey !== sessions.staticToken) throw refuseCall(404, 'OBJECT_NOT_FOUND', 'token not found')
      return {
        status: 200,
        body: {
          userId: Number(portal.integrationUserId),
          hubId: Number(portal.id),
          appId: portal.appId,
          scopes: scopes.filter((scope) => scope !== 'oauth'),
        },
      }
    }),
  )
}
