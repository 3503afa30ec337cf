import { describe, expect, it } from 'vitest'
import { faultOf } from '#test/support/connector-faults.ts'
import { bench, connector, insertOne, poll, recordsOf } from './connector-bench.ts'

/** What every connector tells of changes over there. */
export function describeChanges(): void {
  describe('changes', () => {
    it('from the beginning are all records, in pages within the batch, the last one done', async () => {
      const texts = Array.from({ length: 120 }, (_, index) => `r${index}`)
      const ids = await bench.insert(texts)
      const pages = await poll(null)
      expect(
        recordsOf(pages)
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual([...ids].toSorted())
      expect(pages.every(({ records }) => records.length <= connector.traits.batch.changes)).toBe(true)
      expect(pages.map(({ done }) => done)).toEqual([...pages.slice(1).map(() => false), true])
      const record = recordsOf(pages).find(({ id }) => id === ids[7])
      expect(record).toMatchObject({ fields: { [bench.textField]: 'r7' }, modifiedBy: bench.personId })
    })

    it('of an empty object leave a cursor that sees the first record', async () => {
      const [page] = await poll(null)
      expect(page).toMatchObject({ records: [], deletions: [], done: true })
      const id = await insertOne()
      expect(recordsOf(await poll(page!.cursor)).map((record) => record.id)).toEqual([id])
    })

    it('after a cursor hold what was edited, created and removed since', async () => {
      const [a, b, c] = (await bench.insert(['a', 'b', 'c'])) as [string, string, string]
      const cursor = (await poll(null)).at(-1)!.cursor
      await bench.edit(a, { [bench.textField]: 'a2' })
      await bench.remove(b)
      const d = await insertOne('d')
      const pages = await poll(cursor)
      const texts = new Map(recordsOf(pages).map(({ id, fields }) => [id, fields[bench.textField]]))
      expect(texts.get(a)).toBe('a2')
      expect(texts.get(d)).toBe('d')
      expect(texts.has(b)).toBe(false)
      expect([undefined, 'c']).toContain(texts.get(c))
      expect(pages.flatMap(({ deletions }) => deletions)).toMatchObject([{ object: bench.object, id: b }])
    })

    it('bring a record back that was removed and restored by its own edit', async () => {
      const id = await insertOne()
      let cursor = (await poll(null)).at(-1)!.cursor
      for (const text of ['one', 'two', 'three']) {
        await bench.edit(id, { [bench.textField]: text })
        const pages = await poll(cursor)
        expect(recordsOf(pages).at(-1)?.fields[bench.textField]).toBe(text)
        cursor = pages.at(-1)!.cursor
      }
    })

    it('refuse a cursor that is not theirs instead of starting over', async () => {
      expect((await faultOf(poll('{"surprise":true}'))).kind).toBe('configuration')
      expect((await faultOf(poll('nonsense'))).kind).toBe('configuration')
    })
  })
}
