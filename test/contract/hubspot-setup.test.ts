import { describe, expect, it } from 'vitest'
import type { SetupNeeds, SetupStep } from '#connectors/setup.ts'
import { checkAgainstSchema } from '#mappings/check-schema.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import { neededObjects } from '#mappings/needs.ts'
import {
  connector,
  create,
  dealFields,
  gate,
  never,
  reconnect,
  restart,
  simulator,
  useHubspot,
} from '#test/support/hubspot-portal.ts'

useHubspot()

const documents = readDefaultMappings()
  .filter(({ vendor }) => vendor === 'hubspot')
  .map(({ document }) => document)
const needs: SetupNeeds = {
  objects: neededObjects(documents),
  webhookUrl: 'https://partners.example.com/hooks/1',
}
const plan = () => connector.setup!.plan(needs, never)
const apply = (steps: readonly SetupStep[]) =>
  connector.setup!.apply(
    needs,
    steps.map(({ id }) => id),
    never,
  )
const statesOf = (steps: readonly SetupStep[]) =>
  Object.fromEntries(steps.map(({ id, state }) => [id, state]))

describe('setting a portal up', () => {
  it('says what is missing, changes nothing, and creates it on request', async () => {
    const before = await plan()
    expect(statesOf(before)).toEqual({
      scopes: 'done',
      currency: 'done',
      'property:companies:prm_customer_id': 'missing',
      'property:companies:prm_partner_id': 'missing',
      'property:companies:prm_partner_tier': 'missing',
      'property:contacts:prm_contact_id': 'missing',
      'property:deals:prm_deal_id': 'done',
      'property:deals:association.companies.prm_partner': 'missing',
      'property:deals:prm_products': 'missing',
      'property:deals:prm_protection_end': 'missing',
      'property:deals:prm_registration_status': 'missing',
      webhooks: 'by_hand',
    })
    expect(await plan()).toEqual(before)
    const missing = before.filter(({ state }) => state === 'missing')
    const after = await apply(missing)
    expect(after.filter(({ state }) => state !== 'done').map(({ id }) => id)).toEqual(['webhooks'])
    expect(await apply(missing)).toEqual(after)
    expect(gate.calls.every(({ operation }) => operation === 'setup' || operation === 'auth')).toBe(true)
  })

  it('leaves a portal in which the default mappings fit and a deal can be written', async () => {
    await apply(await plan())
    for (const document of documents) {
      const fields = await connector.describe(document.object, never)
      expect(checkAgainstSchema(document, fields, { multiCurrency: true })).toEqual([])
    }
    const [acme, partner] = ['Acme', 'Resale'].map((name) => simulator.insert('companies', { name }))
    const [outcome] = await connector.write(
      [
        create('k-1', {
          ...dealFields('one'),
          'association.companies': acme!,
          'association.companies.prm_partner': partner!,
          prm_registration_status: 'In Review',
          prm_protection_end: '2027-01-31',
        }),
      ],
      never,
    )
    const id = outcome?.ok ? outcome.id : ''
    const fields = ['association.companies', 'association.companies.prm_partner', 'prm_protection_end']
    const [record] = await connector.read('deals', [id], fields, never)
    expect(record).toMatchObject({
      fields: {
        'association.companies': acme,
        'association.companies.prm_partner': partner,
        prm_protection_end: '2027-01-31',
      },
    })
  })

  it('does only what it is asked to', async () => {
    const after = await apply((await plan()).filter(({ id }) => id.endsWith('prm_partner_tier')))
    expect(statesOf(after)).toMatchObject({
      'property:companies:prm_partner_tier': 'done',
      'property:companies:prm_partner_id': 'missing',
    })
  })

  it('finds properties that are there but not as they must be', async () => {
    simulator.addProperty('companies', {
      name: 'prm_partner_id',
      label: 'Partner id',
      type: 'string',
      fieldType: 'text',
    })
    simulator.addProperty('deals', {
      name: 'prm_protection_end',
      label: 'End',
      type: 'number',
      fieldType: 'number',
    })
    const steps = await apply(await plan())
    const wrong = new Map(
      steps.filter(({ state }) => state === 'wrong').map(({ id, detail }) => [id, detail]),
    )
    expect([...wrong.keys()]).toEqual([
      'property:companies:prm_partner_id',
      'property:deals:prm_protection_end',
    ])
    expect(wrong.get('property:companies:prm_partner_id')).toContain('unique')
  })

  it('adds options that a choice lacks and keeps those of others', async () => {
    simulator.addProperty('deals', {
      name: 'prm_registration_status',
      label: 'Status',
      type: 'enumeration',
      fieldType: 'select',
      options: [{ value: 'Theirs', label: 'Theirs' }] as never,
    })
    const [step] = (await plan()).filter(({ id }) => id.endsWith('prm_registration_status'))
    expect(step?.state).toBe('missing')
    await apply([step!])
    const field = (await connector.describe('deals', never)).find(
      ({ name }) => name === 'prm_registration_status',
    )
    expect(field?.choices?.map(({ value }) => value)).toEqual(
      expect.arrayContaining(['Theirs', 'In Review', 'Expired', 'Moved']),
    )
  })

  it('tells where webhooks belong and what the app lacks for them', async () => {
    const { apiUrl } = simulator.credentials
    await reconnect({ credentials: { grant: 'access_token', apiUrl, accessToken: simulator.accessToken } })
    const webhooks = (await plan()).find(({ id }) => id === 'webhooks')
    expect(webhooks?.detail).toContain('https://partners.example.com/hooks/1')
    expect(webhooks?.detail).toContain('client secret')
    expect(webhooks?.detail).toContain("app's id")
    const silent = await connector.setup!.plan({ ...needs, webhookUrl: null }, never)
    expect(silent.map(({ id }) => id)).not.toContain('webhooks')
  })

  it('works in a portal of one currency', async () => {
    await restart({})
    const currency = (await plan()).find(({ id }) => id === 'currency')
    expect(currency).toMatchObject({ state: 'done' })
  })
})
