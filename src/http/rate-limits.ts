import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { actorKey } from '#src/kernel/actor.ts'
import { TooMany } from '#src/kernel/errors.ts'

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
 * for their address (IPv6: its network), before the token is looked up: guessing costs us nothing.
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
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.rateLimit === false) return
    const before = await standingOfAddress(request, { increment: false })
    if (!before.isAllowed && before.remaining === 0) refuse(reply, before)
    await identify(request)
    const standing = await (request.actor ? standingOfActor(request) : standingOfAddress(request))
    if (standing.isAllowed) return
    reply.headers({
      'x-ratelimit-limit': standing.max,
      'x-ratelimit-remaining': standing.remaining,
      'x-ratelimit-reset': standing.ttlInSeconds,
    })
    if (standing.isExceeded) refuse(reply, standing)
  })
}

function refuse(reply: FastifyReply, { max, ttlInSeconds }: Standing): never {
  reply.headers({ 'x-ratelimit-limit': max, 'x-ratelimit-remaining': 0, 'x-ratelimit-reset': ttlInSeconds })
  throw new TooMany(`At most ${max} requests a minute; try again in ${ttlInSeconds} seconds`, ttlInSeconds)
}
