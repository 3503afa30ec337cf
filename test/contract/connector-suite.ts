/**
 * What every connector must do, whatever the CRM: the harness opens a fresh organisation with a connector on it and acts as
 * the people and the network over there. The suite knows the port only; a vendor's own file tests what is peculiar to it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { faultOf } from '#test/support/connector-faults.ts'
import { bench, type ConnectorHarness, closeBench, connector, never, openBench } from './connector-bench.ts'
import { describeChanges } from './connector-changes.ts'
import { describeMishaps } from './connector-mishaps.ts'
import { describeReads } from './connector-reads.ts'
import { describeWrites } from './connector-writes.ts'

export function describeConnector(harness: ConnectorHarness): void {
  describe(`the ${harness.vendor} connector`, () => {
    beforeEach(() => openBench(harness))
    afterEach(closeBench)

    describe('about the organisation', () => {
      it('names it and the user that we are in it', async () => {
        expect(await connector.probe(never)).toMatchObject({
          organisationId: bench.organisationId,
          userId: bench.userId,
        })
      })

      it('states its traits in whole batches', () => {
        const { vendor, batch } = connector.traits
        expect(vendor).toBe(harness.vendor)
        for (const size of Object.values(batch)) expect(Number.isInteger(size) && size > 0).toBe(true)
      })

      it('describes fields with type, length and our key', async () => {
        const fields = await connector.describe(bench.object, never)
        const byName = new Map(fields.map((field) => [field.name, field]))
        expect(byName.get(bench.keyField)).toMatchObject({ type: 'text', unique: true, creatable: true })
        expect(byName.get(bench.textField)).toMatchObject({ type: 'text', writable: true })
        expect(byName.get(bench.textField)?.maxLength).toBeGreaterThan(0)
        expect(['number', 'currency']).toContain(byName.get(bench.numberField)?.type)
        for (const field of fields.filter(({ type }) => type === 'choice')) {
          expect(Array.isArray(field.choices)).toBe(true)
        }
      })

      it('says of an object or a name that does not exist that the configuration is wrong', async () => {
        expect((await faultOf(connector.describe('no_such_object', never))).kind).toBe('configuration')
        expect((await faultOf(connector.describe("x' OR 1=1 --", never))).kind).toBe('configuration')
      })
    })

    describeReads()
    describeWrites(harness)
    describeMishaps()
    describeChanges()

    it('refuses a webhook that nobody signed', () => {
      const received = connector.receive({
        method: 'POST',
        url: 'https://partners.example.com/hooks/1',
        headers: {},
        body: new TextEncoder().encode('[]'),
        receivedAt: new Date(),
      })
      expect(received).toMatchObject({ kind: 'refused' })
    })
  })
}
