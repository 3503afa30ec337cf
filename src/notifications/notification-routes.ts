import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { partnerRoles, vendorRoles } from '#src/kernel/actor.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'
import { mailSorts, mailStates } from './mail.ts'
import { notificationKindNames, notificationSorts, titleOf } from './notification.ts'
import type { NotificationUseCases } from './notification-use-cases.ts'

const notificationSchema = z
  .object({
    id: z.uuid(),
    kind: z.enum(notificationKindNames),
    title: z.string(),
    partnerId: idSchema<'partner'>().nullable().describe("Whom it addresses; null: the vendor's own people"),
    subject: z.object({ kind: z.string(), id: z.string() }),
    data: z.record(z.string(), z.string().nullable()),
    createdAt: instantSchema,
  })
  .meta({ id: 'Notification' })
const mailSchema = z
  .object({
    id: z.uuid(),
    notificationId: z.uuid(),
    recipientName: z.string(),
    recipientEmail: z.string(),
    state: z.enum(mailStates),
    attempts: z.int(),
    dueAt: instantSchema.describe('When it is tried next'),
    lastError: z.string().nullable(),
    sentAt: instantSchema.nullable(),
    createdAt: instantSchema,
  })
  .meta({ id: 'Mail' })

export const notificationRoutes = (notifications: NotificationUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/notifications',
    summary: 'List what happened, the newest first',
    description: 'A partner finds what addresses it, the vendor everything.',
    tag: 'Notifications',
    access: [...vendorRoles, ...partnerRoles],
    query: z.strictObject({
      ...pageQuery.shape,
      sort: z.enum(notificationSorts).default('-createdAt'),
      kind: z.enum(notificationKindNames).optional(),
      subjectKind: lineSchema(50).optional(),
      subjectId: lineSchema(200).optional(),
      partnerId: idSchema<'partner'>().optional(),
      since: instantSchema.optional(),
    }),
    answers: { 200: pageOf(notificationSchema) },
    handle: async ({ tx, query }) => {
      const rows = await notifications.listNotifications(tx, query, positionOf(query))
      const { items, nextCursor } = sortedPage(rows, query)
      return {
        status: 200,
        body: { items: items.map((row) => ({ ...row, title: titleOf(row) })), nextCursor },
      }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/mails',
    summary: 'List mails and what became of them',
    tag: 'Notifications',
    access: ['administrator'],
    query: z.strictObject({
      ...pageQuery.shape,
      sort: z.enum(mailSorts).default('-createdAt'),
      state: z.enum(mailStates).optional(),
      recipientEmail: lineSchema(254).optional(),
    }),
    answers: { 200: pageOf(mailSchema) },
    handle: async ({ tx, query }) => {
      const rows = await notifications.listMails(tx, query, positionOf(query))
      return { status: 200, body: sortedPage(rows, query) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/mails/replay',
    summary: 'Try failed mails anew',
    tag: 'Notifications',
    access: ['administrator'],
    body: z.strictObject({ ids: z.array(z.uuid()).min(1).max(1_000) }),
    answers: { 200: z.object({ replayed: z.int() }).meta({ id: 'MailReplay' }) },
    handle: async ({ tx, actor, body }) => ({
      status: 200,
      body: { replayed: await notifications.replayMails(tx, actor, body.ids) },
    }),
  }),
]
