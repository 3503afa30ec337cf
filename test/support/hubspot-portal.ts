/** A simulated HubSpot portal and the real connector on it, for what is peculiar to HubSpot. */
import { afterEach, beforeEach } from 'vitest'
import type { ChangePage, Connector, WriteCommand } from '#connectors/connector.ts'
import { createHubspotConnector, type HubspotOptions } from '#connectors/hubspot/hubspot-connector.ts'
import { createRecordingGate, type RecordingGate } from '#test/contract/recording-gate.ts'
import { type HubspotSimulator, startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'

type ConnectOptions = Partial<Omit<HubspotOptions, 'gate'>>
type SimulatorOptions = Parameters<typeof startHubspotSimulator>[0]

export const never = new AbortController().signal
export const keyField = 'prm_deal_id'

export let simulator: HubspotSimulator
export let gate: RecordingGate
export let connector: Connector

/** A fresh portal with our key in its deals. */
export async function openPortal(options: SimulatorOptions = {}): Promise<HubspotSimulator> {
  const portal = await startHubspotSimulator({ tenSecondLimit: 10_000, searchLimit: 1000, ...options })
  portal.addProperty('deals', {
    name: keyField,
    label: 'PRM deal id',
    type: 'string',
    fieldType: 'text',
    hasUniqueValue: true,
  })
  return portal
}

export function connectHubspot(
  portal: HubspotSimulator,
  through: RecordingGate,
  options: ConnectOptions = {},
): Connector {
  const { apiUrl, clientId, clientSecret, refreshToken, appId } = portal.credentials
  return createHubspotConnector({
    credentials: {
      grant: 'refresh_token',
      apiUrl,
      clientId,
      clientSecret,
      refreshToken,
      appId: String(appId),
    },
    gate: through,
    requestTimeoutMs: 20_000,
    now: () => new Date(),
    ...options,
  })
}

/** Another connector for the rest of the test, with a gate of its own. */
export async function reconnect(options: ConnectOptions = {}): Promise<void> {
  await connector.close()
  connect(options)
}

/** Another portal for the rest of the test. */
export async function restart(options: SimulatorOptions, connecting: ConnectOptions = {}): Promise<void> {
  await connector.close()
  await simulator.close()
  simulator = await openPortal(options)
  connect(connecting)
}

function connect(options: ConnectOptions = {}): void {
  gate = createRecordingGate()
  connector = connectHubspot(simulator, gate, options)
}

/** Gives every test of the file an empty portal with a connector on it. */
export function useHubspot(): void {
  beforeEach(async () => {
    simulator = await openPortal()
    connect()
  })
  afterEach(async () => {
    await connector.close()
    await simulator.close()
  })
}

export const dealFields = (dealname: string) => ({
  dealname,
  pipeline: 'default',
  dealstage: 'appointmentscheduled',
})
export const insertDeals = (count: number): string[] =>
  simulator.insertMany(
    'deals',
    Array.from({ length: count }, (_, index) => dealFields(`d${index}`)),
  )
export const rename = (id: string, dealname = 'new'): WriteCommand => ({
  object: 'deals',
  target: { kind: 'id', id },
  fields: { dealname },
})
export const create = (key: string, fields: WriteCommand['fields'] = dealFields(key)): WriteCommand => ({
  object: 'deals',
  target: { kind: 'key', field: keyField, value: key },
  fields,
})
/** How each command ended. */
export const kinds = async (commands: readonly WriteCommand[]) =>
  (await connector.write(commands, never)).map((outcome) => (outcome.ok ? 'ok' : outcome.fault.kind))
export async function poll(
  cursor: string | null,
  object = 'deals',
  fields = ['dealname'],
): Promise<readonly ChangePage[]> {
  const pages: ChangePage[] = []
  for await (const page of connector.changes(object, cursor, fields, never)) pages.push(page)
  return pages
}
export const idsOf = (pages: readonly ChangePage[]) =>
  pages.flatMap(({ records }) => records.map((record) => record.id))
