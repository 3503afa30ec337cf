import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ConnectorFault } from '#connectors/fault.ts'
import { holdChannels, type ListeningOptions } from '#src/sync/passes/listening.ts'
import { channel } from '#test/support/push.ts'
import { simulator, startSync, sync, useSync } from '#test/support/sync-world.ts'
import { linkedDeal, localDeal } from '#test/support/toy-deals.ts'

useSync()

let feed: ReturnType<typeof channel>
let stops: AbortController[]
let ended: Promise<void>[]
let rung: string[]
beforeEach(async () => {
  feed = channel()
  stops = []
  ended = []
  rung = []
  await startSync({ wrap: feed.listening })
})
afterEach(async () => {
  for (const stop of stops) stop.abort()
  await Promise.all(ended)
})

/** A worker that looks for channels to hold. */
function startWorker(options: ListeningOptions = {}): AbortController {
  const stop = new AbortController()
  stops.push(stop)
  const bell = { ring: (name: string) => void rung.push(name) }
  ended.push(holdChannels(sync.engine, bell, stop.signal, { lookMs: 20, renewMs: 20, ...options }))
  return stop
}
const isHeld = () => vi.waitFor(() => expect(feed.held()).toBe(1))
const state = async () =>
  (
    await sync.rows<{ cursor: string | null; trouble: string | null }>(
      'select cursor, trouble from push_channel where connection_id = $id',
    )
  )[0]
const cursorIs = (cursor: string) => vi.waitFor(async () => expect((await state())?.cursor).toBe(cursor))
const page = (cursor: string, ids: readonly string[] = [], missed: readonly string[] = []) => ({
  cursor,
  missed,
  hints: ids.map((id) => ({
    object: 'Opportunity',
    id,
    deduplicationKey: `${cursor} ${id}`,
    by: '005a person',
  })),
})
const wanted = () =>
  sync.rows<{ object: string }>(
    'select object from change_cursor where connection_id = $id and wanted_at is not null order by object',
  )

describe('a channel that is held', () => {
  test('writes down what comes together with the place to go on from, and goes on there', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    const first = startWorker()
    await isHeld()
    simulator.update('Opportunity', remoteId, { CloseDate: '2027-09-09' })
    feed.push(page('7', [remoteId]))
    await cursorIs('7')
    expect(rung).toEqual(['sync_hints'])
    await sync.readHints()
    await sync.settle()
    expect(localDeal(sync, deal)['expectedCloseDate']).toBe('2027-09-09')
    first.abort()
    await vi.waitFor(() => expect(feed.held()).toBe(0))
    startWorker()
    await isHeld()
    expect(feed.openedFrom).toEqual([null, '7'])
  })

  test('has what it missed polled at once, from where the poll stood', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    await sync.pollDue()
    startWorker()
    await isHeld()
    simulator.update('Opportunity', remoteId, { CloseDate: '2027-09-09' })
    feed.push(page('8', [], ['Opportunity']))
    await cursorIs('8')
    expect([await wanted(), rung]).toEqual([[{ object: 'Opportunity' }], ['sync_poll']])
    await sync.pollDue()
    await sync.settle()
    expect(localDeal(sync, deal)['expectedCloseDate']).toBe('2027-09-09')
    expect(await wanted()).toEqual([])
  })

  test('is held by one worker among all, and by another one when that one is gone', async () => {
    const first = startWorker()
    await isHeld()
    startWorker()
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(feed.openedFrom).toHaveLength(1)
    first.abort()
    await vi.waitFor(() => expect(feed.openedFrom).toHaveLength(2))
    await isHeld()
  })

  test('is let go by a worker that slept past its lease: what it still hears is not written down by it', async () => {
    startWorker({ renewMs: 60_000, lookMs: 60_000 })
    await isHeld()
    await sync.expireLeases()
    feed.push(page('9', ['006000000000001']))
    await vi.waitFor(() => expect(feed.held()).toBe(0))
    expect(await state()).toBeUndefined()
    startWorker()
    await isHeld()
    feed.push(page('9', ['006000000000001']))
    await cursorIs('9')
  })

  test('is opened again after a fault, which everybody can see and which stops no polls', async () => {
    startWorker()
    await isHeld()
    feed.break(new ConnectorFault('unavailable', 'The stream was closed', { code: 'CLOSED' }))
    await vi.waitFor(async () => expect((await state())?.trouble).toBe('CLOSED: The stream was closed'))
    expect(sync.pauses).toEqual([])
    await vi.waitFor(() => expect(feed.openedFrom).toHaveLength(2), 5_000)
    feed.push(page('1'))
    await vi.waitFor(async () => expect(await state()).toEqual({ cursor: '1', trouble: null }))
  })

  test('pauses the connection when the CRM lets nobody in', async () => {
    startWorker()
    await isHeld()
    feed.break(new ConnectorFault('unauthorised', 'The token was withdrawn', { code: 'INVALID' }))
    await vi.waitFor(() => expect(sync.pauses).toMatchObject([{ attention: true }]))
  })
})
