import { describe, expect, it } from 'vitest'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  bench,
  connector,
  create,
  insertOne,
  never,
  poll,
  read,
  textOf,
  update,
  write,
} from './connector-bench.ts'

/** What every connector makes of a bad network and a CRM in trouble. */
export function describeMishaps(): void {
  describe('under mishaps', () => {
    it.each([500, 502, 503, 504])(
      'a page with status %i is a reason to repeat a read and leaves a write in doubt',
      async (status) => {
        const id = await insertOne()
        await read([id])
        bench.mishaps.answerWithPage(status, 'read')
        expect((await faultOf(read([id]))).kind).toBe('unavailable')
        bench.mishaps.answerWithPage(status, 'write')
        const [outcome] = await write(update(id, { [bench.textField]: 'new' }))
        expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous' } })
      },
    )

    it('a throttle names the time to come back, and nothing counts as sent', async () => {
      const id = await insertOne()
      await read([id])
      bench.mishaps.throttle()
      const fault = await faultOf(write(update(id, { [bench.textField]: 'new' })))
      expect(fault.kind).toBe('throttled')
      expect(fault.details.retryAt?.getTime()).toBeGreaterThan(Date.now())
      expect(textOf(id)).toBe('Acme')
    })

    it('an expired token is replaced unseen', async () => {
      const id = await insertOne()
      await read([id])
      bench.mishaps.expireToken()
      expect(await write(update(id, { [bench.textField]: 'new' }))).toMatchObject([{ ok: true }])
      expect(bench.gate.count('auth')).toBe(2)
    })

    it('tokens that are refused for ever end in a fault after two of them', async () => {
      const id = await insertOne()
      bench.mishaps.refuseTokens()
      for (let round = 0; round < 5; round += 1) {
        expect((await faultOf(read([id]))).kind).toBe('unauthorised')
        expect((await faultOf(write(update(id, {})))).kind).toBe('unauthorised')
      }
      expect(bench.gate.count('auth')).toBe(2)
      expect(bench.requests()).toBeLessThan(10)
    })

    it('an abort ends the call at once', async () => {
      const id = await insertOne()
      await read([id])
      bench.mishaps.delayReads(20_000)
      const started = performance.now()
      const signal = AbortSignal.timeout(100)
      const fault = await faultOf(connector.read(bench.object, [id], [], signal))
      expect(fault.kind).toBe('unavailable')
      expect(performance.now() - started).toBeLessThan(5000)
    })

    it('a closed connector ends what is under way and makes no call any more', async () => {
      const id = await insertOne()
      await read([id])
      bench.mishaps.delayReads(20_000)
      const reading = faultOf(read([id]))
      await connector.close()
      expect((await reading).kind).toBe('unavailable')
      const before = bench.requests()
      expect((await faultOf(read([id]))).kind).toBe('unavailable')
      expect(bench.requests()).toBe(before)
    })

    it('passes every HTTP request through the gate once', async () => {
      const ids = await bench.insert(['a', 'b', 'c'])
      await connector.probe(never)
      await connector.describe(bench.object, never)
      await read([...ids, bench.unknownId])
      await connector.find(bench.object, bench.keyField, ['x'], [], never)
      await write(create('k-1'), update(ids[0]!, { [bench.textField]: 'new' }), create('k-1'))
      await poll(null)
      bench.mishaps.expireToken()
      await read(ids)
      bench.mishaps.answerWithPage(503, 'read')
      await faultOf(read(ids))
      expect(bench.gate.calls).toHaveLength(bench.requests())
      expect(bench.gate.usages.every(({ used, limit }) => used > 0 && limit > used)).toBe(true)
    })
  })
}
