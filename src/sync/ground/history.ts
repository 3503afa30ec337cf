import type { Database, Tx } from '#src/database/database.ts'
import { pruneAttempts, pruneReviews } from '../memory/history-store.ts'
import { syncActor } from './engine.ts'

const attemptDays = 90
const reviewDays = 2 * 365
const batch = 2_000

/** Forgets old history, batch by batch, each in a short transaction. @returns how many rows went */
export async function pruneSyncHistory(database: Database, signal: AbortSignal): Promise<number> {
  const steps = [
    (tx: Tx) => pruneAttempts(tx, attemptDays, batch),
    (tx: Tx) => pruneReviews(tx, reviewDays, batch),
  ]
  let gone = 0
  for (const step of steps) {
    for (let last = batch; last === batch && !signal.aborted; gone += last) {
      last = await database.transact(syncActor, step)
    }
  }
  return gone
}
