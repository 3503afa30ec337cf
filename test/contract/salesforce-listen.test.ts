import { afterEach, describe, expect, it } from 'vitest'
import type { PushPage } from '#connectors/connector.ts'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  connector,
  create,
  dealFields,
  gate,
  insertDeals,
  never,
  restart,
  simulator,
  useSalesforce,
} from '#test/support/salesforce-organisation.ts'

useSalesforce()

let listening = new AbortController()
afterEach(() => {
  listening.abort()
  listening = new AbortController()
})

const listen = (cursor: string | null = null, objects: readonly string[] = ['Opportunity']) =>
  connector.listen!(objects, cursor, listening.signal)[Symbol.asyncIterator]()

async function nextOf(pages: AsyncIterator<PushPage>): Promise<PushPage> {
  const { done, value } = await pages.next()
  if (done) throw new Error('the listening ended')
  return value
}

/** Pages until these ids have been hinted. */
async function hear(pages: AsyncIterator<PushPage>, ids: readonly string[]): Promise<readonly PushPage[]> {
  const heard: PushPage[] = []
  const waiting = new Set(ids)
  while (waiting.size > 0) {
    const page = await nextOf(pages)
    heard.push(page)
    for (const { id } of page.hints) waiting.delete(id)
  }
  return heard
}

const idsOf = (page: PushPage) => page.hints.map(({ id }) => id)

describe('listening to Salesforce', () => {
  it('is among the traits', () => {
    expect(connector.traits.push).toEqual({ listen: true, webhook: false })
  })

  it('begins with what is new, and has the objects polled once the subscription stands', async () => {
    insertDeals(1)
    const pages = listen()
    expect(await nextOf(pages)).toMatchObject({ hints: [], missed: ['Opportunity'] })
    const [id] = insertDeals(1) as [string]
    const page = await nextOf(pages)
    expect(page).toMatchObject({ hints: [{ object: 'Opportunity', id }], missed: [] })
  })

  it('tells of every object by what people and the API do', async () => {
    const pages = listen(null, ['Opportunity', 'Account'])
    await nextOf(pages)
    const account = simulator.insert('Account', { Name: 'Acme' })
    await hear(pages, [account])
    const [outcome] = await connector.write([create('d-1')], never)
    const deal = outcome?.ok ? outcome.id : ''
    await hear(pages, [deal])
    simulator.update('Opportunity', deal, { Amount: 5 })
    await hear(pages, [deal])
    simulator.remove('Opportunity', deal)
    await hear(pages, [deal])
    simulator.undelete('Opportunity', deal)
    await hear(pages, [deal])
  })

  it('names who did it: people, or ourselves', async () => {
    const pages = listen(null, ['Opportunity'])
    await nextOf(pages)
    const [deal] = insertDeals(1) as [string]
    const { userId } = await connector.probe(never)
    const byPeople = (await hear(pages, [deal])).flatMap(({ hints }) => hints)
    expect(byPeople.map(({ by }) => by)).not.toContain(userId)
    await connector.write(
      [{ object: 'Opportunity', target: { kind: 'id', id: deal }, fields: { Name: 'ours' } }],
      never,
    )
    const byUs = (await hear(pages, [deal])).flatMap(({ hints }) => hints)
    expect(byUs.map(({ by }) => by)).toEqual([userId])
  })

  it('tells of both sides of a merge', async () => {
    const [a, b] = simulator.insertMany('Account', [{ Name: 'a' }, { Name: 'b' }]) as [string, string]
    const pages = listen(null, ['Account'])
    await nextOf(pages)
    simulator.merge('Account', a, [b])
    await hear(pages, [a, b])
    expect(await connector.read('Account', [b], ['Name'], never)).toMatchObject([
      { missing: true, mergedInto: a },
    ])
  })

  it('goes on from a stored cursor without losing what happened meanwhile', async () => {
    const first = listen(null, ['Opportunity', 'Account'])
    await nextOf(first)
    const [seen] = insertDeals(1) as [string]
    const cursor = (await hear(first, [seen])).at(-1)!.cursor
    listening.abort()
    listening = new AbortController()
    const deals = insertDeals(3)
    const second = listen(cursor, ['Opportunity', 'Account'])
    const heard = await hear(second, deals)
    expect(heard.flatMap(idsOf).toSorted()).toEqual([...deals].toSorted())
    // Of Account nothing had come yet, so its channel began anew.
    expect(heard.flatMap(({ missed }) => missed)).toEqual(['Account'])
  })

  it('names one event the same in every delivery', async () => {
    const pages = listen()
    const { cursor } = await nextOf(pages)
    simulator.streams.setDelivery({ double: true })
    const [id] = insertDeals(1) as [string]
    const once = (await hear(pages, [id])).flatMap(({ hints }) => hints)
    expect(once).toHaveLength(1)
    listening.abort()
    listening = new AbortController()
    const stored = JSON.parse(cursor) as { replay: Record<string, unknown> }
    const again = listen(JSON.stringify({ ...stored, replay: { Opportunity: -2 } }))
    expect((await hear(again, [id])).flatMap(({ hints }) => hints)).toEqual(once)
  })

  it('hears all of what comes in the wrong order', async () => {
    const pages = listen()
    await nextOf(pages)
    simulator.streams.setDelivery({ reverse: true })
    await hear(pages, insertDeals(5))
  })

  it('takes gap events for a reason to read the records they name', async () => {
    const [id] = insertDeals(1) as [string]
    const pages = listen()
    await nextOf(pages)
    simulator.changeEvents.publishGap('Opportunity', 'GAP_UPDATE', [id])
    expect(await nextOf(pages)).toMatchObject({ hints: [{ id }], missed: [] })
    simulator.changeEvents.publishGap('Opportunity', 'GAP_UPDATE', ['006*'])
    expect(await nextOf(pages)).toMatchObject({ hints: [], missed: ['Opportunity'] })
    simulator.changeEvents.publishGap('Opportunity', 'GAP_OVERFLOW', [])
    expect(await nextOf(pages)).toMatchObject({ hints: [], missed: ['Opportunity'] })
  })

  it('starts afresh, and has the object polled, where its place is kept no longer', async () => {
    const first = listen()
    await nextOf(first)
    const [id] = insertDeals(1) as [string]
    const { cursor } = (await hear(first, [id])).at(-1)!
    listening.abort()
    listening = new AbortController()
    insertDeals(1)
    simulator.changeEvents.forget(null)
    const pages = listen(cursor)
    expect(await nextOf(pages)).toMatchObject({ hints: [], missed: ['Opportunity'] })
    await hear(pages, insertDeals(1))
  })

  it('goes on after a cut, a forgotten client and an ended session, and loses nothing', async () => {
    const pages = listen()
    await nextOf(pages)
    await hear(pages, insertDeals(1))
    for (const disturb of [
      () => simulator.streams.cutConnections(),
      () => simulator.streams.dropClients(),
      () => simulator.expireSessions(),
    ]) {
      const next = pages.next()
      await expect.poll(() => simulator.streams.held).toBe(1)
      disturb()
      const [id] = insertDeals(1) as [string]
      expect((await next).value).toMatchObject({ hints: [{ id }], missed: [] })
    }
    expect(gate.count('auth')).toBe(2)
  })

  it('comes back quietly when nothing happens for long', async () => {
    await restart({ streamHoldMs: 50 })
    const pages = listen()
    await nextOf(pages)
    const next = pages.next()
    const polls = () => simulator.calls.log.filter(({ operation }) => operation === 'stream-connect').length
    await expect.poll(polls).toBeGreaterThan(3)
    const [id] = insertDeals(1) as [string]
    expect((await next).value).toMatchObject({ hints: [{ id }] })
  })

  it('ends at once when the signal aborts', async () => {
    const pages = listen()
    await nextOf(pages)
    const next = pages.next()
    await expect.poll(() => simulator.streams.held).toBe(1)
    const started = performance.now()
    listening.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(performance.now() - started).toBeLessThan(1000)
    expect(await listen().next()).toEqual({ done: true, value: undefined })
  })

  it('ends with the connector', async () => {
    const pages = listen()
    await nextOf(pages)
    const next = faultOf(pages.next())
    await connector.close()
    expect(await next).toMatchObject({ kind: 'unavailable', details: { code: 'CLOSED' } })
  })

  it('gives up what fails twice in a row, and the same cursor works later', async () => {
    const pages = listen()
    const { cursor } = await nextOf(pages)
    const [id] = insertDeals(1) as [string]
    const heard = await hear(pages, [id])
    simulator.faults.add({ kind: 'reset', operation: 'stream-connect' })
    expect((await faultOf(pages.next())).kind).toBe('unavailable')
    simulator.faults.clear()
    const [second] = insertDeals(1) as [string]
    expect((await hear(listen(heard.at(-1)?.cursor ?? cursor), [second])).length).toBeGreaterThan(0)
  })

  it('stops asking while Salesforce refuses every token', async () => {
    simulator.faults.add({ kind: 'expired-session', operation: 'stream-handshake' })
    for (let round = 0; round < 3; round += 1) {
      expect((await faultOf(listen().next())).kind).toBe('unauthorised')
    }
    expect(gate.count('auth')).toBe(2)
    expect(simulator.calls.log.length).toBeLessThan(10)
  })

  it('says which channel does not exist, and refuses a cursor that is not its own', async () => {
    const fault = await faultOf(listen(null, ['Opportunity', 'NoSuchThing']).next())
    expect(fault).toMatchObject({ kind: 'configuration', message: expect.stringContaining('NoSuchThing') })
    expect((await faultOf(listen('{"surprise":true}').next())).kind).toBe('configuration')
  })

  it('passes the gate with everything but the long polls', async () => {
    const pages = listen()
    await nextOf(pages)
    await hear(pages, insertDeals(1))
    const streamed = simulator.calls.log.filter(({ operation }) => operation.startsWith('stream-'))
    expect(streamed.map(({ operation }) => operation)).toEqual([
      'stream-handshake',
      'stream-subscribe',
      'stream-connect',
      'stream-connect',
    ])
    expect(gate.count('listen')).toBe(3)
  })

  it('carries our own name where we caused the change', async () => {
    await connector.write([create('d-1', dealFields('d-1'))], never)
    insertDeals(1)
    const origins = simulator.changeEvents
      .list('Opportunity')
      .map(({ payload }) => payload.ChangeEventHeader.changeOrigin)
    expect(origins).toEqual(['com/salesforce/api/rest/62.0;client=counterpart', ''])
  })
})
