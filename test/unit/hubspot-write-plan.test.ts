import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { WriteCommand } from '#connectors/connector.ts'
import { ConnectorFault, type FaultKind } from '#connectors/fault.ts'
import {
  addressOf,
  type Batch,
  inputOf,
  recordKey,
  splitCall,
  traceOf,
} from '#connectors/hubspot/write-plan.ts'
import { readBatch } from '#connectors/hubspot/write-results.ts'
import { planCalls as plan } from '#connectors/wire/write-plan.ts'

const planCalls = (commands: readonly WriteCommand[], size: number) =>
  plan(commands, { size, addressOf, recordKey })
const byId = (id: string, fields: WriteCommand['fields'] = { dealname: 'x' }): WriteCommand => ({
  object: 'deals',
  target: { kind: 'id', id },
  fields,
})
const byKey = (value: string, object = 'deals'): WriteCommand => ({
  object,
  target: { kind: 'key', field: 'prm_deal_id', value },
  fields: { dealname: value },
})
const callOf = (...commands: readonly WriteCommand[]): Batch => planCalls(commands, 100)[0]!
const fault = (kind: FaultKind, fields: readonly string[] = [], httpStatus = 400) =>
  new ConnectorFault(kind, 'no', { code: 'X', fields, httpStatus })
const now = new Date('2026-11-20T10:00:00Z')

const commandArb = fc.oneof(
  fc.integer({ min: 1, max: 9 }).map((id) => byId(String(id))),
  fc.constantFrom('a', 'A', 'b ', 'b', 'c').map((key) => byKey(key)),
  fc.constantFrom('a', 'd').map((key) => byKey(key, 'companies')),
)

describe('a plan of writes', () => {
  test('sends each command once, no record twice in one call, in the order of its commands', () => {
    fc.assert(
      fc.property(
        fc.array(commandArb, { maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        (commands, size) => {
          const calls = planCalls(commands, size)
          expect(
            calls.flatMap(({ items }) => items.map(({ index }) => index)).toSorted((a, b) => a - b),
          ).toEqual(commands.map((_, index) => index))
          const order = new Map<string, number>()
          for (const { object, keyField, items } of calls) {
            expect(items.length).toBeLessThanOrEqual(size)
            const keys = items.map(({ command }) => recordKey(command))
            expect(new Set(keys).size).toBe(keys.length)
            for (const { index, command } of items) {
              expect([command.object, command.target.kind === 'key']).toEqual([object, keyField !== null])
              expect(order.get(recordKey(command)) ?? -1).toBeLessThan(index)
              order.set(recordKey(command), index)
            }
          }
        },
      ),
    )
  })

  it('writes texts only: blanks clear, and neither the key nor associations are among the properties', () => {
    const [item] = callOf({
      ...byKey('k'),
      fields: { prm_deal_id: 'k', amount: 1.5, done: true, note: null, 'association.companies': '7' },
    }).items
    expect(inputOf(item!)).toEqual({ id: 'k', properties: { amount: '1.5', done: 'true', note: '' } })
  })

  it('knows no object beside those of HubSpot that it syncs', () => {
    expect(() => planCalls([{ ...byId('1'), object: 'tickets' }], 100)).toThrow(ConnectorFault)
  })
})

describe('a call that was refused as a whole', () => {
  const call = callOf(byId('1'), byId('2', { bad: 'x' }), byId('3'), byId('4'))

  it('blames the records that carry a property which is not there, and sends the others again', () => {
    const split = splitCall(call, fault('configuration', ['bad']))
    expect(split?.blamed.map(({ index }) => index)).toEqual([1])
    expect(split?.again.map(({ items }) => items.map(({ index }) => index))).toEqual([[0, 2, 3]])
  })

  it.each(['rejected', 'duplicate', 'gone'] as const)(
    'is halved when one record may have brought it upon the others: %s',
    (kind) => {
      // A value that HubSpot names may stand in innocent records too.
      const split = splitCall(call, fault(kind, ['dealname']))
      expect(split?.blamed).toEqual([])
      expect(split?.again.map(({ items }) => items.map(({ index }) => index))).toEqual([
        [0, 1],
        [2, 3],
      ])
    },
  )

  it('is halved for a lock, not for an outage', () => {
    expect(splitCall(call, fault('unavailable', [], 423))?.again).toHaveLength(2)
    expect(splitCall(call, fault('unavailable', [], 503))).toBeNull()
  })

  it('is shared by all where no part can do better', () => {
    expect(splitCall(call, fault('configuration'))).toBeNull()
    expect(splitCall(callOf(byId('1')), fault('rejected'))).toBeNull()
  })
})

describe('the answers of a batch', () => {
  const result = (id: string, rest: object = {}) => ({ id, properties: {}, ...rest })

  test('find their items in any order, by trace, id or unique value', () => {
    const upserts = callOf(byKey('a'), byKey('b'), byKey('c'))
    const reading = readBatch(
      upserts,
      [
        { ...result('13'), objectWriteTraceId: traceOf(upserts.items[2]!), _new: true },
        { ...result('12'), properties: { prm_deal_id: 'B' } },
      ],
      [{ category: 'VALIDATION_ERROR', message: 'no', context: { objectWriteTraceId: ['w0'] } }],
      now,
    )
    expect([0, 1, 2].map((index) => reading.outcomes.get(index))).toMatchObject([
      { ok: false, fault: { kind: 'rejected' } },
      { ok: true, id: '12', created: false },
      { ok: true, id: '13', created: true },
    ])
    expect(reading.unnamed).toEqual([])
  })

  test('name several missing records in one error', () => {
    const updates = callOf(byId('1'), byId('2'), byId('3'))
    const errors = [{ category: 'OBJECT_NOT_FOUND', message: 'gone', context: { ids: ['1', '3'] } }]
    const { outcomes } = readBatch(updates, [result('2')], errors, now)
    expect([0, 1, 2].map((index) => outcomes.get(index)?.ok)).toEqual([false, true, false])
    expect(outcomes.get(2)).toMatchObject({ fault: { kind: 'gone' } })
  })

  test('that name nobody leave the items to another try, unless only one can be meant', () => {
    const updates = callOf(byId('1'), byId('2'), byId('3'))
    const errors = [{ category: 'VALIDATION_ERROR', message: 'no' }]
    const reading = readBatch(updates, [result('1')], errors, now)
    expect([reading.hasUnnamedErrors, reading.unnamed.map(({ index }) => index)]).toEqual([true, [1, 2]])
    const sure = readBatch(updates, [result('1'), result('3')], errors, now)
    expect([sure.hasUnnamedErrors, sure.unnamed]).toEqual([false, []])
    expect(sure.outcomes.get(1)).toMatchObject({ ok: false, fault: { kind: 'rejected' } })
  })

  test('about another record than the one named tell that it was merged away', () => {
    const { outcomes } = readBatch(callOf(byId('1'), byId('2')), [result('2'), result('9')], [], now)
    expect(outcomes.get(0)).toMatchObject({ ok: false, fault: { kind: 'gone', details: { code: 'MERGED' } } })
  })

  test('that are missing without a reason leave it open what became of the record', () => {
    const { unnamed, hasUnnamedErrors } = readBatch(callOf(byId('1')), [], [], now)
    expect([unnamed.length, hasUnnamedErrors]).toEqual([1, false])
  })
})
