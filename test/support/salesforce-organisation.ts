/** A simulated Salesforce organisation and the real connector on it, for what is peculiar to Salesforce. */
import { afterEach, beforeEach } from 'vitest'
import type { ChangePage, Connector, WriteCommand } from '#connectors/connector.ts'
import { createSalesforceConnector } from '#connectors/salesforce/salesforce-connector.ts'
import { createRecordingGate, type RecordingGate } from '#test/contract/recording-gate.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'

type ConnectOptions = {
  requestTimeoutMs?: number
  overlapMs?: number
  bulkFromRows?: number
  now?: () => Date
}

export const never = new AbortController().signal

export let simulator: SalesforceSimulator
export let gate: RecordingGate
export let connector: Connector

export function connectSalesforce(
  organisation: SalesforceSimulator,
  through: RecordingGate,
  options: ConnectOptions = {},
): Connector {
  const { clientId, clientSecret } = organisation.credentials
  return createSalesforceConnector({
    credentials: { grant: 'client_credentials', loginUrl: organisation.url, clientId, clientSecret },
    gate: through,
    requestTimeoutMs: 20_000,
    now: () => new Date(),
    ...options,
  })
}

/** Another connector for the rest of the test, with a gate of its own. */
export async function reconnect(options: ConnectOptions = {}): Promise<void> {
  await connector.close()
  open(options)
}

/** Another organisation for the rest of the test. */
export async function restart(options: Parameters<typeof startSalesforceSimulator>[0]): Promise<void> {
  await connector.close()
  await simulator.close()
  simulator = await startSalesforceSimulator(options)
  open()
}

function open(options: ConnectOptions = {}): void {
  gate = createRecordingGate()
  connector = connectSalesforce(simulator, gate, options)
}

/** Gives every test of the file an empty organisation with a connector on it. */
export function useSalesforce(): void {
  beforeEach(async () => {
    simulator = await startSalesforceSimulator()
    open()
  })
  afterEach(async () => {
    await connector.close()
    await simulator.close()
  })
}

export const dealFields = (name: string) => ({
  Name: name,
  StageName: 'Prospecting',
  CloseDate: '2026-12-31',
})

export const insertDeals = (count: number): string[] =>
  simulator.insertMany(
    'Opportunity',
    Array.from({ length: count }, (_, index) => dealFields(`d${index}`)),
  )
export const rename = (id: string, name = 'new'): WriteCommand => ({
  object: 'Opportunity',
  target: { kind: 'id', id },
  fields: { Name: name },
})
export const create = (key: string, fields: WriteCommand['fields'] = dealFields(key)): WriteCommand => ({
  object: 'Opportunity',
  target: { kind: 'key', field: 'PRM_Deal_Id__c', value: key },
  fields,
})
/** How each command ended. */
export const kinds = async (commands: readonly WriteCommand[]) =>
  (await connector.write(commands, never)).map((outcome) => (outcome.ok ? 'ok' : outcome.fault.kind))
export async function poll(cursor: string | null, object = 'Opportunity'): Promise<readonly ChangePage[]> {
  const pages: ChangePage[] = []
  for await (const page of connector.changes(object, cursor, ['Name'], never)) pages.push(page)
  return pages
}
export const idsOf = (pages: readonly ChangePage[]) =>
  pages.flatMap(({ records }) => records.map((record) => record.id))
