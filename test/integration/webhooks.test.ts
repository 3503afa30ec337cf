import { randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createSecretBox } from '#src/connections/secret-box.ts'
import type { Tx } from '#src/database/database.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { createEventBus, type EventOf } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { deliverDue } from '#src/webhooks/delivery-use-cases.ts'
import { createHttpSender } from '#src/webhooks/http-sender.ts'
import { maxAttempts } from '#src/webhooks/webhook.ts'
import { createWebhookUseCases } from '#src/webhooks/webhook-use-cases.ts'
import { useDatabase } from '#test/support/database.ts'
import { query } from '#test/support/sql.ts'

const db = useDatabase()
const oldKey = randomBytes(32)
const clock = { now: () => new Date() }
const notices: EventOf<'notification'>[] = []
const events = createEventBus<Tx>({
  notification: [async (_tx, _actor, batch) => void notices.push(...batch)],
})
const box = createSecretBox({ current: oldKey, previous: [] })
const webhooks = createWebhookUseCases({ clock, secrets: box, events })
const vera: Actor = { kind: 'vendor', id: newId(), name: 'Vera', roles: ['administrator'] }
const run = <T>(work: (tx: Tx) => Promise<T>, actor: Actor = vera) => db.database.transact(actor, work)
const newest = { limit: 100, sort: '-createdAt', after: null } as const

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}
const received: Received[] = []
let answer: { status: number; headers?: Record<string, string>; silent?: boolean } = { status: 204 }
const receiver = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk
  })
  request.on('end', () => {
    received.push({ headers: request.headers, body })
    if (!answer.silent) response.writeHead(answer.status, answer.headers ?? {}).end()
  })
})
let url = ''
let made = 0

beforeAll(async () => {
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
})
afterAll(() => {
  receiver.closeAllConnections()
  receiver.close()
})
beforeEach(async () => {
  received.length = 0
  notices.length = 0
  answer = { status: 204 }
  for (const { id } of await run(webhooks.listEndpoints)) {
    await run((tx) => webhooks.removeEndpoint(tx, vera, id))
  }
})

const endpoint = (kinds: Parameters<typeof webhooks.createEndpoint>[2]['kinds'] = []) => {
  made += 1
  const name = `Endpoint ${made}`
  return run((tx) => webhooks.createEndpoint(tx, vera, { name, url, kinds }))
}
const happens = (kind: EventOf<'notification'>['kind']) =>
  run((tx) =>
    webhooks.onNotifications(tx, vera, [
      {
        type: 'notification',
        kind,
        partnerId: null,
        subject: { kind: 'deal', id: 'd-1' },
        data: { number: 'D-7' },
      },
    ]),
  )
const deliver = (secrets: Pick<typeof box, 'open'> = box) =>
  deliverDue(db.database, { secrets, sender: createHttpSender(300), now: clock.now }, 50)
const deliveries = () => run((tx) => webhooks.listDeliveries(tx, {}, newest))
const statement = (text: string) => query(db.url, `set role counterpart_system; ${text}`)
const makeDue = () => statement(`update webhook_delivery set due_at = clock_timestamp()`)

test('an event reaches each endpoint that wants its kind, once, signed', async () => {
  const all = await endpoint()
  await endpoint(['deal_lost'])
  await happens('deal_won')
  expect(await deliver()).toBe(1)
  expect(await deliver()).toBe(0)
  expect(received).toHaveLength(1)
  const [{ headers, body }] = received as [Received]
  const verified = new Webhook(all.secret).verify(body, headers as Record<string, string>)
  expect(verified).toMatchObject({ type: 'deal_won', data: { number: 'D-7' } })
  expect(await deliveries()).toMatchObject([{ state: 'delivered', attempts: 1, lastStatus: 204 }])
})

test('the secret is told once and is nowhere to be read', async () => {
  const { secret } = await endpoint()
  const { rows } = await run((tx) =>
    sql<{ stored: string }>`select endpoint::text as stored from webhook_endpoint as endpoint`.execute(tx),
  )
  expect(rows[0]?.stored).toContain('Endpoint')
  expect(rows[0]?.stored).not.toContain(secret.slice(6))
  expect(JSON.stringify(await run(webhooks.listEndpoints))).not.toContain(secret.slice(6))
})

test('what is refused comes again with the same id, later each time, and ends as failed until somebody replays it', async () => {
  await endpoint()
  await happens('deal_won')
  answer = { status: 500 }
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    expect(await deliver()).toBe(1)
    await makeDue()
  }
  expect(await deliver()).toBe(0)
  const [failed] = await deliveries()
  expect(failed).toMatchObject({ state: 'failed', lastStatus: 500, lastError: 'The receiver answered 500' })
  expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([failed?.id]))
  answer = { status: 200 }
  expect(await run((tx) => webhooks.replay(tx, vera, [failed!.id, newId()]))).toBe(1)
  await deliver()
  expect(await deliveries()).toMatchObject([{ state: 'delivered', attempts: 1 }])
})

test('a receiver that says nothing, redirects or asks for patience is a failure with its reason', async () => {
  await endpoint()
  await happens('deal_won')
  answer = { status: 200, silent: true }
  await deliver()
  expect((await deliveries())[0]?.lastError).toBe('The receiver did not answer in time')
  await makeDue()
  answer = { status: 302, headers: { location: 'http://127.0.0.1:1/elsewhere' } }
  await deliver()
  expect((await deliveries())[0]?.lastStatus).toBe(302)
  await makeDue()
  answer = { status: 503, headers: { 'retry-after': '7200' } }
  await deliver()
  const [waiting] = await deliveries()
  expect(waiting!.dueAt.getTime() - Date.now()).toBeGreaterThan(7_000_000)
})

test('a worker that dies while sending leaves the delivery to the next, with the same id', async () => {
  await endpoint()
  await happens('deal_won')
  const sender = { send: () => Promise.reject(new Error('killed')) }
  const stopped = deliverDue(db.database, { secrets: box, sender, now: clock.now }, 50)
  await expect(stopped).rejects.toThrow('killed')
  expect(await deliver()).toBe(0)
  await makeDue()
  expect(await deliver()).toBe(1)
  expect(received).toHaveLength(1)
})

test('a receiver that wants no more is switched off at once', async () => {
  const { id } = await endpoint()
  await happens('deal_won')
  answer = { status: 410 }
  await deliver()
  const [gone] = await run(webhooks.listEndpoints)
  expect(gone).toMatchObject({ id, enabled: false })
  expect(gone?.disabledReason).toMatch(/410/)
  await happens('deal_lost')
  expect(await deliveries()).toHaveLength(1)
})

test('an endpoint at which nothing arrives for days is given up, people are told, and it may be switched on again', async () => {
  const { id } = await endpoint()
  await happens('deal_won')
  answer = { status: 500 }
  await deliver()
  expect(await run((tx) => webhooks.giveUpFailing(tx, vera))).toBe(0)
  await statement(`update webhook_endpoint set failing_since = clock_timestamp() - interval '6 days'`)
  expect(await run((tx) => webhooks.giveUpFailing(tx, vera))).toBe(1)
  expect(notices).toMatchObject([{ kind: 'webhook_given_up', subject: { kind: 'webhook_endpoint', id } }])
  await makeDue()
  expect(await deliver()).toBe(0)
  answer = { status: 200 }
  await run((tx) => webhooks.changeEndpoint(tx, vera, id, { enabled: true }, null))
  expect(await deliver()).toBe(1)
  expect((await run(webhooks.listEndpoints))[0]).toMatchObject({ enabled: true, failingSince: null })
})

test('while the secret changes, both the new and the old one verify what is sent', async () => {
  const { id, secret: old } = await endpoint()
  const { secret } = await run((tx) => webhooks.rotateSecret(tx, vera, id))
  await happens('deal_won')
  await deliver()
  const [{ headers, body }] = received as [Received]
  for (const one of [old, secret]) {
    expect(() => new Webhook(one).verify(body, headers as Record<string, string>)).not.toThrow()
  }
})

test('a change of the sealing key keeps the secrets; a secret that no key opens fails with its reason', async () => {
  const { secret } = await endpoint()
  const key = randomBytes(32)
  const newer = createSecretBox({ current: key, previous: [oldKey] })
  const rotated = createWebhookUseCases({ clock, secrets: newer, events })
  await run((tx) => rotated.resealSecrets(tx), systemActor('test'))
  await happens('deal_won')
  await deliver()
  expect((await deliveries())[0]?.lastError).toMatch(/cannot be signed/)
  await makeDue()
  await deliver(createSecretBox({ current: key, previous: [] }))
  const [{ headers, body }] = received as [Received]
  expect(() => new Webhook(secret).verify(body, headers as Record<string, string>)).not.toThrow()
})

test('names are unique, a stale change is refused, and every change is in the audit trail', async () => {
  const { id, name } = await endpoint()
  await expect(
    run((tx) => webhooks.createEndpoint(tx, vera, { name: name.toUpperCase(), url, kinds: [] })),
  ).rejects.toMatchObject({ code: 'name_taken' })
  await expect(run((tx) => webhooks.changeEndpoint(tx, vera, id, { name: 'x' }, 99))).rejects.toThrow(
    /changed/,
  )
  await run((tx) => webhooks.changeEndpoint(tx, vera, id, { kinds: ['deal_won'] }, 1))
  const rows = await query<{ action: string }>(
    db.url,
    `select action from audit_entry where subject_id = '${id}' order by id`,
  )
  expect(rows.map(({ action }) => action)).toEqual(['webhook_endpoint.created', 'webhook_endpoint.changed'])
})
