/** A simulated Dynamics organisation and the real connector on it, for what is peculiar to Dynamics. */
import { afterEach, beforeEach } from 'vitest'
import type { ChangePage, Connector, RemoteValue, WriteCommand } from '#connectors/connector.ts'
import { dynamicsCredentialsSchema } from '#connectors/dynamics/credentials.ts'
import { createDynamicsConnector, type DynamicsOptions } from '#connectors/dynamics/dynamics-connector.ts'
import { createRecordingGate, type RecordingGate } from '#test/contract/recording-gate.ts'
import { type DynamicsSimulator, startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'

type Fields = Readonly<Record<string, RemoteValue>>
interface ConnectOptions extends Partial<Omit<DynamicsOptions, 'gate' | 'credentials'>> {
  readonly closedRecords?: 'leave' | 'reopen'
  /** Null: none is set. */
  readonly webhookKey?: null
}

export const never = new AbortController().signal
export const keyField = 'prm_dealid'

export let simulator: DynamicsSimulator
export let gate: RecordingGate
export let connector: Connector

export function connectDynamics(
  organisation: DynamicsSimulator,
  through: RecordingGate,
  { closedRecords = 'leave', webhookKey, ...options }: ConnectOptions = {},
): Connector {
  return createDynamicsConnector({
    credentials: dynamicsCredentialsSchema.parse({
      grant: 'client_credentials',
      ...organisation.credentials,
      closedRecords,
      ...(webhookKey === null ? { webhookKey: undefined } : {}),
    }),
    gate: through,
    requestTimeoutMs: 20_000,
    now: () => new Date(),
    ...options,
  })
}

/** Another connector for the rest of the test, with a gate of its own. */
export async function reconnect(options: ConnectOptions = {}): Promise<void> {
  await connector.close()
  gate = createRecordingGate()
  connector = connectDynamics(simulator, gate, options)
}

/** Another organisation for the rest of the test. */
export async function restart(
  options: Parameters<typeof startDynamicsSimulator>[0],
  connecting: ConnectOptions = {},
): Promise<void> {
  await connector.close()
  await simulator.close()
  simulator = await startDynamicsSimulator(options)
  gate = createRecordingGate()
  connector = connectDynamics(simulator, gate, connecting)
}

/** Gives every test of the file a fresh organisation and a connector on it. */
export function useDynamics(): void {
  beforeEach(async () => {
    simulator = await startDynamicsSimulator()
    gate = createRecordingGate()
    connector = connectDynamics(simulator, gate)
  })
  afterEach(async () => {
    await connector.close()
    await simulator.close()
  })
}

export const insertDeal = (fields: Fields = {}) =>
  simulator.insert('opportunity', { name: 'Acme', ...fields })
export const create = (key: string, fields: Fields = { name: key }): WriteCommand => ({
  object: 'opportunity',
  target: { kind: 'key', field: keyField, value: key },
  fields,
})
export const update = (id: string, fields: Fields, version?: string): WriteCommand => ({
  object: 'opportunity',
  target: { kind: 'id', id },
  fields,
  ...(version === undefined ? {} : { version }),
})
export const write = (...commands: readonly WriteCommand[]) => connector.write(commands, never)
export const kinds = async (...commands: readonly WriteCommand[]) =>
  (await write(...commands)).map((outcome) => (outcome.ok ? 'ok' : outcome.fault.kind))

export async function poll(
  cursor: string | null,
  fields: readonly string[] = ['name'],
  object = 'opportunity',
): Promise<readonly ChangePage[]> {
  const pages: ChangePage[] = []
  for await (const page of connector.changes(object, cursor, fields, never)) pages.push(page)
  return pages
}
