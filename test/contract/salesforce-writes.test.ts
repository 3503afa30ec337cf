import { describe, expect, it } from 'vitest'
import type { WriteCommand } from '#connectors/connector.ts'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  connector,
  create,
  dealFields,
  gate,
  insertDeals,
  kinds,
  never,
  reconnect,
  rename,
  simulator,
  useSalesforce,
} from '#test/support/salesforce-organisation.ts'

const hour = 3_600_000

useSalesforce()

describe('Salesforce', () => {
  describe('writing', () => {
    it('goes on past a call whose answer was lost', async () => {
      const ids = insertDeals(500)
      simulator.faults.add({ kind: 'lost-answer', how: 'cut', operation: 'collections-update', nth: 2 })
      const outcomes = await kinds(ids.map((id) => rename(id)))
      expect(outcomes).toEqual([
        ...Array.from({ length: 200 }, () => 'ok'),
        ...Array.from({ length: 200 }, () => 'ambiguous'),
        ...Array.from({ length: 100 }, () => 'ok'),
      ])
      expect(simulator.list('Opportunity').every(({ Name }) => Name === 'new')).toBe(true)
    })

    it('holds back a later command for a record whose earlier one is in doubt', async () => {
      const [id] = insertDeals(1) as [string]
      simulator.faults.add({ kind: 'lost-answer', how: 'cut', operation: 'collections-update', count: 1 })
      expect(await kinds([rename(id, 'first'), rename(id, 'second')])).toEqual(['ambiguous', 'unavailable'])
      expect(simulator.get('Opportunity', id)?.['Name']).toBe('first')
    })

    it('reports what was settled before a throttle, and the throttle for the rest', async () => {
      const ids = insertDeals(450)
      simulator.faults.add({
        kind: 'throttled',
        limit: 'ConcurrentRequests',
        operation: 'collections-update',
        nth: 2,
      })
      const outcomes = await kinds(ids.map((id) => rename(id)))
      expect(outcomes.slice(0, 200).every((kind) => kind === 'ok')).toBe(true)
      expect(outcomes.slice(200).every((kind) => kind === 'throttled')).toBe(true)
      expect(gate.count('write')).toBe(2)
    })

    it('waits an hour for the daily allowance and seconds for concurrent calls', async () => {
      const clock = new Date('2026-11-20T10:00:00Z')
      await reconnect({ now: () => clock })
      const [id] = insertDeals(1) as [string]
      const waits: number[] = []
      for (const limit of ['TotalRequests', 'ConcurrentRequests'] as const) {
        simulator.faults.add({ kind: 'throttled', limit, operation: 'collections-update', count: 1 })
        const fault = await faultOf(connector.write([rename(id)], never))
        waits.push((fault.details.retryAt?.getTime() ?? 0) - clock.getTime())
      }
      expect(waits[0]).toBe(hour)
      expect(waits[1]).toBeLessThanOrEqual(60_000)
    })

    it('blames the one record whose value does not fit its field', async () => {
      const commands = Array.from({ length: 40 }, (_, index) => create(`d-${index}`))
      commands[17] = create('d-17', { ...dealFields('d-17'), CloseDate: 'not a date' })
      const outcomes = await kinds(commands)
      expect(
        outcomes.map((kind, index) => (kind === 'ok' ? null : index)).filter((at) => at !== null),
      ).toEqual([17])
      expect(outcomes[17]).toBe('rejected')
    })

    it('names the existing record when a key or a duplicate rule points to it', async () => {
      const [first, second] = insertDeals(2) as [string, string]
      await connector.write([{ ...rename(first), fields: { PRM_Deal_Id__c: 'd-1' } }], never)
      const [taken] = await connector.write([{ ...rename(second), fields: { PRM_Deal_Id__c: 'D-1' } }], never)
      expect(taken).toMatchObject({
        ok: false,
        fault: {
          kind: 'duplicate',
          details: { code: 'DUPLICATE_VALUE', duplicates: [expect.stringContaining(first.slice(0, 15))] },
        },
      })
    })

    describe('against duplicate rules', () => {
      const sameName = {
        object: 'Account',
        name: 'Standard_Account_Duplicate_Rule',
        matches: (candidate: { readonly Name?: unknown }, existing: { readonly Name?: unknown }) =>
          candidate.Name === existing.Name,
      }
      const company = (key: string, allowDuplicate = false): WriteCommand => ({
        object: 'Account',
        target: { kind: 'key', field: 'PRM_Customer_Id__c', value: key },
        fields: { Name: 'Acme' },
        ...(allowDuplicate ? { allowDuplicate } : {}),
      })

      it('names every record that a rule found', async () => {
        const found = simulator.insertMany('Account', [{ Name: 'Acme' }, { Name: 'Acme' }])
        simulator.addDuplicateRule(sameName)
        const [outcome] = await connector.write([company('c-1')], never)
        expect(outcome).toMatchObject({
          ok: false,
          fault: { kind: 'duplicate', details: { code: 'DUPLICATES_DETECTED', duplicates: found } },
        })
      })

      it('saves only the records that a person wants all the same', async () => {
        simulator.insert('Account', { Name: 'Acme' })
        simulator.addDuplicateRule(sameName)
        const wanted = await kinds([company('c-1'), company('c-2', true), company('c-3')])
        expect(wanted).toEqual(['duplicate', 'ok', 'duplicate'])
        expect(gate.count('write')).toBe(2)
      })

      it('cannot save what a rule blocks for good', async () => {
        simulator.insert('Account', { Name: 'Acme' })
        simulator.addDuplicateRule({ ...sameName, onMatch: 'block' })
        expect(await kinds([company('c-1', true)])).toEqual(['duplicate'])
      })
    })

    it('says that a record was deleted only of the record itself, not of what it points to', async () => {
      const [id] = insertDeals(1) as [string]
      const account = simulator.insert('Account', { Name: 'Acme' })
      simulator.remove('Account', account)
      const [outcome] = await kinds([{ ...rename(id), fields: { AccountId: '001000000000999AAA' } }])
      expect(outcome).toBe('rejected')
      simulator.remove('Opportunity', id)
      expect(await kinds([rename(id)])).toEqual(['gone'])
    })

    it('names the fields of a validation rule and of a field that was taken away', async () => {
      const [id] = insertDeals(1) as [string]
      simulator.removeField('Opportunity', 'NextStep')
      const [outcome] = await connector.write([{ ...rename(id), fields: { NextStep: 'call' } }], never)
      expect(outcome).toMatchObject({
        ok: false,
        fault: { kind: 'configuration', details: { fields: ['NextStep'] } },
      })
    })
  })
})
