import { describe, expect, it } from 'vitest'
import type { RemoteRecord } from '#connectors/connector.ts'
import { faultOf } from '#test/support/connector-faults.ts'
import { bench, connector, create, insertOne, never, read, write } from './connector-bench.ts'

/** What every connector tells: fields, records by id and by key. */
export function describeReads(): void {
  describe('reading', () => {
    it('answers in the order of the ids, also for repeated and missing ones', async () => {
      const [a, b] = (await bench.insert(['a', 'b'])) as [string, string]
      const answers = await read([b, bench.unknownId, a, b, 'not an id'])
      expect(answers.map((answer) => ('missing' in answer ? null : answer.fields[bench.textField]))).toEqual([
        'b',
        null,
        'a',
        'b',
        null,
      ])
      expect(answers.map(({ id }) => id)).toEqual([b, bench.unknownId, a, b, 'not an id'])
    })

    it('brings the fields asked for, when the record changed and who changed it', async () => {
      const id = await insertOne()
      const [record] = (await read([id])) as [RemoteRecord]
      expect(Object.keys(record.fields)).toEqual([bench.textField])
      expect(record.modifiedBy).toBe(bench.personId)
      expect(Number.isNaN(Date.parse(record.modifiedAt ?? ''))).toBe(false)
    })

    it('names the field that the CRM does not have', async () => {
      const id = await insertOne()
      const fault = await faultOf(
        connector.read(bench.object, [id], [bench.textField, 'no_such_field'], never),
      )
      expect(fault.kind).toBe('configuration')
      expect(fault.details.fields).toEqual(['no_such_field'])
    })

    it('needs no call for nothing', async () => {
      expect(await read([])).toEqual([])
      expect(await connector.find(bench.object, bench.keyField, [], [], never)).toEqual([])
      expect(await write()).toEqual([])
      expect(bench.requests()).toBe(0)
    })

    it('says that a removed record is missing', async () => {
      const id = await insertOne()
      await bench.remove(id)
      expect(await read([id])).toEqual([{ object: bench.object, id, missing: true }])
    })
  })

  describe('finding', () => {
    it('finds by key, and by nothing that a key might inject', async () => {
      await write(create('k-1', 'one'), create('k-2', 'two'))
      const find = (values: readonly string[]) =>
        connector.find(bench.object, bench.keyField, values, [bench.textField], never)
      const found = await find(['k-2', 'k-9', "x' OR Id != '", '\\', "k-1\\', '", 'a\nb'])
      expect(found.map(({ fields }) => fields)).toEqual([{ [bench.textField]: 'two' }])
    })

    it('answers two records at most for one value', async () => {
      await bench.insert(['same', 'same', 'same', 'other'])
      const found = await connector.find(
        bench.object,
        bench.textField,
        ['same', 'other'],
        [bench.textField],
        never,
      )
      const texts = found.map(({ fields }) => fields[bench.textField])
      expect(texts.toSorted()).toEqual(['other', 'same', 'same'])
    })
  })
}
