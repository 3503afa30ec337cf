import { beforeEach, describe, expect, it } from 'vitest'
import type { NeededField, SetupNeeds, SetupStep } from '#connectors/setup.ts'
import { neededObjects } from '#mappings/needs.ts'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  connector,
  create,
  gate,
  insertDeals,
  never,
  poll,
  restart,
  simulator,
  useSalesforce,
} from '#test/support/salesforce-organisation.ts'

useSalesforce()
beforeEach(() => restart({ bare: true }))

const key: NeededField = {
  name: 'PRM_Deal_Id__c',
  label: 'Deal id',
  type: 'text',
  maxLength: 64,
  isKey: true,
}
const field = (name: string, rest: Omit<NeededField, 'name' | 'label' | 'isKey'>): NeededField => ({
  name,
  label: name.replace(/__c$/, '').replaceAll('_', ' '),
  isKey: false,
  ...rest,
})
const fields: readonly NeededField[] = [
  key,
  field('PRM_Note__c', { type: 'text', maxLength: 80 }),
  field('PRM_Story__c', { type: 'text', maxLength: 4000 }),
  field('PRM_Score__c', { type: 'number' }),
  field('PRM_Margin__c', { type: 'currency' }),
  field('PRM_Protected__c', { type: 'boolean' }),
  field('PRM_Protection_End__c', { type: 'date' }),
  field('PRM_Seen_At__c', { type: 'datetime' }),
  field('PRM_Status__c', { type: 'choice', choices: ['Open', 'Closed'] }),
  field('PRM_Partner__c', { type: 'reference', references: 'Account' }),
]
const needs: SetupNeeds = { objects: [{ object: 'Opportunity', fields }], webhookUrl: null }
const setup = () => connector.setup!

const stateOf = (steps: readonly SetupStep[], id: string) => steps.find((step) => step.id === id)?.state
const missing = (steps: readonly SetupStep[]) =>
  steps.filter(({ state }) => state === 'missing').map(({ id }) => id)
const detailOf = (steps: readonly SetupStep[], id: string) => steps.find((step) => step.id === id)?.detail

describe('setting up Salesforce', () => {
  it('finds everything missing in an organisation that nobody prepared, and changes nothing by looking', async () => {
    const steps = await setup().plan(needs, never)
    expect(missing(steps)).toEqual([
      ...fields.map(({ name }) => `field:Opportunity.${name}`),
      'access:Opportunity',
      'events:Opportunity',
    ])
    expect(stateOf(steps, 'currency')).toBe('done')
    expect(
      simulator.calls.log.every(({ method, operation }) => method === 'GET' || operation === 'auth'),
    ).toBe(true)
    expect(await setup().plan(needs, never)).toEqual(steps)
  })

  it('creates what is missing, so that deals can be written, polled and heard of', async () => {
    const steps = await setup().apply(needs, missing(await setup().plan(needs, never)), never)
    expect(steps.every(({ state }) => state === 'done')).toBe(true)

    const listening = new AbortController()
    const pages = connector.listen!(['Opportunity'], null, listening.signal)[Symbol.asyncIterator]()
    await pages.next()
    const [outcome] = await connector.write(
      [
        create('d-1', {
          Name: 'Acme',
          StageName: 'Prospecting',
          CloseDate: '2026-12-31',
          PRM_Status__c: 'Open',
          PRM_Score__c: 1.5,
          PRM_Partner__c: simulator.insert('Account', { Name: 'Partner' }),
        }),
      ],
      never,
    )
    expect(outcome).toMatchObject({ ok: true, created: true })
    expect((await poll(null)).flatMap(({ records }) => records)).toHaveLength(1)
    expect((await pages.next()).value).toMatchObject({ hints: [{ object: 'Opportunity' }] })
    listening.abort()

    const described = new Map((await connector.describe('Opportunity', never)).map((one) => [one.name, one]))
    expect(described.get('PRM_Deal_Id__c')).toMatchObject({
      type: 'text',
      unique: true,
      externalId: true,
      maxLength: 64,
    })
    expect(described.get('PRM_Story__c')).toMatchObject({ type: 'text', maxLength: 4000 })
    expect(described.get('PRM_Status__c')).toMatchObject({ type: 'choice', restrictedChoices: true })
    expect(described.get('PRM_Partner__c')).toMatchObject({ type: 'reference', references: ['Account'] })
  })

  it('does only what it is told, and goes on where it stopped', async () => {
    const first = await setup().apply(needs, ['field:Opportunity.PRM_Deal_Id__c'], never)
    expect(stateOf(first, 'field:Opportunity.PRM_Deal_Id__c')).toBe('done')
    expect(detailOf(first, 'field:Opportunity.PRM_Deal_Id__c')).toContain('may not see it')
    expect(stateOf(first, 'events:Opportunity')).toBe('missing')
    const second = await setup().apply(needs, ['access:Opportunity'], never)
    expect(detailOf(second, 'access:Opportunity')).not.toContain('PRM_Deal_Id__c')
    const third = await setup().apply(needs, missing(second), never)
    expect(missing(third)).toEqual([])
    const again = await setup().apply(
      needs,
      third.map(({ id }) => id),
      never,
    )
    expect(again).toEqual(third)
    expect(simulator.list('PermissionSet')).toHaveLength(2)
    expect(simulator.list('PermissionSetAssignment')).toHaveLength(2)
  })

  it('leaves to a person what the integration user may not do', async () => {
    simulator.setUserPermission('PermissionsCustomizeApplication', false)
    simulator.setUserPermission('PermissionsAssignPermissionSets', false)
    const steps = await setup().plan(needs, never)
    expect(missing(steps)).toEqual([])
    expect(detailOf(steps, 'field:Opportunity.PRM_Deal_Id__c')).toContain('Customize Application')
    expect(detailOf(steps, 'access:Opportunity')).toContain('Assign Permission Sets')
    expect(stateOf(steps, 'events:Opportunity')).toBe('by_hand')
  })

  it('goes on past what Salesforce refuses, and says why it did', async () => {
    simulator.faults.add({
      kind: 'call-error',
      operation: 'tooling-create',
      nth: 2,
      status: 400,
      errorCode: 'LIMIT_EXCEEDED',
      message: 'Maximum number of custom fields reached',
    })
    const steps = await setup().apply(needs, missing(await setup().plan(needs, never)), never)
    const refused = steps.filter(({ state }) => state !== 'done')
    expect(refused.map(({ id }) => id)).toEqual(['field:Opportunity.PRM_Note__c', 'access:Opportunity'])
    expect(refused[0]).toMatchObject({ state: 'by_hand', detail: expect.stringContaining('Maximum number') })
  })

  it('stops when the connection fails', async () => {
    simulator.faults.add({ kind: 'server-error', status: 503, operation: 'tooling-create' })
    const ids = missing(await setup().plan(needs, never))
    expect((await faultOf(setup().apply(needs, ids, never))).kind).toBe('unavailable')
  })

  it('says what is wrong with a field that is there', async () => {
    simulator.addField('Opportunity', { name: 'PRM_Deal_Id__c', type: 'string', length: 20 })
    simulator.addField('Opportunity', { name: 'PRM_Score__c', type: 'string' })
    simulator.addField('Opportunity', { name: 'PRM_Partner__c', type: 'reference', referenceTo: ['Contact'] })
    simulator.addField('Opportunity', { name: 'PRM_Status__c', type: 'picklist' })
    simulator.setChoices('Opportunity', 'PRM_Status__c', ['Open'], { restricted: true })
    const steps = await setup().plan(needs, never)
    const wrong = steps.filter(({ state }) => state === 'wrong')
    expect(new Map(wrong.map(({ id, detail }) => [id.split('.')[1], detail]))).toEqual(
      new Map([
        ['PRM_Deal_Id__c', expect.stringMatching(/unique.*external id.*64/)],
        ['PRM_Score__c', expect.stringContaining('type text')],
        ['PRM_Partner__c', expect.stringContaining('Account')],
        ['PRM_Status__c', expect.stringContaining('Closed')],
      ]),
    )
  })

  it('asks for an object that does not exist, and notes several currencies', async () => {
    await restart({ bare: true, multiCurrency: true })
    const steps = await setup().plan(
      { objects: [...needs.objects, { object: 'Visit__c', fields: [] }], webhookUrl: null },
      never,
    )
    expect(stateOf(steps, 'object:Visit__c')).toBe('by_hand')
    expect(detailOf(steps, 'currency')).toContain('CurrencyIsoCode')
  })

  it('fits what the standard mappings need, as one call of the gate each', async () => {
    const names = ['deal', 'customer', 'partner']
    const documents = await Promise.all(
      names.map(
        async (name) =>
          (await import(`#mappings/defaults/salesforce-${name}.json`, { with: { type: 'json' } })).default,
      ),
    )
    const standard: SetupNeeds = { objects: neededObjects(documents), webhookUrl: null }
    const steps = await setup().apply(standard, missing(await setup().plan(standard, never)), never)
    expect(steps.filter(({ state }) => state !== 'done')).toEqual([])
    const setUp = gate.calls.filter(({ operation }) => operation === 'setup')
    expect(setUp.length).toBe(simulator.calls.log.filter(({ operation }) => operation !== 'auth').length)
  })

  it('has nobody listen to an object whose records the user may not all see', async () => {
    await setup().apply(needs, ['events:Opportunity'], never)
    const pages = connector.listen!(['Opportunity'], null, never)[Symbol.asyncIterator]()
    insertDeals(1)
    expect((await faultOf(pages.next())).kind).toBe('configuration')
  })
})
