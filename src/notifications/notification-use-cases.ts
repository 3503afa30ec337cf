import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import type { Actor, Role } from '#src/kernel/actor.ts'
import type { EventOf } from '#src/kernel/events.ts'
import { newId, type PartnerId } from '#src/kernel/ids.ts'
import type { PartnerUseCases } from '#src/partners/partner-use-cases.ts'
import type { MailSort } from './mail.ts'
import { listMails, type MailFilter, replayMails } from './mail-store.ts'
import {
  bulkMailWaitMs,
  type Notification,
  type NotificationSort,
  notificationKinds,
} from './notification.ts'
import { insertNotifications, listNotifications, type NotificationFilter } from './notification-store.ts'

export interface NotificationDeps {
  readonly partners: Pick<PartnerUseCases, 'recipients'>
}
export type NotificationUseCases = ReturnType<typeof createNotificationUseCases>

export function createNotificationUseCases(deps: NotificationDeps) {
  return {
    /**
     * Handler of `notification` events: into the feed, and a mail for everybody concerned but the one who did it. Mails
     * about bulk work wait for each other.
     */
    onNotifications: (tx: Tx, actor: Actor, events: readonly EventOf<'notification'>[]): Promise<void> =>
      asSystem(tx, async (inner) => {
        const rows = events.map(({ kind, partnerId, subject, data, priority }) => ({
          id: newId(),
          kind,
          partnerId,
          subject,
          data,
          mailWaitMs: priority === 'bulk' ? bulkMailWaitMs : 0,
        }))
        const mails = []
        for (const group of groupByAudience(rows)) {
          const recipients = await deps.partners.recipients(inner, group.partnerId, group.roles)
          const others = recipients.filter(({ id }) => !('id' in actor && actor.id === id))
          mails.push(
            ...group.rows.flatMap((notification) =>
              others.map(({ name, email }) => ({
                id: newId(),
                notificationId: notification.id,
                recipientName: name,
                recipientEmail: email,
                waitMs: notification.mailWaitMs,
              })),
            ),
          )
        }
        await insertNotifications(inner, rows, mails)
      }),

    /** A partner finds what addresses it, the vendor everything. */
    listNotifications: (tx: Tx, filter: NotificationFilter, position: Position<NotificationSort>) =>
      listNotifications(tx, filter, position),

    listMails: (tx: Tx, filter: MailFilter, position: Position<MailSort>) => listMails(tx, filter, position),

    /** Tries failed mails anew. @returns how many of the ids were failed mails */
    async replayMails(tx: Tx, actor: Actor, ids: readonly string[]): Promise<number> {
      const replayed = await replayMails(tx, ids)
      await recordAudit(
        tx,
        actor,
        ids.map((id) => ({ action: 'mail.replayed', subject: { kind: 'mail', id } })),
      )
      return replayed
    },
  }
}

type Row = Omit<Notification, 'createdAt'> & { readonly mailWaitMs: number }

/** Notifications that the same people get by mail. */
function groupByAudience(rows: readonly Row[]) {
  const groups = new Map<string, { partnerId: PartnerId | null; roles: readonly Role[]; rows: Row[] }>()
  for (const row of rows) {
    const { partner, vendor } = notificationKinds[row.kind]
    const roles: readonly Role[] = row.partnerId === null ? vendor : partner
    if (roles.length === 0) continue
    const key = [row.partnerId, ...roles].join()
    const group = groups.get(key) ?? { partnerId: row.partnerId, roles, rows: [] }
    group.rows.push(row)
    groups.set(key, group)
  }
  return groups.values()
}
