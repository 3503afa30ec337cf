import { sql } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { recordAudit } from '#src/database/audit.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { route } from '#src/http/route.ts'
import { buildServer } from '#src/http/server.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { Refused } from '#src/kernel/errors.ts'
import { newId } from '#src/kernel/ids.ts'
import { minorUnitsSchema } from '#src/kernel/money.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const vendor: Actor = { kind: 'vendor', id: newId(), name: 'Vera', roles: ['administrator'] }
const noteSchema = z.object({ id: z.uuid(), amountMinor: minorUnitsSchema }).meta({ id: 'Note' })

const routes = [
  route({
    method: 'POST',
    path: '/api/v1/notes',
    summary: 'Write a note',
    tag: 'Notes',
    access: ['administrator'],
    body: z.strictObject({ text: z.string().min(1), refuse: z.boolean().optional() }),
    answers: { 201: noteSchema },
    handle: async ({ tx, actor, body }) => {
      const id = newId()
      await recordAudit(tx, actor, [{ action: 'note.written', subject: { kind: 'note', id }, after: body }])
      if (body.refuse) throw new Refused('not_now', 'Not now')
      return { status: 201, body: { id, amountMinor: 12n }, etag: 1 }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/notes',
    summary: 'List notes',
    tag: 'Notes',
    access: ['finance'],
    query: pageQuery,
    answers: { 200: pageOf(noteSchema) },
    handle: async () => ({ status: 200, body: { items: [], nextCursor: null } }),
  }),
]
let app: Awaited<ReturnType<typeof buildServer>>
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
})
afterAll(() => app.close())

const auth = { authorization: 'Bearer good' }
const post = (payload: object, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url: '/api/v1/notes', headers: { ...auth, ...headers }, payload })

describe('a request', () => {
  test('without a valid token is 401, with too small a role 403, both as problem details', async () => {
    const none = await app.inject({ method: 'POST', url: '/api/v1/notes', payload: { text: 'x' } })
    expect([none.statusCode, none.headers['content-type']]).toEqual([401, 'application/problem+json'])
    const small = await app.inject({ method: 'GET', url: '/api/v1/notes', headers: auth })
    expect([small.statusCode, small.json().code]).toEqual([403, 'not_allowed'])
  })

  test('with bad fields is 422 and names each of them', async () => {
    const answer = await post({ text: '', extra: 1 })
    expect(answer.statusCode).toBe(422)
    expect(answer.json().issues.map(({ path }: { path: string }) => path)).toEqual([
      '/body/text',
      '/body/extra',
    ])
  })

  test('that is not JSON is 400', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/notes',
      headers: { ...auth, 'content-type': 'application/json' },
      payload: '{',
    })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([400, 'application/problem+json'])
  })

  test('is answered with its codecs encoded and an ETag', async () => {
    const answer = await post({ text: 'x' })
    expect([answer.statusCode, answer.json().amountMinor, answer.headers.etag]).toEqual([201, '12', '"1"'])
  })
})

describe('an idempotency key', () => {
  test('gives fifty equal answers and one effect to fifty equal requests at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post({ text: 'same' }, { 'idempotency-key': 'k1' })),
    )
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    const id = answers[0]!.json().id
    expect(await countAudit('note.written', id)).toBe(1n)
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(49)
  })

  test('with another body is refused', async () => {
    await post({ text: 'a' }, { 'idempotency-key': 'k2' })
    const answer = await post({ text: 'b' }, { 'idempotency-key': 'k2' })
    expect([answer.statusCode, answer.json().code]).toEqual([409, 'idempotency_key_reused'])
  })

  test('keeps a refusal, whose work leaves nothing', async () => {
    const first = await post({ text: 'a', refuse: true }, { 'idempotency-key': 'k3' })
    const second = await post({ text: 'a', refuse: true }, { 'idempotency-key': 'k3' })
    expect([first.statusCode, first.json().code, second.body]).toEqual([409, 'not_now', first.body])
    expect(second.headers['idempotency-replayed']).toBe('true')
  })

  test('is not used up by invalid input', async () => {
    expect((await post({ text: '' }, { 'idempotency-key': 'k4' })).statusCode).toBe(422)
    expect((await post({ text: 'ok' }, { 'idempotency-key': 'k4' })).statusCode).toBe(201)
  })
})

test('the OpenAPI document describes money as text and each route with who may call it', async () => {
  const spec = (await app.inject({ method: 'GET', url: '/openapi.json' })).json()
  expect(spec.openapi).toBe('3.1.0')
  expect(spec.components.schemas.Note.properties.amountMinor.type).toBe('string')
  expect(spec.paths['/api/v1/notes'].post.description).toContain('administrator')
  const docs = await app.inject({ method: 'GET', url: '/docs/' })
  expect(docs.statusCode).toBe(200)
})

function countAudit(action: string, id: string) {
  return db.database.transact(vendor, async (tx) => {
    const { rows } = await sql<{ count: bigint }>`
      select count(*) from audit_entry where action = ${action} and subject_id = ${id}`.execute(tx)
    return rows[0]?.count
  })
}
