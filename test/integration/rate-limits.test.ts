import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { healthPlugin } from '#src/http/health.ts'
import { route } from '#src/http/route.ts'
import { buildServer } from '#src/http/server.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const perMinute = 5
const vendor = (name: string): Actor => ({ kind: 'vendor', id: newId(), name, roles: ['administrator'] })
const actors = new Map(['vera', 'victor'].map((name) => [name, vendor(name)]))
let lookups = 0
let app: Awaited<ReturnType<typeof buildServer>>

beforeEach(async () => {
  lookups = 0
  app = await buildServer({
    database: db.database,
    routes: [
      route({
        method: 'GET',
        path: '/api/v1/me',
        summary: 'Who asks',
        tag: 'Me',
        access: ['administrator'],
        answers: { 200: z.object({ name: z.string() }) },
        handle: async ({ actor }) => ({ status: 200, body: { name: actor.kind } }),
      }),
    ],
    authenticate: async (token) => {
      lookups += 1
      return actors.get(token) ?? null
    },
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: perMinute,
    trustProxy: false,
    plugins: [healthPlugin({}, [])],
  })
})
afterEach(() => app.close())

async function ask(token: string | null, { url = '/api/v1/me', address = '192.0.2.1' } = {}) {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` }
  return app.inject({ method: 'GET', url, headers, remoteAddress: address })
}
async function statuses(count: number, ...request: Parameters<typeof ask>): Promise<number[]> {
  const codes: number[] = []
  for (let index = 0; index < count; index += 1) codes.push((await ask(...request)).statusCode)
  return codes
}

describe('a caller', () => {
  test('that asks too often is told when to come back; others go on', async () => {
    expect(await statuses(perMinute, 'vera')).toEqual(Array(perMinute).fill(200))
    const answer = await ask('vera')
    expect([answer.statusCode, answer.headers['content-type'], answer.json().code]).toEqual([
      429,
      'application/problem+json',
      'too_many',
    ])
    const waitS = Number(answer.headers['retry-after'])
    expect(waitS).toBeGreaterThan(0)
    expect(waitS).toBeLessThanOrEqual(60)
    expect((await ask('victor')).statusCode).toBe(200)
  })

  test('is known by who it is, not by where it calls from', async () => {
    await statuses(perMinute, 'vera')
    expect((await ask('vera', { address: '192.0.2.2' })).statusCode).toBe(429)
  })

  test('sees how much is left', async () => {
    const { headers } = await ask('vera')
    expect([headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']]).toEqual(['5', '4'])
  })
})

describe('an address from which nobody comes', () => {
  test('is refused before its tokens are looked up', async () => {
    expect(await statuses(perMinute, 'guess')).toEqual(Array(perMinute).fill(401))
    const before = lookups
    expect(await statuses(3, 'guess')).toEqual([429, 429, 429])
    expect(lookups).toBe(before)
    expect((await ask('guess', { address: '192.0.2.2' })).statusCode).toBe(401)
  })

  test('does not lock out those of its callers that are known', async () => {
    expect((await ask('vera')).statusCode).toBe(200)
    expect(await statuses(perMinute + 1, 'guess')).toContain(429)
    expect((await ask('vera')).statusCode).toBe(200)
    expect((await ask('victor')).statusCode).toBe(429)
  })

  test('is counted for paths that do not exist, and for requests without a token', async () => {
    await statuses(3, null, { url: '/api/v1/nothing' })
    expect(await statuses(3, null)).toEqual([401, 401, 429])
  })

  test('is its whole network where addresses are plenty', async () => {
    for (const host of [1, 2, 3, 4, 5]) await ask('guess', { address: `2001:db8:0:1::${host}` })
    expect((await ask('guess', { address: '2001:db8:0:1::ffff' })).statusCode).toBe(429)
    expect((await ask('guess', { address: '2001:db8:0:2::1' })).statusCode).toBe(401)
  })
})

test('probes are not limited', async () => {
  expect(await statuses(20, null, { url: '/livez' })).toEqual(Array(20).fill(200))
})
