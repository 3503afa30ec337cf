import { describe, expect, it } from 'vitest'
import {
  bench,
  type ConnectorHarness,
  create,
  insertOne,
  openBench,
  textOf,
  update,
  write,
} from './connector-bench.ts'

/** What every connector does with a batch of writes. */
export function describeWrites(harness: ConnectorHarness): void {
  describe('writing', () => {
    it('creates by key once, however often it is repeated', async () => {
      const [first] = await write(create('k-1', 'one'))
      const [second] = await write(create('k-1', 'two'))
      expect(first).toMatchObject({ ok: true, created: true })
      expect(second).toMatchObject({ ok: true, created: false })
      expect(first?.ok && second?.ok && first.id === second.id).toBe(true)
      expect(bench.count()).toBe(1)
      expect(first?.ok && textOf(first.id)).toBe('two')
    })

    it('updates by id what the command names, and nothing else', async () => {
      const id = await insertOne()
      await bench.edit(id, { [bench.numberField]: 7 })
      expect(await write(update(id, { [bench.textField]: 'new' }))).toEqual([
        { ok: true, id, created: false },
      ])
      expect(textOf(id)).toBe('new')
      // Some CRMs hold every value as text.
      expect(Number(bench.get(id)?.[bench.numberField])).toBe(7)
    })

    it('settles each record on its own, in the order of the commands', async () => {
      const [a, b] = (await bench.insert(['a', 'b'])) as [string, string]
      const outcomes = await write(
        update(a, { [bench.textField]: 'a2' }),
        { ...create('k-1', 'bad'), fields: { ...bench.fieldsOf('bad'), ...bench.refusedFields } },
        create('k-2', 'good'),
        update(bench.unknownId, { [bench.textField]: 'nobody' }),
        update(b, bench.refusedFields),
        create('k-3', 'good'),
      )
      expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.fault.kind))).toEqual([
        'ok',
        'rejected',
        'ok',
        'gone',
        'rejected',
        'ok',
      ])
      const ids = outcomes.map((outcome) => (outcome.ok ? outcome.id : null))
      expect([textOf(ids[0]!), textOf(ids[2]!), textOf(ids[5]!)]).toEqual(['a2', 'good', 'good'])
      expect(textOf(b)).toBe('b')
      expect(bench.count()).toBe(4)
    })

    it('lets the later of two commands for one record stand', async () => {
      const id = await insertOne()
      const outcomes = await write(
        update(id, { [bench.textField]: 'first' }),
        create('k-1', 'first'),
        update(id, { [bench.textField]: 'second' }),
        create('k-1', 'second'),
      )
      expect(outcomes.every(({ ok }) => ok)).toBe(true)
      expect(textOf(id)).toBe('second')
      expect(outcomes[3]?.ok && textOf(outcomes[3].id)).toBe('second')
      expect(bench.count()).toBe(2)
    })

    it('blames only the records that carry a field which the CRM does not have', async () => {
      const [a, b] = (await bench.insert(['a', 'b'])) as [string, string]
      const [good, bad] = await write(
        update(a, { [bench.textField]: 'a2' }),
        update(b, { [bench.textField]: 'b2', no_such_field: 'x' }),
      )
      expect(good).toMatchObject({ ok: true })
      expect(bad).toMatchObject({
        ok: false,
        fault: { kind: 'configuration', details: { fields: ['no_such_field'] } },
      })
    })

    it('lets a lock hold up its own record alone', async () => {
      const ids = await bench.insert(['a', 'b', 'c'])
      bench.mishaps.lockOneRecord()
      const outcomes = await write(...ids.map((id) => update(id, { [bench.textField]: 'new' })))
      const kinds = outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.fault.kind))
      expect(kinds.toSorted()).toEqual(['ok', 'ok', 'unavailable'])
    })

    it.each(['cut', 'silence'] as const)(
      'is in doubt when the answer is lost (%s), and safe to repeat',
      async (how) => {
        await bench.close()
        await openBench(harness, { requestTimeoutMs: 1000 })
        bench.mishaps.loseAnswerOfWrite(how)
        const [outcome] = await write(create('k-1'))
        expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous' } })
        expect(bench.count()).toBe(1)
        expect(await write(create('k-1'))).toMatchObject([{ ok: true, created: false }])
        expect(bench.count()).toBe(1)
      },
    )
  })
}
