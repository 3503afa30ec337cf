import { expect, test } from 'vitest'
import { composeMessage, maxAttempts, retryDelayMs } from '#src/notifications/mail.ts'
import { type Notification, titleOf } from '#src/notifications/notification.ts'

const notification = (number: string, data: Notification['data'] = {}): Notification => ({
  id: number,
  kind: 'deal_returned',
  partnerId: null,
  subject: { kind: 'deal', id: number },
  data: { number, ...data },
  createdAt: new Date(0),
})
const to = { name: 'Ada', address: 'ada@acme.example' }
const items = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ mailId: `m${i}`, notification: notification(`R-${i}`) }))

test('attempts wait longer each time, a few hours at most, and end', () => {
  const delays = Array.from({ length: maxAttempts }, (_, i) => retryDelayMs(i + 1))
  expect(delays.at(-1)).toBeNull()
  const waits = delays.slice(0, -1).map(Number)
  expect(waits).toEqual([...waits].sort((a, b) => a - b))
  expect(Math.max(...waits)).toBe(6 * 3_600_000)
})

test('a title leaves out what is not known', () => {
  expect(titleOf(notification('R-1'))).toBe('Registration R-1 needs more information')
  expect(titleOf({ kind: 'deal_returned', data: {} })).toBe('Registration needs more information')
})

test('a message holds what one person is to hear, with reasons and links', () => {
  const reason = 'Who decides over there?'
  const one = composeMessage(
    to,
    [{ mailId: 'm1', notification: notification('R-1', { reason, title: 'Pumps' }) }],
    'https://prm.example',
  )
  expect(one).toMatchObject({
    to,
    subject: 'Registration R-1 needs more information',
    messageId: '<m1@counterpart>',
  })
  expect(one.text).toContain(reason)
  expect(one.text).toContain('https://prm.example/portal/deals/R-1')
})

test('a long message is cut and says how much is left', () => {
  const many = composeMessage(to, items(60), 'https://prm.example')
  expect(many.subject).toBe('Registration R-0 needs more information, and 59 more')
  expect(many.text).toContain('and 10 more')
  expect(many.text).not.toContain('R-50')
})

test('no data of a notification break the header of the message', () => {
  const [item] = items(1)
  const evil = composeMessage(
    to,
    [{ ...item!, notification: notification('R-1\r\nBcc: x@y.example') }],
    'https://prm.example',
  )
  expect(evil.subject).not.toMatch(/[\r\n]/)
})
