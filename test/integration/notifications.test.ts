import { beforeAll, expect, test } from 'vitest'
import type { Tx } from '#src/database/database.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { createEventBus, type EventOf, type NotificationKind } from '#src/kernel/events.ts'
import { newId, type PartnerId } from '#src/kernel/ids.ts'
import { type Mailer, type Message, maxAttempts } from '#src/notifications/mail.ts'
import { sendPendingMail } from '#src/notifications/mail-delivery-use-cases.ts'
import { createNotificationUseCases } from '#src/notifications/notification-use-cases.ts'
import { createPartnerUseCases } from '#src/partners/partner-use-cases.ts'
import { useDatabase } from '#test/support/database.ts'
import { query } from '#test/support/sql.ts'

const db = useDatabase()
const system = systemActor('test')
const partners = createPartnerUseCases({
  events: createEventBus<Tx>({}),
  clock: { now: () => new Date('2030-01-15T12:00:00Z') },
})
const notifications = createNotificationUseCases({ partners })
const bus = createEventBus<Tx>({ notification: [notifications.onNotifications] })
const vendor: Actor = { kind: 'vendor', id: newId(), name: 'Vera', roles: ['administrator'] }
const run = <T>(actor: Actor, work: (tx: Tx) => Promise<T>) => db.database.transact(actor, work)
const newest = { limit: 100, sort: '-createdAt', after: null } as const

const sent: Message[] = []
const mailer: Mailer = { send: async (message) => void sent.push(message) }
const deliver = (by: Mailer = mailer) =>
  sendPendingMail(db.database, by, { limit: 100, publicUrl: 'https://prm.example' })
const makeDue = () => query(db.url, 'set role counterpart_system; update mail set due_at = clock_timestamp()')

let acme: PartnerId
let other: PartnerId
let seller: Actor

beforeAll(async () => {
  await run(system, async (tx) => {
    acme = (await partners.createPartner(tx, system, { name: 'Acme', currency: 'EUR' })).id
    other = (await partners.createPartner(tx, system, { name: 'Other', currency: 'EUR' })).id
    const user = {
      partnerId: acme,
      email: 'sam@acme.example',
      name: 'Sam',
      roles: ['partner_seller'],
    } as const
    const sam = await partners.createUser(tx, system, { ...user, roles: [...user.roles] })
    seller = { kind: 'partner', id: sam.id, name: sam.name, roles: ['partner_seller'], partnerId: acme }
    await partners.createUser(tx, system, {
      email: 'cm@vendor.example',
      name: 'Cleo',
      roles: ['channel_manager'],
    })
    await partners.createUser(tx, system, { email: 'f@vendor.example', name: 'Fay', roles: ['finance'] })
  })
})

const notice = (
  kind: NotificationKind,
  partnerId: PartnerId | null,
  number: string,
): EventOf<'notification'> => ({
  type: 'notification',
  kind,
  partnerId,
  subject: { kind: 'deal', id: number },
  data: { number, title: `Deal ${number}` },
})

test('a notice reaches the feed of the partner that it addresses, and of the vendor, and nobody else', async () => {
  await run(vendor, (tx) => bus.publish(tx, vendor, [notice('deal_approved', acme, 'R-1')]))
  await run(seller, (tx) => bus.publish(tx, seller, [notice('deal_submitted', null, 'R-2')]))
  const feed = async (actor: Actor) =>
    (await run(actor, (tx) => notifications.listNotifications(tx, {}, newest))).map(({ kind }) => kind)
  expect(await feed(vendor)).toEqual(['deal_submitted', 'deal_approved'])
  expect(await feed(seller)).toEqual(['deal_approved'])
  expect(await feed({ kind: 'partner', id: newId(), name: 'Olga', roles: [], partnerId: other })).toEqual([])
  const filtered = await run(vendor, (tx) =>
    notifications.listNotifications(tx, { kind: 'deal_approved', subjectId: 'R-1' }, newest),
  )
  expect(filtered).toMatchObject([{ partnerId: acme, subject: { kind: 'deal', id: 'R-1' } }])
  expect(await run(seller, (tx) => notifications.listMails(tx, {}, newest))).toEqual([])
})

test('people with the right role get one message with all that is due to them', async () => {
  await run(vendor, (tx) =>
    bus.publish(tx, vendor, [notice('deal_won', acme, 'R-3'), notice('deal_lost', acme, 'R-4')]),
  )
  sent.length = 0
  expect(await deliver()).toEqual({ taken: 4, failed: 0 })
  const bySubject = sent.map(({ to, subject }) => [to.address, subject]).sort()
  expect(bySubject).toEqual([
    ['cm@vendor.example', 'Registration R-2 was submitted'],
    ['sam@acme.example', 'Registration R-1 is approved, and 2 more'],
  ])
  expect(sent.find(({ to }) => to.name === 'Sam')?.text).toContain('https://prm.example/portal/deals/R-4')
  expect(await deliver()).toEqual({ taken: 0, failed: 0 })
})

test('nobody is told by mail what they did themselves', async () => {
  await run(seller, (tx) => bus.publish(tx, seller, [notice('deal_commented', acme, 'R-5')]))
  expect((await deliver()).taken).toBe(0)
})

test('a mail that fails is tried again, gives up visibly and can be replayed', async () => {
  await run(vendor, (tx) => bus.publish(tx, vendor, [notice('deal_expired', acme, 'R-6')]))
  const broken: Mailer = {
    send: async () => {
      throw new Error('mailbox unavailable')
    },
  }
  expect(await deliver(broken)).toEqual({ taken: 1, failed: 1 })
  expect((await deliver(broken)).taken).toBe(0)
  for (let attempt = 2; attempt <= maxAttempts; attempt += 1) {
    await makeDue()
    expect((await deliver(broken)).taken).toBe(1)
  }
  await makeDue()
  expect((await deliver(broken)).taken).toBe(0)
  const failed = await run(vendor, (tx) => notifications.listMails(tx, { state: 'failed' }, newest))
  expect(failed).toMatchObject([{ attempts: maxAttempts, lastError: 'mailbox unavailable' }])
  sent.length = 0
  const ids = failed.map(({ id }) => id)
  expect(await run(vendor, (tx) => notifications.replayMails(tx, vendor, ids))).toBe(1)
  await deliver()
  expect(sent).toMatchObject([{ subject: 'Protection of registration R-6 has ended' }])
})

test('of bulk work a person hears later and once, or with the next mail that comes anyway', async () => {
  const many = Array.from({ length: 300 }, (_, i) => ({
    ...notice('deal_approved', acme, `B-${i}`),
    priority: 'bulk' as const,
  }))
  await run(vendor, (tx) => bus.publish(tx, vendor, many))
  expect((await deliver()).taken).toBe(0)
  await run(vendor, (tx) => bus.publish(tx, vendor, [notice('deal_won', acme, 'R-8')]))
  sent.length = 0
  expect(await deliver()).toEqual({ taken: 301, failed: 0 })
  expect(sent).toHaveLength(1)
  expect(sent[0]?.text).toContain('300 x Registration is approved\n1 x Registration is won\n')
  await run(vendor, (tx) => bus.publish(tx, vendor, many))
  await makeDue()
  sent.length = 0
  expect((await deliver()).taken).toBe(300)
  expect(sent).toHaveLength(1)
})

test('two senders at once do not send the same mail', async () => {
  const many = Array.from({ length: 40 }, (_, i) => notice('deal_won', acme, `M-${i}`))
  await run(vendor, (tx) => bus.publish(tx, vendor, many))
  const taken = await Promise.all([1, 2, 3].map(() => deliver()))
  expect(taken.reduce((sum, { taken }) => sum + taken, 0)).toBe(40)
})

test('a sender that was overtaken changes nothing any more', async () => {
  await run(vendor, (tx) => bus.publish(tx, vendor, [notice('deal_won', acme, 'R-7')]))
  let during = 0
  const slow: Mailer = {
    send: async () => {
      await makeDue()
      during = (await deliver()).taken
      throw new Error('too late')
    },
  }
  await deliver(slow)
  expect(during).toBe(1)
  const [mail] = await run(vendor, (tx) => notifications.listMails(tx, {}, { ...newest, limit: 1 }))
  expect(mail).toMatchObject({ state: 'sent', lastError: null })
})
