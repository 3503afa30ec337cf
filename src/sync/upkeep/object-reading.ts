import type { Tx } from '#src/database/database.ts'
import { syncActor } from '../ground/engine.ts'
import { assertLease, databaseNow, renewLease } from '../memory/slot-store.ts'
import { announce, takeIn } from '../records/intake.ts'
import { loseLinks } from '../records/lost-links.ts'
import { priorityOfTask, TaskPostponed } from './task.ts'
import type { TaskRun } from './task-run.ts'

const chunkSize = 500
const budgetWaitMs = 60_000

/** @throws TaskPostponed while what is left of the CRM's allowance belongs to people's own changes */
export function assertBudget({ workspace, task }: Pick<TaskRun, 'workspace' | 'task'>): void {
  const { connection, engine } = workspace
  if (engine.connectors.mayRun(connection.id, priorityOfTask[task.kind])) return
  throw new TaskPostponed(
    "Waits until the CRM's allowance of calls has room for work that can wait",
    budgetWaitMs,
  )
}

/**
 * Reads every record of an object anew into the mirror, page by page from `cursor` on.
 * @param save keeps the page's cursor, in the transaction that takes in its last records
 */
export async function readObject(
  run: TaskRun,
  object: string,
  fields: readonly string[],
  cursor: string | null,
  save: (tx: Tx, cursor: string, records: number) => Promise<void>,
): Promise<void> {
  const { workspace, lease, signal } = run
  const { database } = workspace.engine
  const pages = workspace.connector.changes(object, cursor, fields, signal)[Symbol.asyncIterator]()
  for (;;) {
    assertBudget(run)
    await renewLease(database, lease)
    const askedAt = await databaseNow(database)
    const { done, value: page } = await pages.next()
    if (done) return
    const readAt = new Date(askedAt.getTime() - (page.ageMs ?? 0))
    for (let start = 0; start < page.records.length; start += chunkSize) {
      const records = page.records.slice(start, start + chunkSize)
      await database.transact(syncActor, async (tx) => {
        await assertLease(tx, lease)
        await announce(tx, workspace, object, await takeIn(tx, workspace, object, readAt, records), 'bulk')
      })
    }
    await database.transact(syncActor, async (tx) => {
      await assertLease(tx, lease)
      const deletions = page.deletions.map(({ id, mergedInto }) => ({
        remoteId: id,
        mergedInto: mergedInto ?? null,
      }))
      await loseLinks(tx, workspace, object, deletions)
      await save(tx, page.cursor, page.records.length)
    })
    if (page.done) return
  }
}
