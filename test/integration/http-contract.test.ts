import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { problemSchema } from '#src/http/problem.ts'
import { route } from '#src/http/route.ts'
import { buildServer } from '#src/http/server.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput } from '#src/kernel/errors.ts'
import { newId } from '#src/kernel/ids.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const vendor: Actor = { kind: 'vendor', id: newId(), name: 'Vera', roles: ['administrator'] }
const access = ['administrator'] as const
const path = '/api/v1/notes'
const one = `${path}/:noteId`
const params = z.strictObject({ noteId: z.uuid() })
const said = z.object({ said: z.string() })
const body = z.strictObject({ text: z.string(), free: z.record(z.string(), z.unknown()).optional() })

const routes = [
  route({
    method: 'POST',
    path,
    summary: 'Write a note',
    tag: 'Notes',
    access,
    body,
    answers: { 200: said },
    handle: async ({ body }) => {
      if (body.text === 'rude')
        throw new InvalidInput('Mind your words', [{ path: '/text', code: 'rude', message: 'Not like this' }])
      return { status: 200, body: { said: body.text } }
    },
  }),
  route({
    method: 'GET',
    path: one,
    summary: 'Read a note',
    tag: 'Notes',
    access,
    params,
    answers: { 200: said },
    handle: async ({ params }) => ({ status: 200, body: { said: params.noteId } }),
  }),
  route({
    method: 'POST',
    path: `${one}/burn`,
    summary: 'Burn a note',
    tag: 'Notes',
    access,
    params,
    answers: { 200: said },
    handle: async () => ({ status: 200, body: { said: 'burnt' } }),
  }),
]
let app: Awaited<ReturnType<typeof buildServer>>
let port = 0
beforeAll(async () => {
  app = await buildServer({
    database: db.database,
    routes,
    authenticate: async (token) => (token === 'good' ? vendor : null),
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute: 0,
    trustProxy: false,
    bodyWithinMs: 500,
  })
  port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
})
afterAll(() => app.close())

interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly url?: string
  readonly payload?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}
const json = { 'content-type': 'application/json' }

/** Status, code and the places named by the issues; fails unless the answer is a problem that says so itself. */
async function refusal(request: Request) {
  const answer = await app.inject({
    url: path,
    ...request,
    headers: { authorization: 'Bearer good', ...request.headers },
  })
  expect(answer.headers['content-type']).toBe('application/problem+json')
  const problem = problemSchema.parse(answer.json())
  expect([problem.status, typeof problem.requestId]).toEqual([answer.statusCode, 'string'])
  return [problem.status, problem.code, ...(problem.issues ?? []).map((issue) => issue.path)]
}
const post = (payload: string | Buffer, headers: Record<string, string> = json) =>
  refusal({ method: 'POST', payload, headers })

describe('a body', () => {
  test('that is not JSON, or poisons prototypes, is 400', async () => {
    for (const text of ['{', '{"text":"x"}}', 'nonsense', '{"text":"x","__proto__":{"admin":true}}'])
      expect([text, ...(await post(text))]).toEqual([text, 400, 'malformed_json'])
  })

  test('of another type, or compressed, is 415', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded'])
      expect(await post('text=x', { 'content-type': type })).toEqual([415, 'unsupported_media_type'])
    const zipped = gzipSync('{"text":"x"}')
    expect(await post(zipped, { ...json, 'content-encoding': 'gzip' })).toEqual([
      415,
      'unsupported_content_encoding',
    ])
  })

  test('that is too large is 413', async () => {
    expect(await post(JSON.stringify({ text: 'x'.repeat(1_100_000) }))).toEqual([413, 'body_too_large'])
  })

  test('that is missing, empty, null or a list is named as a whole', async () => {
    expect(await refusal({ method: 'POST' })).toEqual([422, 'invalid_input', '/body'])
    for (const text of ['', 'null', '[]', '"text"', '7'])
      expect([text, ...(await post(text))]).toEqual([text, 422, 'invalid_input', '/body'])
  })

  test('with fields that nobody knows names each of them, as JSON pointers', async () => {
    const answer = await post('{"text":"x","a/b":1,"c~d":2}')
    expect(answer).toEqual([422, 'invalid_input', '/body/a~1b', '/body/c~0d'])
  })

  test('with text that no database keeps names where it stands, in free-form parts too', async () => {
    const answer = await post('{"text":"a\\u0000b","free":{"deep":["ok","\\ud800"],"k\\u0000":1}}')
    expect(answer).toEqual([422, 'invalid_input', '/body/text', '/body/free/deep/1', '/body/free'])
    const whole = { method: 'POST', url: path, payload: '{"text":"\ud83d\ude00"}' } as const
    expect(
      (await app.inject({ ...whole, headers: { ...json, authorization: 'Bearer good' } })).json().said,
    ).toBe('😀')
  })

  test('nested without end is refused', async () => {
    const deep = `{"text":"x","free":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
    expect((await post(deep)).slice(0, 2)).toEqual([422, 'invalid_input'])
  })

  test('is refused where none is taken; an empty one is not', async () => {
    const url = `${path}/${newId()}/burn`
    expect(await refusal({ method: 'POST', url, payload: '{"force":true}', headers: json })).toEqual([
      422,
      'invalid_input',
      '/body',
    ])
    for (const payload of ['', '{}']) {
      const headers = { ...json, authorization: 'Bearer good' }
      expect((await app.inject({ method: 'POST', url, payload, headers })).statusCode).toBe(200)
    }
  })

  test('whose fields a rule refuses has them named below the body', async () => {
    expect(await post('{"text":"rude"}')).toEqual([422, 'invalid_input', '/body/text'])
  })
})

describe('an address', () => {
  test('that is known under other methods says which', async () => {
    expect(await refusal({ method: 'DELETE' })).toEqual([405, 'method_not_allowed'])
    const options = await app.inject({ method: 'OPTIONS', url: `${path}/${newId()}` })
    expect([options.statusCode, options.headers.allow]).toEqual([204, 'GET, HEAD, OPTIONS'])
  })

  test('that is not known is 404', async () => {
    for (const url of ['/', '/api/v1/note', '/API/v1/notes', `${path}/1/2/3`])
      expect([url, ...(await refusal({ method: 'GET', url }))]).toEqual([url, 404, 'not_found'])
  })

  test('may end in a slash', async () => {
    const headers = { authorization: 'Bearer good' }
    expect((await app.inject({ method: 'GET', url: `${path}/${newId()}/`, headers })).statusCode).toBe(200)
  })

  test('with a parameter that nobody reads is refused, also where none is read at all', async () => {
    const url = `${path}/${newId()}?expand=all`
    expect(await refusal({ method: 'GET', url })).toEqual([422, 'invalid_input', '/query/expand'])
  })

  test('that cannot be decoded, holds a wrong id or never ends is a problem too', async () => {
    expect(await refusal({ method: 'GET', url: `${path}/%E0%A4%A` })).toEqual([400, 'malformed_url'])
    expect(await refusal({ method: 'GET', url: `${path}/${'x'.repeat(3_000)}` })).toEqual([
      414,
      'url_too_long',
    ])
    for (const id of ['1', '%00', "'; drop table deal; --", '..%2F..%2Fme'])
      expect((await refusal({ method: 'GET', url: `${path}/${encodeURI(id)}` }))[0]).toBe(422)
  })
})

describe('a header', () => {
  test('that carries a key or an ETag of another kind is named', async () => {
    const withHeader = (headers: Record<string, string>) => post('{"text":"x"}', { ...json, ...headers })
    expect(await withHeader({ 'idempotency-key': 'x'.repeat(256) })).toEqual([
      422,
      'invalid_input',
      '/headers/idempotency-key',
    ])
    for (const etag of ['1', '"abc"', '"99999999999"', '"1", "2"'])
      expect([etag, ...(await withHeader({ 'if-match': etag }))]).toEqual([
        etag,
        422,
        'invalid_input',
        '/headers/if-match',
      ])
  })

  test('of a HEAD request gets the headers of the GET and no body', async () => {
    const headers = { authorization: 'Bearer good' }
    const answer = await app.inject({ method: 'HEAD', url: `${path}/${newId()}`, headers })
    expect([answer.statusCode, answer.body, answer.headers['cache-control']]).toEqual([200, '', 'no-store'])
  })
})

/** What comes back for bytes on a bare connection, once the server has closed it. */
async function exchange(text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  let answer = ''
  socket.on('data', (chunk: string) => {
    answer += chunk
  })
  socket.write(text)
  await once(socket, 'close')
  return answer
}

describe('a connection', () => {
  test('on which something else than HTTP arrives gets a problem and ends', async () => {
    const answer = await exchange('\x16\x03\x01 hello\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(answer).toContain('application/problem+json')
    expect(await exchange(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    )
  })

  test('whose body does not arrive in time is told so and ends', async () => {
    const head = [
      'POST /api/v1/notes HTTP/1.1',
      'host: x',
      'authorization: Bearer good',
      'content-type: application/json',
    ]
    const answer = await exchange(`${head.join('\r\n')}\r\ncontent-length: 100\r\n\r\n{"text":`)
    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expect(answer).toContain('"too_slow"')
  })

  test('that answers two lengths at once is not believed', async () => {
    const smuggled =
      'POST /api/v1/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'
    expect(await exchange(smuggled)).toMatch(/^HTTP\/1.1 400 /)
  })
})
