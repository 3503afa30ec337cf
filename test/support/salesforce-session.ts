import { afterEach, beforeEach } from 'vitest'
import { openSession, type RawSession } from '#test/simulators/salesforce/session.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'

/** The simulator of the running test and a session with it. */
export let simulator: SalesforceSimulator
export let session: RawSession

type Options = Parameters<typeof startSalesforceSimulator>[0]

async function start(options: Options): Promise<void> {
  simulator = await startSalesforceSimulator(options)
  session = await openSession(simulator)
}

/** Another organisation in the middle of a test. */
export async function restartSalesforce(options: Options): Promise<void> {
  await simulator.close()
  await start(options)
}

/** Gives every test of the file an empty organisation and a session that is signed in. */
export function useSalesforceSession(options: Options): void {
  beforeEach(() => start(options))
  afterEach(() => simulator.close())
}

/** What an opportunity needs. */
export const deal = (fields: Record<string, unknown> = {}) => ({
  Name: 'Deal',
  StageName: 'Prospecting',
  CloseDate: '2026-12-31',
  ...fields,
})
