import { describe, expect, it } from 'vitest'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  allowSignIn,
  connector,
  never,
  salesforce,
  useSalesforceWire,
} from '#test/support/salesforce-wire.ts'

useSalesforceWire()

const stream = '/cometd/62.0'
const shaken = [{ channel: '/meta/handshake', clientId: 'c1', successful: true }]
const first = () => connector.listen!(['Opportunity'], null, never)[Symbol.asyncIterator]().next()

describe('errors of the Streaming API', () => {
  it.each([
    ['403::Organization total events daily limit exceeded', 'unavailable', 'STREAM_LIMIT'],
    ['403::Organization concurrent user limit exceeded', 'unavailable', 'STREAM_LIMIT'],
    ['403::Unknown client', 'unavailable', 'UNKNOWN_CLIENT'],
    ['503::Server is too busy. Please try your request again later.', 'unavailable', 'STREAM_ERROR'],
    [
      '400::The channel you requested to subscribe to does not exist {/data/X}',
      'configuration',
      'STREAM_400',
    ],
    ['403::Insufficient access', 'configuration', 'STREAM_403'],
    ['', 'unavailable', 'STREAM_ERROR'],
  ])('"%s" counts as %s', async (error, kind, code) => {
    allowSignIn()
    salesforce().post(stream).reply(200, shaken)
    salesforce()
      .post(stream)
      .reply(200, [
        {
          channel: '/meta/subscribe',
          subscription: '/data/OpportunityChangeEvent',
          successful: false,
          error,
        },
      ])
    const fault = await faultOf(first())
    expect(fault).toMatchObject({ kind, details: { code } })
    expect(fault.details.retryAt !== undefined).toBe(code === 'STREAM_LIMIT')
  })

  it('a handshake that names no client, and an answer that is no list, are reasons to come back later', async () => {
    allowSignIn()
    salesforce()
      .post(stream)
      .reply(200, [{ channel: '/meta/handshake', successful: true }])
    expect(await faultOf(first())).toMatchObject({
      kind: 'unavailable',
      details: { code: 'NO_STREAM_CLIENT' },
    })
    salesforce().post(stream).reply(200, { surprise: true })
    expect((await faultOf(first())).kind).toBe('unavailable')
  })
})
