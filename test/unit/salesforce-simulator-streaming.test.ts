import { Replay } from 'jsforce/lib/api/streaming/extension.js'
import { Connection } from 'jsforce/lib/connection.js'
import 'jsforce/lib/api/streaming.js'
import { describe, expect, it } from 'vitest'
import { deal, session, simulator, useSalesforceSession } from '#test/support/salesforce-session.ts'

let clockMs = Date.UTC(2026, 10, 20, 10)
useSalesforceSession({ now: () => new Date(clockMs), streamHoldMs: 200 })

const channel = '/data/OpportunityChangeEvent'
const headers = () =>
  simulator.changeEvents.list('Opportunity').map(({ payload }) => payload.ChangeEventHeader)

describe('change events', () => {
  it('reach the streaming client of jsforce, the kept ones too', async () => {
    simulator.insert('Opportunity', deal({ Name: 'before' }))
    const connection = new Connection({
      instanceUrl: simulator.url,
      accessToken: session.accessToken,
      version: '62.0',
    })
    const client = connection.streaming.createClient([new Replay(channel, -2)])
    const names: unknown[] = []
    const subscription = client.subscribe(channel, (event: { payload: Record<string, unknown> }) =>
      names.push(event.payload['Name']),
    )
    await expect.poll(() => names).toEqual(['before'])
    simulator.insert('Opportunity', deal({ Name: 'after' }))
    await expect.poll(() => names).toEqual(['before', 'after'])
    subscription.cancel()
  })

  it('name what changed, and one event stands for the same change of several records', async () => {
    const ids = simulator.insertMany('Opportunity', [deal(), deal()])
    await session.send('PATCH', '/composite/sobjects', {
      allOrNone: false,
      records: ids.map((id) => ({ attributes: { type: 'Opportunity' }, id, NextStep: 'call' })),
    })
    expect(headers().map(({ changeType }) => changeType)).toEqual(['CREATE', 'CREATE', 'UPDATE'])
    expect(headers().at(-1)).toMatchObject({
      recordIds: ids,
      changedFields: expect.arrayContaining(['NextStep']),
    })
  })

  it('tell of nothing that was undone', async () => {
    const answer = await session.send('POST', '/composite/sobjects', {
      allOrNone: true,
      records: [deal(), { Name: 'without a stage' }].map((fields) => ({
        attributes: { type: 'Opportunity' },
        ...fields,
      })),
    })
    expect(answer.body.map(({ success }: { success: boolean }) => success)).toEqual([false, false])
    expect(headers()).toEqual([])
  })

  it('are kept for 72 hours', () => {
    simulator.insert('Opportunity', deal())
    clockMs += 71 * 3_600_000
    expect(headers()).toHaveLength(1)
    clockMs += 2 * 3_600_000
    expect(headers()).toEqual([])
  })

  it('come of selected objects only, and not of what the platform does', () => {
    const id = simulator.insert('Opportunity', deal())
    simulator.touch('Opportunity', [id])
    simulator.changeEvents.selected.delete('Opportunity')
    simulator.update('Opportunity', id, { NextStep: 'call' })
    expect(headers()).toHaveLength(1)
  })
})
