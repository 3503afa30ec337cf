import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WriteCommand } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import { addressOf, bodyOf, recordKey, splitCall } from '#connectors/salesforce/write-plan.ts'
import { planCalls as plan } from '#connectors/wire/write-plan.ts'

const planCalls = (commands: readonly WriteCommand[], size: number) =>
  plan(commands, { size, addressOf, recordKey })
const byId = (id: string, object = 'Opportunity', fields = {}): WriteCommand => ({
  object,
  target: { kind: 'id', id },
  fields,
})
const byKey = (value: string, fields = {}): WriteCommand => ({
  object: 'Opportunity',
  target: { kind: 'key', field: 'Key__c', value },
  fields,
})

const commandArbitrary: fc.Arbitrary<WriteCommand> = fc.oneof(
  fc
    .tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('Opportunity', 'Account'))
    .map(([id, object]) => byId(id, object)),
  fc
    .tuple(fc.constantFrom('k', 'K', 'l', 'm'), fc.boolean())
    .map(([value, allowDuplicate]) => ({ ...byKey(value), allowDuplicate })),
)

describe('planning write calls', () => {
  it('sends every command once, in calls of one kind within the size, no record twice in a call, in order per record', () => {
    fc.assert(
      fc.property(
        fc.array(commandArbitrary, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        (commands, size) => {
          const calls = planCalls(commands, size)
          const sent = calls.flatMap(({ items }) => items.map(({ index }) => index))
          expect(sent.toSorted((a, b) => a - b)).toEqual(commands.map((_, index) => index))
          for (const { object, keyField, allowDuplicate, items } of calls) {
            expect(items.length).toBeLessThanOrEqual(size)
            expect(new Set(items.map(({ command }) => recordKey(command))).size).toBe(items.length)
            for (const { command } of items) {
              expect(command.object).toBe(object)
              expect(command.allowDuplicate ?? false).toBe(allowDuplicate)
              expect(command.target.kind === 'key' ? command.target.field : null).toBe(keyField)
            }
          }
          const lastOf = new Map<string, number>()
          for (const index of sent) {
            const key = recordKey(commands[index]!)
            expect(index).toBeGreaterThan(lastOf.get(key) ?? -1)
            lastOf.set(key, index)
          }
        },
      ),
    )
  })

  it('fills calls: 1,000 records make five of 200', () => {
    const commands = Array.from({ length: 1000 }, (_, index) => byId(`id${index}`))
    expect(planCalls(commands, 200).map(({ items }) => items.length)).toEqual([200, 200, 200, 200, 200])
  })

  it('takes keys that differ in case, and ids in their two lengths, for one record', () => {
    expect(recordKey(byKey('D-1'))).toBe(recordKey(byKey('d-1')))
    expect(recordKey(byId('006000000000001AAA'))).toBe(recordKey(byId('006000000000001')))
  })

  it('lets our address of the record win over a field of the same name', () => {
    const [update] = planCalls(
      [byId('006A', 'Opportunity', { id: 'other', attributes: 'x', Name: 'n' })],
      200,
    )
    expect(bodyOf(update!)).toEqual({
      allOrNone: false,
      records: [{ attributes: { type: 'Opportunity' }, id: '006A', Name: 'n' }],
    })
    const [upsert] = planCalls([byKey('k-1', { Key__c: 'other' })], 200)
    expect(bodyOf(upsert!).records).toEqual([{ attributes: { type: 'Opportunity' }, Key__c: 'k-1' }])
  })
})

describe('a call refused as a whole', () => {
  const [call] = planCalls(
    [byId('a', 'O', { A: 1 }), byId('b', 'O', { B: 1 }), byId('c', 'O', { B: 2 })],
    200,
  )
  const fault = (kind: 'rejected' | 'configuration', fields?: string[]) =>
    new ConnectorFault(kind, 'm', { code: 'X', ...(fields ? { fields } : {}) })
  const indexes = (items: readonly { index: number }[]) => items.map(({ index }) => index)

  it('is sent again without the records that carry the field to blame', () => {
    const split = splitCall(call!, fault('configuration', ['B']))
    expect(indexes(split!.blamed)).toEqual([1, 2])
    expect(split!.again.map(({ items }) => indexes(items))).toEqual([[0]])
  })

  it('is halved when no field is named and the data are to blame', () => {
    const split = splitCall(call!, fault('rejected'))
    expect(split!.again.map(({ items }) => indexes(items))).toEqual([[0, 1], [2]])
  })

  it('stands for all its records otherwise', () => {
    expect(splitCall(call!, fault('configuration'))).toBeNull()
    expect(splitCall({ ...call!, items: call!.items.slice(0, 1) }, fault('rejected'))).toBeNull()
    expect(splitCall({ ...call!, items: call!.items.slice(1) }, fault('configuration', ['B']))).toBeNull()
  })
})
