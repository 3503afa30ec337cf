import { expect, it } from 'vitest'
import { compileMapping, remoteFieldsOf, toLocal, toRemote } from '#mappings/apply.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import { neededObjects } from '#mappings/needs.ts'
import type { MappingContext } from '#mappings/transforms/transform.ts'
import { connector, create, never, simulator, useHubspot } from '#test/support/hubspot-portal.ts'

useHubspot()

const documents = readDefaultMappings()
  .filter(({ vendor }) => vendor === 'hubspot')
  .map(({ document }) => document)
const mapping = compileMapping(documents.find(({ entity }) => entity === 'deal')!)

it('a deal goes to HubSpot by the default mapping and comes back as it was, and then won', async () => {
  const setup = connector.setup!
  const needs = { objects: neededObjects(documents), webhookUrl: null }
  const missing = (await setup.plan(needs, never)).filter(({ state }) => state === 'missing')
  await setup.apply(
    needs,
    missing.map(({ id }) => id),
    never,
  )
  const customer = simulator.insert('companies', { name: 'Acme' })
  const partner = simulator.insert('companies', { name: 'Resale' })
  const contact = simulator.insert('contacts', { email: 'cora@acme.example' })
  const owner = simulator.addOwner({ email: 'mona@vendor.example' })
  const remoteIds: Record<string, string> = { 'c-1': customer, 'p-1': partner, 'k-1': contact }
  const ctx: MappingContext = {
    multiCurrency: true,
    homeCurrency: 'USD',
    timeZone: 'America/New_York',
    toRemoteId: (_, id) => remoteIds[id],
    users: {
      idOf: (_, email) => (email === 'mona@vendor.example' ? owner : null),
      emailOf: (_, id) => (id === owner ? 'mona@vendor.example' : null),
    },
    toLocalId: (_, id) => Object.keys(remoteIds).find((ours) => remoteIds[ours] === id),
  }
  const deal = {
    title: 'Contoso: telephones',
    customer: 'c-1',
    contact: 'k-1',
    responsible: 'mona@vendor.example',
    products: 'Commerce Suite (1,000.00 EUR); Rollout package',
    partner: 'p-1',
    status: 'in_review',
    protectionEnd: '2027-02-28',
    amount: { amount: '1234.50', currency: 'EUR' },
    expectedCloseDate: '2026-12-31',
    need: 'They replace their\ntelephone system',
  }
  const written = toRemote(mapping, deal, ctx, { creating: true })
  expect([written.issues, written.waiting]).toEqual([[], []])
  const [outcome] = await connector.write([create('k-1', written.fields)], never)
  const id = outcome?.ok ? outcome.id : ''
  const readBack = async () => {
    const [record] = await connector.read('deals', [id], remoteFieldsOf(mapping, ctx), never)
    if (!record || 'missing' in record) throw new Error('the deal is not there')
    return toLocal(mapping, record.fields, ctx)
  }
  expect(await readBack()).toEqual({
    values: { ...deal, outcome: 'open', stage: 'appointmentscheduled' },
    issues: [],
    unread: [],
  })
  simulator.update('deals', id, { dealstage: 'closedwon', amount: '2000' })
  const won = (await readBack()).values
  expect(won).toMatchObject({
    outcome: 'won',
    stage: 'closedwon',
    amount: { amount: '2000.00', currency: 'EUR' },
  })
  simulator.update('deals', id, { dealstage: 'closedlost', amount: null })
  expect((await readBack()).values).toMatchObject({ outcome: 'lost', amount: null })
})
