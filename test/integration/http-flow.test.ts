import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { problemSchema } from '#src/http/problem.ts'
import { streamRoute } from '#src/http/route.ts'
import { buildServer } from '#src/http/server.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput } from '#src/kernel/errors.ts'
import { newId } from '#src/kernel/ids.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const vendor: Actor = { kind: 'vendor', id: newId(), name: 'Vera', roles: ['administrator'] }
const megabyte = 1_048_576
let most = 0
let made = 0

const routes = [
  streamRoute({
    method: 'POST',
    path: '/api/v1/measure',
    summary: 'Count the bytes of a file',
    tag: 'Files',
    access: ['administrator'],
    query: z.strictObject({ refuseAfter: z.coerce.number().optional() }),
    takes: { mediaType: 'text/csv', limitBytes: 64 * megabyte, description: 'Any file' },
    answers: { 200: z.object({ bytes: z.int() }) },
    handle: async ({ body, query }) => {
      let bytes = 0
      for await (const chunk of body) {
        bytes += chunk.length
        most = Math.max(most, chunk.length)
        if (query.refuseAfter !== undefined && bytes > query.refuseAfter)
          throw new InvalidInput('Enough of this')
      }
      return { status: 200, body: { bytes } }
    },
  }),
  streamRoute({
    method: 'GET',
    path: '/api/v1/lines',
    summary: 'Lines without end',
    tag: 'Files',
    access: ['administrator', 'finance'],
    contentType: 'text/csv; charset=utf-8',
    answers: { 200: z.string() },
    handle: async () => ({ status: 200, body: lines() }),
  }),
]

async function* lines() {
  for (made = 0; made < 1_000_000; made += 1) yield `line ${made}\n`
}

let app: Awaited<ReturnType<typeof buildServer>>
let url = ''
beforeAll(async () => {
  app = await buildServer({
    database: db.database,
    routes,
    authenticate: async (token) => (token === 'good' ? vendor : null),
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: 10_000,
    trustProxy: false,
  })
  url = await app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(() => app.close())

const authorization = 'Bearer good'
async function* bytes(megabytes: number) {
  for (let sent = 0; sent < megabytes; sent += 1) yield Buffer.alloc(megabyte, 'x')
}
const upload = (body: AsyncIterable<Buffer> | string, headers: Record<string, string> = {}, query = '') =>
  fetch(`${url}/api/v1/measure${query}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'text/csv', ...headers },
    body: body as never,
    duplex: 'half',
  } as RequestInit)
const problemIn = async (answer: Response) => problemSchema.parse(await answer.json())

test('a body flows through in pieces, however large it is', async () => {
  const answer = await upload(bytes(40))
  expect([answer.status, await answer.json()]).toEqual([200, { bytes: 40 * megabyte }])
  expect(most).toBeLessThan(megabyte)
})

test('a body beyond the limit is told so, announced or not', async () => {
  const unannounced = await upload(bytes(70))
  expect([unannounced.status, (await problemIn(unannounced)).code]).toEqual([413, 'body_too_large'])
  const announced = await upload('x'.repeat(65 * megabyte))
  expect(announced.status).toBe(413)
})

test('a refusal in the middle of a body reaches the caller, and the connection stays usable', async () => {
  const refused = await upload(bytes(30), {}, '?refuseAfter=1000')
  expect([refused.status, (await problemIn(refused)).detail]).toEqual([422, 'Enough of this'])
  expect((await upload('abc')).status).toBe(200)
})

test('another media type is 415, a body with no token is 401, bad parameters are 422', async () => {
  expect((await upload('{}', { 'content-type': 'application/json' })).status).toBe(415)
  expect((await upload('abc', { authorization: 'Bearer bad' })).status).toBe(401)
  expect((await upload('abc', {}, '?refuseAfter=x')).status).toBe(422)
})

test('an answer flows no faster than it is read, and stops when the caller has gone', async () => {
  const gone = new AbortController()
  const answer = await fetch(`${url}/api/v1/lines`, { headers: { authorization }, signal: gone.signal })
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  const first = await answer.body?.getReader().read()
  expect(Buffer.from(first?.value ?? []).toString()).toMatch(/^line 0\n/)
  gone.abort()
  await delay(200)
  const before = made
  await delay(100)
  expect(made).toBe(before)
  expect(made).toBeLessThan(1_000_000)
})

test('the OpenAPI document says what a body that flows has to be', async () => {
  const spec = (await app.inject({ method: 'GET', url: '/openapi.json' })).json()
  const { requestBody } = spec.paths['/api/v1/measure'].post
  expect(requestBody.content['text/csv'].schema).toMatchObject({ type: 'string', description: 'Any file' })
})
