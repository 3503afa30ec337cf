import { afterEach, beforeEach, expect } from 'vitest'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { useDatabase } from './database.ts'
import { type SyncApi, syncApi } from './sync-api.ts'
import { writesOf } from './toy-deals.ts'
import { type ToyOptions, type ToySync, toySync } from './toy-sync.ts'

/** What the running test has before it: an empty simulated Salesforce and an engine that has polled it once. */
export let simulator: SalesforceSimulator
export let sync: ToySync
/** The routes of that engine; only where the test file asks for them. */
export let api: SyncApi

/** Another engine on a fresh connection to the same simulator. */
export let startSync: (options: ToyOptions) => Promise<void>

/** Gives every test of the file a fresh simulator and engine on one database of the file. */
export function useSync(options: ToyOptions = {}): void {
  const db = useDatabase()
  const open = async (chosen: ToyOptions) => {
    sync = await toySync(db.database, db.url, simulator, chosen)
    await sync.poll()
  }
  startSync = async (chosen) => {
    await sync.close()
    await open(chosen)
  }
  beforeEach(async () => {
    simulator = await startSalesforceSimulator()
    await open(options)
  })
  afterEach(async () => {
    await sync.close()
    await simulator.close()
  })
}

/** The same, with the routes on top. */
export function useSyncApi(): void {
  useSync()
  beforeEach(async () => {
    api = await syncApi(sync.engine.database, sync)
  })
  afterEach(() => api.close())
}

/** Narrows a list of the API to the connection of the test. */
export const on = () => `connectionId=${sync.connection.id}`

export const opportunities = () => simulator.list('Opportunity')

export const marks = () =>
  sync.rows<{
    entity: string
    recordId: string
    priority: number
    attempts: number
    parkedCode: string | null
    parkedMessage: string | null
    parkedIssues: { field: string }[] | null
    waitingFor: string | null
    waitSeconds: number
  }>(
    `select entity, record_id, priority, attempts, parked_code, parked_message, parked_issues, waiting_for,
            extract(epoch from due_at - clock_timestamp())::float8 as wait_seconds
     from dirty_mark where connection_id = $id order by entity, record_id`,
  )

/** How the attempts of an entity ended, the oldest first. */
export const outcomes = async (entity: string) =>
  (
    await sync.rows<{ outcome: string }>(
      `select outcome from sync_attempt where connection_id = $id and entity = '${entity}' order by id`,
    )
  ).map(({ outcome }) => outcome)

export const openReviews = () =>
  sync.rows<{
    kind: string
    field: string
    remoteId: string | null
    details: { duplicates?: string[] } | null
  }>(
    'select kind, field, remote_id, details from review_item where connection_id = $id and closed_at is null order by id',
  )

/** The newest link of a record. */
export const stateOf = async (entity: string, recordId: string) =>
  (
    await sync.rows<{ state: string; remoteId: string | null }>(
      `select state, remote_id from link where connection_id = $id and entity = '${entity}' and record_id = '${recordId}'
       order by id desc limit 1`,
    )
  )[0]

/** The newest link of a record, as the API shows it. */
export const linkOf = async (entity: string, recordId: string) =>
  (await api.get(`/links?${on()}&entity=${entity}&recordId=${recordId}`)).items[0]

/** Silence: another ten polls write nothing. */
export async function expectSilence(): Promise<void> {
  await sync.settle()
  simulator.calls.reset()
  for (let turn = 0; turn < 10; turn += 1) {
    await sync.poll()
    await sync.settle()
  }
  expect(writesOf(simulator)).toEqual([])
}
