import { type Notification, titleOf } from './notification.ts'

/** A message as a mailer takes it. */
export interface Message {
  readonly to: { readonly name: string; readonly address: string }
  readonly subject: string
  readonly text: string
  /** The same for every attempt at one message, so that the receiver can tell a repetition. */
  readonly messageId: string
}

/** Whoever carries messages. `send` resolves when the next station has taken the message. */
export interface Mailer {
  send(message: Message): Promise<void>
}

export const mailStates = ['pending', 'sent', 'failed'] as const

/** One notification on its way to one person. */
export interface Mail {
  readonly id: string
  readonly notificationId: string
  readonly recipientName: string
  readonly recipientEmail: string
  readonly state: (typeof mailStates)[number]
  readonly attempts: number
  readonly dueAt: Date
  readonly lastError: string | null
  readonly sentAt: Date | null
  readonly createdAt: Date
}

export const maxAttempts = 8
const firstDelayMs = 60_000
const longestDelayMs = 6 * 3_600_000

/** How long to wait after the nth failed attempt; null: give up. */
export const retryDelayMs = (attempts: number): number | null =>
  attempts >= maxAttempts ? null : Math.min(firstDelayMs * 4 ** (attempts - 1), longestDelayMs)

const shownAtMost = 50

/** One message for all that one person is to hear now. `items` is not empty. */
export function composeMessage(
  to: Message['to'],
  items: readonly { readonly mailId: string; readonly notification: Notification }[],
  publicUrl: string,
): Message {
  const titles = items.map(({ notification }) => titleOf(notification))
  const [first = ''] = titles
  const subject = titles.length === 1 ? first : `${first}, and ${titles.length - 1} more`
  const left = items.length - shownAtMost
  const summary = left > 0 ? [...countKinds(items.map(({ notification }) => notification)), ''] : []
  const shown = items.slice(0, shownAtMost).flatMap(({ notification }) => describe(notification, publicUrl))
  const lines = [...summary, ...shown]
  if (left > 0) lines.push(`... and ${left} more: ${publicUrl}/portal/notifications`)
  return {
    to,
    subject: subject.replace(/[\r\n]+/g, ' '),
    text: `${lines.join('\n')}\n`,
    messageId: `<${items[0]?.mailId ?? ''}@counterpart>`,
  }
}

/** "2700 x Registration is approved", the most frequent first. */
function countKinds(notifications: readonly Notification[]): string[] {
  const groups = [...Map.groupBy(notifications, ({ kind }) => kind)]
  return groups
    .map(([kind, { length }]) => ({ length, title: titleOf({ kind, data: {} }) }))
    .sort((a, b) => b.length - a.length)
    .map(({ length, title }) => `${length} x ${title}`)
}

function describe(notification: Notification, publicUrl: string): string[] {
  const { data, subject } = notification
  const named = ['title', 'reason'].flatMap((name) => (data[name] ? [`  ${data[name]}`] : []))
  return [titleOf(notification), ...named, `  ${publicUrl}/portal/${subject.kind}s/${subject.id}`, '']
}

export const mailSorts = ['createdAt', '-createdAt'] as const
export type MailSort = (typeof mailSorts)[number]
