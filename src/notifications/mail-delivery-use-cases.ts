import type { Database } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { composeMessage, type Mail, type Mailer, retryDelayMs } from './mail.ts'
import { settleSent, settleUnsent, takeDueMails } from './mail-store.ts'
import { readNotifications } from './notification-store.ts'

const sender = systemActor('mail delivery')
const leaseMs = 10 * 60_000
const longestError = 500

export interface Delivery {
  /** Mails taken; as many as the limit or more means that more may wait. */
  readonly taken: number
  readonly failed: number
}

/**
 * Sends due mails, whatever waits for one recipient in one message. At least once: a process that dies between sending and noting
 * it leaves the mail to the next, with the same message id. A mail that fails waits longer each time, then is `failed`.
 */
export async function sendPendingMail(
  database: Database,
  mailer: Mailer,
  options: { readonly limit: number; readonly publicUrl: string },
): Promise<Delivery> {
  const { mails, notifications } = await database.transact(sender, async (tx) => {
    const mails = await takeDueMails(tx, options.limit, leaseMs)
    const ids = mails.map(({ notificationId }) => notificationId)
    const found = ids.length === 0 ? [] : await readNotifications(tx, ids)
    return { mails, notifications: new Map(found.map((notification) => [notification.id, notification])) }
  })
  let failed = 0
  for (const group of byRecipient(mails)) {
    const items = group.mails.flatMap(({ id, notificationId }) => {
      const notification = notifications.get(notificationId)
      return notification ? [{ mailId: id, notification }] : []
    })
    const error = await attempt(() => mailer.send(composeMessage(group.to, items, options.publicUrl)))
    if (error !== null) failed += group.mails.length
    await database.transact(sender, async (tx) => {
      if (error === null) return settleSent(tx, group.mails)
      for (const [attempts, mails] of Map.groupBy(group.mails, (mail) => mail.attempts))
        await settleUnsent(tx, mails, error, retryDelayMs(attempts))
    })
  }
  return { taken: mails.length, failed }
}

/** @returns null when it worked, otherwise why not */
async function attempt(send: () => Promise<void>): Promise<string | null> {
  try {
    await send()
    return null
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).slice(0, longestError)
  }
}

function byRecipient(mails: readonly Mail[]) {
  const groups = new Map<string, { to: { name: string; address: string }; mails: Mail[] }>()
  for (const mail of [...mails].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const { recipientEmail: address, recipientName: name } = mail
    const group = groups.get(address) ?? { to: { name, address }, mails: [] }
    group.mails.push(mail)
    groups.set(address, group)
  }
  return groups.values()
}
