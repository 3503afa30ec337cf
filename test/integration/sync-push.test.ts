import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
import { pruneDeliveries, pushState } from '#src/sync/memory/hint-store.ts'
import { randomOf } from '#test/support/convergence.ts'
import { takingWebhooks, webhookServer } from '#test/support/push.ts'
import { marks, openReviews, simulator, stateOf, sync, useSync } from '#test/support/sync-world.ts'
import { addDeals, linkedDeal, localDeal, opportunityOf } from '#test/support/toy-deals.ts'

useSync({ wrap: takingWebhooks })

let hooks: Awaited<ReturnType<typeof webhookServer>>
beforeEach(async () => {
  hooks = await webhookServer(sync)
})
afterEach(() => hooks.close())

const hintOf = (
  id: string,
  deduplicationKey = newId() as string,
  by: string | undefined = '005a person',
) => ({
  object: 'Opportunity',
  id,
  deduplicationKey,
  ...(by === undefined ? {} : { by }),
})
const openHints = () =>
  sync.rows<{ remoteId: string; generation: bigint }>(
    'select remote_id, generation from hint where connection_id = $id order by remote_id',
  )

async function linkedDeals() {
  const added = addDeals(sync, 2)
  await sync.mark('deal', added.deals)
  await sync.settle()
  await sync.poll()
  await sync.settle()
  return added.deals.map((deal) => ({ deal, remoteId: String(opportunityOf(simulator, deal)?.['Id']) }))
}

describe('a webhook', () => {
  test('is written down and answered as the connector says, without a call to the CRM', async () => {
    const { remoteId } = await linkedDeal(sync, simulator)
    simulator.calls.reset()
    const answer = await hooks.deliver([hintOf(remoteId)])
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([
      202,
      'text/xml',
      '<taken/>',
    ])
    expect(await openHints()).toEqual([{ remoteId, generation: 1n }])
    expect(hooks.rung).toEqual(['sync_hints'])
    expect(await sync.run((tx) => pushState(tx, sync.connection.id))).toEqual({
      heardAt: null,
      trouble: null,
      hints: 1,
    })
    expect(simulator.calls.log).toEqual([])
    expect(hooks.push.deliveries()).toEqual([{ outcome: 'accepted', count: 1 }])
  })

  test('that nobody signed is answered like one for a connection that is not there, and says nothing in the log but why', async () => {
    const strange = await hooks.deliver([hintOf('006000000000001')], { signature: 'guess of a stranger' })
    const unknown = await hooks.deliver([hintOf('006000000000001')], { to: newId() })
    const noId = await hooks.deliver([hintOf('006000000000001')], { to: 'x' })
    expect(strange.status).toBe(401)
    const plain = ({ status, body, headers }: typeof strange) => ({
      status,
      body,
      type: headers['content-type'],
    })
    expect(plain(unknown)).toEqual(plain(strange))
    expect(plain(noId)).toEqual(plain(strange))
    expect(await openHints()).toEqual([])
    expect(hooks.warnings).toEqual([
      { connection: 'Salesforce', status: 401, reason: 'the signature is not ours' },
    ])
    expect(hooks.push.deliveries()).toEqual([
      { outcome: 'refused', count: 1 },
      { outcome: 'unknown_connection', count: 2 },
    ])
  })

  test('is taken as bytes of any type, with its query, but not without end', async () => {
    const { remoteId } = await linkedDeal(sync, simulator)
    const odd = await hooks.deliver([hintOf(remoteId)], { type: 'text/odd; charset=x', search: '?code=1' })
    expect(odd.status).toBe(202)
    const broken = await hooks.deliver('not JSON at all', { signature: 'none' })
    expect(broken.status).toBe(401)
    const large = await hooks.deliver('x'.repeat(1_048_577))
    expect(large.status).toBe(413)
  })

  test('of strangers is refused at the limit, while what the CRM signs goes on', async () => {
    const strict = await webhookServer(sync, 5)
    for (let turn = 0; turn < 20; turn += 1)
      expect((await strict.deliver([hintOf('006000000000001')])).status).toBe(202)
    const answers: number[] = []
    for (let turn = 0; turn < 8; turn += 1)
      answers.push((await strict.deliver('x', { signature: 'guess' })).status)
    await strict.close()
    expect(new Set(answers)).toEqual(new Set([401, 429]))
  })
})

describe('a hint', () => {
  test('brings a change over before any poll, in one call for all of them', async () => {
    const deals = await linkedDeals()
    for (const { remoteId } of deals) simulator.update('Opportunity', remoteId, { CloseDate: '2027-09-09' })
    simulator.calls.reset()
    await hooks.deliver(deals.map(({ remoteId }) => hintOf(remoteId)))
    await sync.readHints()
    expect(simulator.calls.log).toHaveLength(1)
    expect((await marks()).map(({ recordId }) => recordId).sort()).toEqual(
      deals.map(({ deal }) => deal).sort(),
    )
    expect(await openHints()).toEqual([])
  })

  test('that is delivered twice is read once, also after it was read', async () => {
    const { remoteId } = await linkedDeal(sync, simulator)
    const hint = hintOf(remoteId, 'event 1')
    await hooks.deliver([hint, hint])
    await hooks.deliver([hint])
    expect(await openHints()).toEqual([{ remoteId, generation: 1n }])
    await sync.readHints()
    await hooks.deliver([hint])
    expect(await openHints()).toEqual([])
  })

  test('of a record that was deleted ends its link and tells a person', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    simulator.remove('Opportunity', remoteId)
    await hooks.deliver([hintOf(remoteId)])
    await sync.readHints()
    expect(await stateOf('deal', deal)).toMatchObject({ state: 'gone' })
    expect(await openReviews()).toMatchObject([{ kind: 'gone', remoteId }])
  })

  test('of an object that nothing is mapped to is dropped', async () => {
    await hooks.deliver([{ object: 'Task', id: '00T1', deduplicationKey: 'a' }])
    simulator.calls.reset()
    await sync.readHints()
    expect([await openHints(), simulator.calls.log]).toEqual([[], []])
  })

  test('that comes while its record is being read is read again', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    const slow = sync.secondWorker((connector) => ({
      ...takingWebhooks(connector),
      read: async (...asked) => {
        const records = await connector.read(...asked)
        simulator.update('Opportunity', remoteId, { CloseDate: '2027-09-09' })
        await hooks.deliver([hintOf(remoteId)])
        return records
      },
    }))
    await hooks.deliver([hintOf(remoteId)])
    await slow.hints()
    expect(await openHints()).toEqual([{ remoteId, generation: 2n }])
    await sync.readHints()
    await sync.settle()
    expect(localDeal(sync, deal)['expectedCloseDate']).toBe('2027-09-09')
  })

  test('outlives a worker that is killed between writing it down and reading', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    simulator.update('Opportunity', remoteId, { Amount: 4711 })
    await hooks.deliver([hintOf(remoteId)])
    for (const read of [
      () => Promise.reject(new Error('killed')),
      async (): Promise<never> => Promise.reject(new Error('killed after the answer')),
    ]) {
      const doomed = sync.secondWorker((connector) => ({ ...connector, read }))
      await expect(doomed.hints()).rejects.toThrow()
      await sync.rows('update push_channel set hints_read_at = null where connection_id = $id returning 1')
    }
    expect(await openHints()).toHaveLength(1)
    await sync.readHints()
    await sync.settle()
    expect(localDeal(sync, deal)['amount']).toEqual({ amount: '4711.00', currency: 'USD' })
  })

  test('waits for company when another one was read a moment ago', async () => {
    const { remoteId } = await linkedDeal(sync, simulator)
    await hooks.deliver([hintOf(remoteId)])
    await sync.readHints()
    await hooks.deliver([hintOf(remoteId)])
    simulator.calls.reset()
    await sync.secondWorker().hints()
    expect(simulator.calls.log).toEqual([])
    expect(await openHints()).toHaveLength(1)
  })
})

describe('an echo of our own write', () => {
  const ours = (id: string) => ({ object: 'Opportunity', id, deduplicationKey: newId() as string })
  /** As if so much time had passed since the last write. */
  const pass = (seconds: number) =>
    sync.rows(
      `update link set written_at = written_at - interval '${seconds} seconds' where connection_id = $id returning 1`,
    )
  const readsOf = async () => {
    simulator.calls.reset()
    await sync.readHints()
    return simulator.calls.log.length
  }

  test('is not read at once; the poll that comes first answers it', async () => {
    const { remoteId } = await linkedDeal(sync, simulator)
    await hooks.deliver([ours(remoteId)])
    expect(await readsOf()).toBe(0)
    expect(await openHints()).toHaveLength(1)
    await sync.poll()
    expect(await openHints()).toEqual([])
  })

  test('that came after the poll had asked is not answered by it', async () => {
    const { remoteId } = await linkedDeal(sync, simulator)
    await hooks.deliver([ours(remoteId)])
    await sync.rows(
      `update hint set told_at = told_at + interval '1 minute' where connection_id = $id returning 1`,
    )
    await sync.poll()
    expect(await openHints()).toHaveLength(1)
  })

  test('is read after a while without a poll: somebody may have written in our name', async () => {
    const { deal, remoteId } = await linkedDeal(sync, simulator)
    simulator.update('Opportunity', remoteId, { CloseDate: '2027-09-09' })
    await hooks.deliver([ours(remoteId)])
    await pass(11)
    expect(await readsOf()).toBe(1)
    await sync.settle()
    expect(localDeal(sync, deal)['expectedCloseDate']).toBe('2027-09-09')
  })

  test('does not hide what a person does: that is read at once', async () => {
    const { remoteId } = await linkedDeal(sync, simulator)
    await hooks.deliver([ours(remoteId), hintOf(remoteId)])
    expect(await readsOf()).toBe(1)
  })

  test('waits while a record is being made, which may be the one that it speaks of, but not for ever', async () => {
    const { deal } = await linkedDeal(sync, simulator)
    const unknown = simulator.insert('Opportunity', {
      Name: 'x',
      StageName: 'Prospecting',
      CloseDate: '2027-01-01',
    })
    await sync.rows(
      `update link set remote_id = null, writing_at = clock_timestamp() where record_id = '${deal}' and connection_id = $id returning 1`,
    )
    await hooks.deliver([ours(unknown)])
    expect(await readsOf()).toBe(0)
    await sync.rows(
      `update hint set first_at = first_at - interval '31 seconds' where connection_id = $id returning 1`,
    )
    expect(await readsOf()).toBe(1)
  })
})

test.each([1, 2, 3])(
  'dropped, doubled and shuffled hints (seed %i) leave both sides equal after one poll',
  async (seed) => {
    const random = randomOf(seed)
    const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)]!
    const deals = await linkedDeals()
    const late: ReturnType<typeof hintOf>[] = []
    for (let step = 0; step < 40; step += 1) {
      const { remoteId } = pick(deals)
      const roll = random()
      if (roll < 0.35) {
        simulator.update('Opportunity', remoteId, { Amount: 100 + step })
        const hint = hintOf(remoteId, `event ${step}`)
        if (random() < 0.8) late.push(hint, ...(random() < 0.3 ? [hint] : []))
      } else if (roll < 0.7 && late.length > 0) {
        await hooks.deliver(late.splice(Math.floor(random() * late.length), 1))
      } else if (roll < 0.85) await sync.readHints()
      else await sync.settle()
    }
    await sync.poll()
    await sync.settle()
    await hooks.deliver(late)
    await sync.readHints()
    await sync.settle()
    for (const { deal, remoteId } of deals) {
      const theirs = simulator.get('Opportunity', remoteId)?.['Amount']
      expect(localDeal(sync, deal)['amount']).toMatchObject({
        amount: Number(theirs).toFixed(2),
      })
    }
    expect(await openHints()).toEqual([])
  },
)

test('deliveries are remembered for as long as a CRM repeats them', async () => {
  await hooks.deliver([hintOf('006000000000001'), hintOf('006000000000002')])
  await sync.rows(`update seen_delivery set seen_at = clock_timestamp() - interval '26 hours'
                   where delivery = (select min(delivery) from seen_delivery where connection_id = $id) returning 1`)
  expect(await sync.run((tx) => pruneDeliveries(tx, 25, 100))).toBe(1)
  expect(await sync.rows('select 1 from seen_delivery where connection_id = $id')).toHaveLength(1)
})
