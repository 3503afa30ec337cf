import { describe, expect, it } from 'vitest'
import type { SetupNeeds } from '#connectors/setup.ts'
import { checkAgainstSchema } from '#mappings/check-schema.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import { neededObjects } from '#mappings/needs.ts'
import { faultOf } from '#test/support/connector-faults.ts'
import {
  connector,
  create,
  never,
  reconnect,
  restart,
  simulator,
  useDynamics,
  write,
} from '#test/support/dynamics-organisation.ts'

useDynamics()

const documents = readDefaultMappings().flatMap(({ vendor, document }) =>
  vendor === 'dynamics' ? [document] : [],
)
const webhookUrl = 'https://partners.example.com/hooks/1'
const needs: SetupNeeds = { objects: neededObjects(documents), webhookUrl }
const plan = (given: SetupNeeds = needs) => connector.setup!.plan(given, never)
const stateOf = async (id: string, given?: SetupNeeds) => (await plan(given)).find((step) => step.id === id)

describe('setting Dynamics up', () => {
  it('finds nothing to do in an organisation that is ready', async () => {
    const open = (await plan()).filter(({ state }) => state !== 'done')
    expect(open.map(({ id }) => id)).toEqual(['webhook'])
  })

  it('creates what a fresh organisation lacks, and the default mappings agree with it', async () => {
    await restart({ prepared: false })
    const before = await plan()
    const missing = before.filter(({ state }) => state === 'missing').map(({ id }) => id)
    expect(missing).toEqual(
      expect.arrayContaining([
        'column:opportunity.prm_dealid',
        'key:opportunity.prm_dealid',
        'column:opportunity.prm_partner',
        'column:opportunity.prm_registrationstatus',
        'column:account.prm_partnerid',
        'column:opportunity.prm_products',
        'column:contact.prm_contactid',
        'key:contact.prm_contactid',
        'tracking:opportunity',
        'tracking:account',
        'webhook',
      ]),
    )
    expect(before.every(({ state }) => state === 'done' || state === 'missing')).toBe(true)
    const after = await connector.setup!.apply(needs, missing, never)
    expect(after.filter(({ state }) => state !== 'done')).toEqual([])
    for (const document of documents) {
      const fields = await connector.describe(document.object, never)
      expect(checkAgainstSchema(document, fields, { multiCurrency: true })).toEqual([])
    }
    expect(await write(create('d-1'))).toMatchObject([{ ok: true, created: true }])
  })

  it('does only what it was told, and no harm when told twice', async () => {
    await restart({ prepared: false })
    const ids = ['column:opportunity.prm_dealid']
    await connector.setup!.apply(needs, ids, never)
    expect(await stateOf('column:opportunity.prm_dealid')).toMatchObject({ state: 'done' })
    expect(await stateOf('column:opportunity.prm_partner')).toMatchObject({ state: 'missing' })
    await connector.setup!.apply(needs, ids, never)
    expect(await stateOf('column:opportunity.prm_dealid')).toMatchObject({ state: 'done' })
  })

  it('labels the choices that it creates', async () => {
    await restart({ prepared: false })
    await connector.setup!.apply(needs, ['column:opportunity.prm_registrationstatus'], never)
    const fields = await connector.describe('opportunity', never)
    const status = fields.find(({ name }) => name === 'prm_registrationstatus')
    expect(status?.choices).toContainEqual({ value: '100000002', label: 'In review', active: true })
    expect(status?.choices).toContainEqual({ value: '100000009', label: 'Moved', active: true })
  })

  it('says that the index of a key is still being built', async () => {
    await restart({ prepared: false, keyBuildMs: 3_600_000 })
    await connector.setup!.apply(
      needs,
      ['column:opportunity.prm_dealid', 'key:opportunity.prm_dealid'],
      never,
    )
    const step = await stateOf('key:opportunity.prm_dealid')
    expect(step).toMatchObject({ state: 'wrong', detail: expect.stringContaining('still being built') })
    expect(await write(create('d-1'))).toMatchObject([{ ok: false, fault: { kind: 'configuration' } }])
  })

  it('leaves to people what is there and not as it must be', async () => {
    await restart({ prepared: false })
    simulator.addAttribute('opportunity', { logicalName: 'prm_dealid', type: 'Integer' })
    expect(await stateOf('column:opportunity.prm_dealid')).toMatchObject({ state: 'by_hand' })
    const renamed = { objects: [{ object: 'prm_project', fields: [] }], webhookUrl: null }
    expect(await stateOf('table:prm_project', renamed)).toMatchObject({ state: 'by_hand' })
  })

  it('says which privileges the application user lacks', async () => {
    simulator.setPrivilege('opportunity', 'write', 'none')
    simulator.setPrivilege('opportunity', 'read', 'user')
    const step = await stateOf('privileges:opportunity')
    expect(step).toMatchObject({
      state: 'by_hand',
      detail: expect.stringContaining('read (organisation), write'),
    })
  })

  it('registers notifications once, for every message that matters', async () => {
    await connector.setup!.apply(needs, ['webhook'], never)
    expect(await stateOf('webhook')).toMatchObject({ state: 'done' })
    const steps = simulator.list('sdkmessageprocessingstep').length
    await connector.setup!.apply(needs, ['webhook'], never)
    expect(simulator.list('sdkmessageprocessingstep')).toHaveLength(steps)
    expect(simulator.list('serviceendpoint')).toHaveLength(1)
    expect(simulator.list('serviceendpoint')[0]).toMatchObject({ url: webhookUrl, contract: 8, authtype: 5 })
  })

  it('asks for a key before it registers, and for a port that Dataverse calls', async () => {
    expect(await stateOf('webhook', { ...needs, webhookUrl: null })).toMatchObject({ state: 'done' })
    const other = { ...needs, webhookUrl: 'https://partners.example.com:8443/hooks/1' }
    expect(await stateOf('webhook', other)).toMatchObject({ state: 'by_hand' })
    await reconnect({ webhookKey: null })
    expect(await stateOf('webhook')).toMatchObject({ state: 'by_hand' })
  })

  it('names the currencies that amounts can be sent in', async () => {
    expect(await stateOf('currencies')).toMatchObject({ state: 'done', detail: expect.stringMatching(/EUR/) })
  })

  it('ends in a fault where the organisation does not answer', async () => {
    simulator.faults.add({ kind: 'throttled', limit: 'requests' })
    expect((await faultOf(plan())).kind).toBe('throttled')
  })
})
