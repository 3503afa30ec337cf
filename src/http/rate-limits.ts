import { createHash } from 'node:crypto'
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { actorKey } from '#src/kernel/actor.ts'
import { TooMany } from '#src/kernel/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who is let in here proves itself by what it sends: only what is refused counts, for its address. */
    countsRefusalsOnly?: boolean
  }
}

const windowMs = 60_000
const rememberedCallers = 20_000

interface Standing {
  readonly max: number
  readonly remaining: number
  readonly ttlInSeconds: number
  readonly isExceeded: boolean
}

/**
 * Callers are limited by who they are. Requests of nobody, with a token that nobody holds or without one, are counted
 * for their address (IPv6: its network); beyond its limit tokens from there are not even looked up, but for those that
 * were good lately: one bad neighbour behind a shared address does not lock the others out.
 * A limit holds per process. Routes with `config.rateLimit: false` are not limited.
 */
export async function limitRequests(
  app: FastifyInstance,
  perMinute: number,
  identify: (request: FastifyRequest) => Promise<void>,
): Promise<void> {
  if (perMinute === 0) {
    app.addHook('onRequest', identify)
    return
  }
  await app.register(rateLimit, { global: false, timeWindow: windowMs, cache: rememberedCallers })
  const standingOfAddress = app.createRateLimit({ max: perMinute })
  const standingOfActor = app.createRateLimit({
    max: perMinute,
    keyGenerator: (request) => (request.actor ? actorKey(request.actor) : ''),
  })
  const familiar = rememberFamiliar()
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.rateLimit === false) return
    const before = await standingOfAddress(request, { increment: false })
    if (!before.isAllowed && before.remaining === 0 && !familiar.has(request)) refuse(reply, before)
    if (request.routeOptions.config.countsRefusalsOnly) return
    await identify(request)
    if (request.actor) familiar.add(request)
    const standing = await (request.actor ? standingOfActor(request) : standingOfAddress(request))
    if (standing.isAllowed) return
    reply.headers({
      'x-ratelimit-limit': standing.max,
      'x-ratelimit-remaining': standing.remaining,
      'x-ratelimit-reset': standing.ttlInSeconds,
    })
    if (standing.isExceeded) refuse(reply, standing)
  })
  app.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.config.countsRefusalsOnly && reply.statusCode >= 400)
      await standingOfAddress(request)
  })
}

function refuse(reply: FastifyReply, { max, ttlInSeconds }: Standing): never {
  reply.headers({ 'x-ratelimit-limit': max, 'x-ratelimit-remaining': 0, 'x-ratelimit-reset': ttlInSeconds })
  throw new TooMany(`At most ${max} requests a minute; try again in ${ttlInSeconds} seconds`, ttlInSeconds)
}

/** Digests of the tokens that were good lately. */
function rememberFamiliar() {
  const known = new Set<string>()
  const digestOf = ({ headers }: FastifyRequest) =>
    createHash('sha256')
      .update(headers.authorization ?? '')
      .digest('base64')
  return {
    has: (request: FastifyRequest) => known.has(digestOf(request)),
    add(request: FastifyRequest) {
      known.add(digestOf(request))
      const [oldest] = known
      if (known.size > rememberedCallers && oldest !== undefined) known.delete(oldest)
    },
  }
}
