import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { newSecret, signedHeaders } from '#src/webhooks/signature.ts'
import { composeMessage, endpointInputSchema, maxAttempts, retryDelayMs } from '#src/webhooks/webhook.ts'

const now = new Date('2030-01-15T12:00:00.400Z')

test('headers are what Standard Webhooks says: id, seconds, and an HMAC-SHA256 of id.seconds.body for each secret', () => {
  const secrets = [newSecret(), newSecret()]
  const headers = signedHeaders({ id: 'm-1', payload: '{"a":1}' }, secrets, now)
  const expected = secrets.map((secret) => {
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
    expect(key).toHaveLength(32)
    return `v1,${createHmac('sha256', key).update('m-1.1894708800.{"a":1}').digest('base64')}`
  })
  expect(headers).toMatchObject({
    'webhook-id': 'm-1',
    'webhook-timestamp': '1894708800',
    'webhook-signature': expected.join(' '),
  })
})

test('a message names its type, its instant and what to look up', () => {
  const { kind, payload } = composeMessage(
    {
      kind: 'deal_won',
      partnerId: null,
      subject: { kind: 'deal', id: 'd-1' },
      data: { number: 'D-7', amount: null },
    },
    now,
  )
  expect(kind).toBe('deal_won')
  expect(JSON.parse(payload)).toEqual({
    type: 'deal_won',
    timestamp: '2030-01-15T12:00:00.400Z',
    data: {
      title: 'Registration D-7 is won',
      partnerId: null,
      subject: { kind: 'deal', id: 'd-1' },
      number: 'D-7',
      amount: null,
    },
  })
})

test('attempts grow apart, wait as long as the receiver asks (a day at most), and end', () => {
  const delays = Array.from({ length: maxAttempts }, (_, index) => retryDelayMs(index + 1))
  expect(delays.at(-1)).toBeNull()
  const waits = delays.slice(0, -1) as number[]
  expect(waits).toEqual(waits.toSorted((a, b) => a - b))
  expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(3 * 86_400_000)
  expect(retryDelayMs(1, 60_000)).toBe(60_000)
  expect(retryDelayMs(1, 7 * 86_400_000)).toBe(86_400_000)
})

test.each([
  ['https://hooks.example.com/a?b=c', true],
  ['http://127.0.0.1:9/x', true],
  ['http://hooks.example.com/', false],
  ['https://user:secret@hooks.example.com/', false],
  ['ftp://hooks.example.com/', false],
  ['not an address', false],
])('the address %s may be an endpoint: %s', (url, ok) => {
  expect(endpointInputSchema.safeParse({ name: 'ERP', url, kinds: [] }).success).toBe(ok)
})
