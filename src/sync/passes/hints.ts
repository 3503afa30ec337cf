import { ConnectorFault } from '#connectors/fault.ts'
import { type Engine, type SyncConnection, syncActor } from '../ground/engine.ts'
import { openWorkspace, type Workspace } from '../ground/workspace.ts'
import { dropOtherHints, nextReading, noteReading, openHints, settleHints } from '../memory/hint-store.ts'
import {
  assertLease,
  databaseNow,
  giveBackLease,
  type Lease,
  LeaseLost,
  renewLease,
  takeLease,
} from '../memory/slot-store.ts'
import { announce, takeIn } from '../records/intake.ts'
import { loseLinks } from '../records/lost-links.ts'
import { stopOn } from './poll.ts'

/** Rows that are taken in per transaction: the claims lock is held that long. */
const largestBatch = 500
/** The first hint after a silence is read at once; while more come they are read together, this far apart. */
const spacingMs = 500

/** `later`: hints came so shortly after the last reading that they are read together with what follows. */
export type HintResult =
  | { readonly kind: 'read'; readonly records: number; readonly changed: number }
  | { readonly kind: 'later'; readonly at: Date }
  /** Another worker is at it, or took it over. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed'; readonly fault: ConnectorFault }

/**
 * Reads the records that push channels told of and takes them in as a poll does. A hint is settled with what was read
 * after it was written down; a worker that dies in between leaves it to the next one.
 */
export async function readHints(
  engine: Engine,
  connection: SyncConnection,
  signal: AbortSignal,
): Promise<HintResult> {
  const { database } = engine
  const lease = await takeLease(database, connection.id, 'hints')
  if (!lease) return { kind: 'busy' }
  const counts = { records: 0, changed: 0 }
  let workspace: Workspace | null = null
  let object = ''
  try {
    const next = await database.transact(syncActor, (tx) => nextReading(tx, connection.id, spacingMs))
    if (next) return { kind: 'later', at: next }
    workspace = await openWorkspace(engine, connection)
    const objects = [...new Set(workspace.entities.map(({ mapping }) => mapping.document.object))]
    await database.transact(syncActor, async (tx) => {
      await noteReading(tx, connection.id)
      await dropOtherHints(tx, connection.id, objects)
    })
    for (object of objects) {
      for (;;) {
        const read = await readBatch(workspace, lease, object, signal)
        counts.records += read.records
        counts.changed += read.changed
        if (read.isLast || signal.aborted) break
      }
    }
    return { kind: 'read', ...counts }
  } catch (error) {
    if (error instanceof LeaseLost || signal.aborted) return { kind: 'busy' }
    if (!(error instanceof ConnectorFault)) throw error
    await stopOn(engine, connection, workspace ? mappedTo(workspace, object) : [], error)
    return { kind: 'failed', fault: error }
  } finally {
    await giveBackLease(database, lease)
  }
}

const mappedTo = ({ entities }: Workspace, object: string) =>
  entities.filter(({ mapping }) => mapping.document.object === object)

async function readBatch(
  workspace: Workspace,
  lease: Lease,
  object: string,
  signal: AbortSignal,
): Promise<{ readonly records: number; readonly changed: number; readonly isLast: boolean }> {
  const { engine, connection, connector } = workspace
  const { database } = engine
  const size = Math.min(connector.traits.batch.read, largestBatch)
  const hints = await database.transact(syncActor, (tx) => openHints(tx, connection.id, object, size))
  if (hints.length === 0) return { records: 0, changed: 0, isLast: true }
  await renewLease(database, lease)
  const readAt = await databaseNow(database)
  const fields = [...new Set(mappedTo(workspace, object).flatMap((mapped) => mapped.fields))]
  const ids = hints.map(({ remoteId }) => remoteId)
  const answers = await connector.read(object, ids, fields, signal)
  const present = answers.flatMap((answer) => ('missing' in answer ? [] : [answer]))
  const missing = answers.flatMap((answer) =>
    'missing' in answer ? [{ remoteId: answer.id, mergedInto: answer.mergedInto ?? null }] : [],
  )
  const changed = await database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    const news = await takeIn(tx, workspace, object, readAt, present)
    await announce(tx, workspace, object, news, 'live')
    await loseLinks(tx, workspace, object, missing)
    await settleHints(tx, connection.id, hints)
    return news.length
  })
  return { records: answers.length, changed, isLast: hints.length < size }
}
