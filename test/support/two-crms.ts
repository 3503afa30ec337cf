import { afterEach, beforeEach, expect } from 'vitest'
import { systemActor } from '#src/kernel/actor.ts'
import type { DealId } from '#src/kernel/ids.ts'
import { createSyncOperations, type SyncOperations } from '#src/sync/operations/operation-use-cases.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { useDatabase } from './database.ts'
import { writesOf } from './toy-deals.ts'
import { type ToySync, toySync } from './toy-sync.ts'

export interface Side {
  readonly crm: SalesforceSimulator
  readonly sync: ToySync
}

/** One installation with two CRMs: `first` is the one that deals go to by default. */
export let first: Side
export let second: Side
export let operations: SyncOperations

export function useTwoCrms(): void {
  const db = useDatabase()
  beforeEach(async () => {
    const open = async (beside?: ToySync): Promise<Side> => {
      const crm = await startSalesforceSimulator()
      const sync = await toySync(db.database, db.url, crm, beside ? { beside } : {})
      await sync.poll()
      return { crm, sync }
    }
    first = await open()
    second = await open(first.sync)
    operations = createSyncOperations(second.sync.operations)
  })
  afterEach(async () => {
    for (const { sync, crm } of [first, second]) {
      await sync.close()
      await crm.close()
    }
  })
}

const person = systemActor('test')

/** What a person here changed, as the capability tells it. */
export async function change(
  entity: string,
  id: string,
  fields: Parameters<ReturnType<ToySync['entity']>['put']>[1],
) {
  second.sync.entity(entity).put(id, fields)
  await second.sync.run((tx) => second.sync.entity(entity).changed(tx, person, [id]))
}

/** Polls and works on both sides until nothing is left to do. */
export async function settleBoth(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    for (const { sync } of [first, second]) {
      await sync.poll()
      await sync.settle()
    }
  }
}

/** Further polls on both sides write nothing to either. */
export async function expectQuiet(): Promise<void> {
  await settleBoth()
  for (const { crm } of [first, second]) crm.calls.reset()
  await settleBoth()
  expect([first, second].flatMap(({ crm }) => writesOf(crm))).toEqual([])
}

export const reroute = (deal: string, to: Side, remoteId: string | null = null) =>
  second.sync.run((tx) =>
    operations.rerouting.reroute(tx, person, deal as DealId, null, {
      connectionId: to.sync.connection.id,
      remoteId,
      reason: 'the other region takes over',
    }),
  )

export const linksOf = ({ sync }: Side, entity: string, recordId: string) =>
  sync.rows<{ state: string; remoteId: string | null }>(
    `select state, remote_id from link where connection_id = $id and entity = '${entity}' and record_id = '${recordId}' order by id`,
  )

export const reviewsOf = ({ sync }: Side) =>
  sync.rows<{ kind: string; details: { fields?: string[] } | null }>(
    'select kind, details from review_item where connection_id = $id and closed_at is null order by id',
  )
