import { describe, expect, it } from 'vitest'
import { createSalesforceConnector } from '#connectors/salesforce/salesforce-connector.ts'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  connector,
  create,
  gate,
  insertDeals,
  never,
  reconnect,
  rename,
  restart,
  simulator,
  useSalesforce,
} from '#test/support/salesforce-organisation.ts'

useSalesforce()

describe('Salesforce', () => {
  describe('calls', () => {
    it('carry 1,000 updates in five', async () => {
      const ids = insertDeals(1000)
      const outcomes = await connector.write(
        ids.map((id) => rename(id)),
        never,
      )
      expect(outcomes.every(({ ok }) => ok)).toBe(true)
      expect(
        gate.calls.filter(({ operation }) => operation === 'write').map(({ records }) => records),
      ).toEqual([200, 200, 200, 200, 200])
      expect(simulator.list('Opportunity').every(({ Name }) => Name === 'new')).toBe(true)
    })

    it('carry 1,000 creations in five, and 4,100 reads in three', async () => {
      const keys = Array.from({ length: 1000 }, (_, index) => `d-${index}`)
      const outcomes = await connector.write(
        keys.map((key) => create(key)),
        never,
      )
      expect(
        outcomes.map((outcome) => outcome.ok && simulator.get('Opportunity', outcome.id)?.['Name']),
      ).toEqual(keys)
      expect(gate.count('write')).toBe(5)
      const ids = [...simulator.list('Opportunity').map(({ Id }) => String(Id)), ...insertDeals(3100)]
      const answers = await connector.read('Opportunity', ids, ['Name'], never)
      expect(answers.map(({ id }) => id)).toEqual(ids)
      expect(gate.count('read')).toBe(3)
    })

    it('find 2,000 keys within addresses of 14 kB', async () => {
      const keys = Array.from(
        { length: 2000 },
        (_, index) => `0192f0c4-7b1a-7000-8000-${index.toString().padStart(12, '0')}`,
      )
      await connector.write(
        keys.slice(0, 5).map((key) => create(key)),
        never,
      )
      const found = await connector.find('Opportunity', 'PRM_Deal_Id__c', keys, ['PRM_Deal_Id__c'], never)
      expect(found.map(({ fields }) => fields['PRM_Deal_Id__c']).toSorted()).toEqual(keys.slice(0, 5))
      const queries = simulator.calls.log.filter(({ operation }) => operation === 'query')
      expect(queries).toHaveLength(gate.count('read'))
      expect(queries.length).toBeLessThan(10)
    })
  })

  describe('signing in', () => {
    it('works with a signed assertion for a named user', async () => {
      const { clientId, username, privateKeyPem } = simulator.credentials
      const signed = createSalesforceConnector({
        credentials: { grant: 'jwt_bearer', loginUrl: simulator.url, clientId, username, privateKeyPem },
        gate,
        requestTimeoutMs: 5000,
        now: () => new Date(),
      })
      expect(await signed.probe(never)).toEqual({
        organisationId: simulator.organisationId,
        userId: simulator.integrationUserId,
        instanceUrl: simulator.url,
        multiCurrency: false,
        apiUsage: { used: 1, limit: 100_000 },
      })
      await signed.close()
    })

    it('says why it was refused, and tries twice a minute at most', async () => {
      let clock = new Date('2026-11-20T10:00:00Z')
      await reconnect({ now: () => clock })
      simulator.faults.add({
        kind: 'refused-login',
        error: 'invalid_grant',
        description: "user hasn't approved this consumer",
      })
      for (let round = 0; round < 5; round += 1) {
        const fault = await faultOf(connector.probe(never))
        expect(fault.kind).toBe('unauthorised')
        expect(fault.message).toContain("user hasn't approved this consumer")
      }
      expect(simulator.calls.log).toHaveLength(2)
      simulator.faults.clear()
      clock = new Date(clock.getTime() + 60_000)
      expect((await connector.probe(never)).organisationId).toBe(simulator.organisationId)
    })

    it('reports another organisation after a sandbox refresh', async () => {
      await connector.probe(never)
      simulator.setOrganisationId('00D000000000999EAA')
      expect((await connector.probe(never)).organisationId).toBe('00D000000000999EAA')
    })

    it('finds several currencies by looking at the opportunity', async () => {
      await restart({ multiCurrency: true })
      expect((await connector.probe(never)).multiCurrency).toBe(true)
    })
  })

  describe('reading', () => {
    it('says into which record a missing one was merged', async () => {
      const [kept, lost, deleted] = ['kept', 'lost', 'deleted'].map((Name) =>
        simulator.insert('Account', { Name }),
      ) as [string, string, string]
      simulator.merge('Account', kept, [lost])
      simulator.remove('Account', deleted)
      expect(await connector.read('Account', [lost, kept, deleted], ['Name'], never)).toMatchObject([
        { id: lost, missing: true, mergedInto: kept },
        { id: kept, fields: { Name: 'kept' } },
        { id: deleted, missing: true },
      ])
    })
  })
})
