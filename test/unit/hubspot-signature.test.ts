import { Signature } from '@hubspot/api-client/lib/src/utils/signature.js'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { doubtAbout, signedAddress, toleranceMs } from '#connectors/hubspot/signature.ts'

const secret = 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy'
const receivedAt = new Date('2026-11-20T10:00:00Z')
const url = 'https://partners.example.com/hooks/1'

/** HubSpot's own client as the other hand. */
function sign(body: string, timestamp = String(receivedAt.getTime()), address = url): string {
  return Signature.getSignature('POST', 'v3', {
    clientSecret: secret,
    requestBody: body,
    url: address,
    timestamp: Number(timestamp),
  } as never)
}

const judge = (change: Partial<Parameters<typeof doubtAbout>[0]> = {}, body = '[]') =>
  doubtAbout(
    {
      method: 'POST',
      url,
      body: new TextEncoder().encode(body),
      signature: sign(body),
      timestamp: String(receivedAt.getTime()),
      receivedAt,
      ...change,
    },
    secret,
  )

describe('a signature of HubSpot', () => {
  test('is believed as its own client makes it, whatever the body holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (body) => {
        expect(judge({ signature: sign(body) }, body)).toBeNull()
      }),
    )
  })

  test('fits one body, one address, one method and one time only', () => {
    expect(judge({ body: new TextEncoder().encode('[ ]') })).not.toBeNull()
    expect(judge({ url: `${url}/` })).not.toBeNull()
    expect(judge({ method: 'PUT' })).not.toBeNull()
    expect(judge({ timestamp: String(receivedAt.getTime() + 1) })).not.toBeNull()
    expect(judge({ method: 'post' })).toBeNull()
  })

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['words', 'sha256=abc'],
    ['a shorter one', Buffer.from('short').toString('base64')],
    ['a longer one', Buffer.alloc(64).toString('base64')],
  ])('is missed where there is %s', (_, signature) => {
    expect(judge({ signature })).not.toBeNull()
  })

  it.each([
    ['at the edge of the past', -toleranceMs, true],
    ['older', -toleranceMs - 1, false],
    ['at the edge of the future', toleranceMs, true],
    ['further on', toleranceMs + 1, false],
  ])('counts for five minutes either way: %s', (_, offsetMs, isBelieved) => {
    const timestamp = String(receivedAt.getTime() + offsetMs)
    expect(judge({ timestamp, signature: sign('[]', timestamp) }) === null).toBe(isBelieved)
  })

  it.each(['', 'soon', '1e12', '-1', ' 1', '99999999999999999999'])(
    'needs a time in digits, not "%s"',
    (timestamp) => {
      expect(judge({ timestamp })).not.toBeNull()
    },
  )

  test('covers the address with the escapes decoded that HubSpot decodes', () => {
    expect(signedAddress('https://x.example/a%2Fb?q=%3A%2f%20%41')).toBe('https://x.example/a/b?q=:/%20%41')
    expect(signedAddress(url)).toBe(url)
  })
})
