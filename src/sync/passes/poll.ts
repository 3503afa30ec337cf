import type { FindKnown } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import { applyConnectionFault, linesUsing } from '../ground/connection-faults.ts'
import { type Engine, type SyncConnection, syncActor } from '../ground/engine.ts'
import { decideFault } from '../ground/fault-policy.ts'
import { healFields } from '../ground/quarantine-healing.ts'
import { type MappedEntity, openWorkspace, type Workspace } from '../ground/workspace.ts'
import { settleReadHints } from '../memory/hint-store.ts'
import { cursorOf, knownRecords, saveCursor } from '../memory/mirror-store.ts'
import {
  assertLease,
  databaseNow,
  giveBackLease,
  type Lease,
  LeaseLost,
  renewLease,
  takeLease,
} from '../memory/slot-store.ts'
import { announce, dealEntity, takeIn } from '../records/intake.ts'
import { people } from '../records/known-contacts.ts'
import { loseLinks } from '../records/lost-links.ts'

/** Rows that are taken in per transaction: the claims lock is held that long. */
const chunkSize = 500

/** What one poll took in of one object. */
export interface PolledObject {
  readonly object: string
  readonly records: number
  /** Those that are new or differ from what the mirror held. */
  readonly changed: number
  readonly deletions: number
}

export type PollResult =
  /** No objects: nothing was due. */
  | { readonly kind: 'polled'; readonly objects: readonly PolledObject[] }
  /** Another worker is at it, or took it over. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'failed'; readonly fault: ConnectorFault }

/**
 * Reads what changed over there since the last poll, if it is due. A page is recorded completely before the cursor
 * passes it, so nothing is lost by dying half-way; reading it again changes nothing.
 * @param force poll now, due or not
 */
export async function pollConnection(
  engine: Engine,
  connection: SyncConnection,
  signal: AbortSignal,
  force = false,
): Promise<PollResult> {
  const lease = await takeLease(engine.database, connection.id, 'poll')
  if (!lease) return { kind: 'busy' }
  const polled: PolledObject[] = []
  let mapped: readonly MappedEntity[] = []
  try {
    const workspace = await openWorkspace(engine, connection)
    for (const object of new Set(workspace.entities.map(({ mapping }) => mapping.document.object))) {
      mapped = workspace.entities.filter(({ mapping }) => mapping.document.object === object)
      if (!force && !(await isDue(engine, connection, object))) continue
      polled.push(await pollObject(workspace, lease, object, signal))
    }
    if (polled.length > 0) await healFields(workspace, signal)
    return { kind: 'polled', objects: polled }
  } catch (error) {
    if (error instanceof LeaseLost || signal.aborted) return { kind: 'busy' }
    if (!(error instanceof ConnectorFault)) throw error
    await stopOn(engine, connection, mapped, error)
    return { kind: 'failed', fault: error }
  } finally {
    await giveBackLease(engine.database, lease)
  }
}

async function isDue(engine: Engine, connection: SyncConnection, object: string): Promise<boolean> {
  const now = await databaseNow(engine.database)
  const { polledAt, complete, wantedAt } = await engine.database.transact(syncActor, (tx) =>
    cursorOf(tx, connection.id, object),
  )
  if (!complete || polledAt === null || wantedAt !== null) return true
  return polledAt.getTime() + connection.pollSeconds * 1_000 <= now.getTime()
}

async function pollObject(
  workspace: Workspace,
  lease: Lease,
  object: string,
  signal: AbortSignal,
): Promise<PolledObject> {
  const { engine, connection, entities } = workspace
  const { database } = engine
  const mapped = entities.filter(({ mapping }) => mapping.document.object === object)
  const fields = [...new Set(mapped.flatMap((one) => one.fields))]
  const { cursor, complete } = await database.transact(syncActor, async (tx) => {
    await engine.mirror.setMirrorState(tx, connection.id, object, {
      required: mapped.some(({ name }) => !people.has(name)),
    })
    return cursorOf(tx, connection.id, object)
  })
  const startedAt = await databaseNow(database)
  // Reading everything for the first time can wait for what people do meanwhile.
  const connector = complete ? workspace.connector : await engine.connectors.connectorFor(connection, 'bulk')
  const findKnown: FindKnown = (records) =>
    database.transact(syncActor, (tx) => knownRecords(tx, connection.id, object, fields, records))
  const pages = connector.changes(object, cursor, fields, signal, findKnown)[Symbol.asyncIterator]()
  const counts = { records: 0, changed: 0, deletions: 0 }
  for (;;) {
    await renewLease(database, lease)
    const askedAt = await databaseNow(database)
    const { done, value: page } = await pages.next()
    if (done) return { object, ...counts }
    const readAt = new Date(askedAt.getTime() - (page.ageMs ?? 0))
    for (let start = 0; start < page.records.length; start += chunkSize) {
      const records = page.records.slice(start, start + chunkSize)
      await database.transact(syncActor, async (tx) => {
        await assertLease(tx, lease)
        const changed = await takeIn(tx, workspace, object, readAt, records)
        await announce(tx, workspace, object, changed, complete ? 'live' : 'bulk')
        const ids = records.map(({ id }) => id)
        await settleReadHints(tx, connection.id, object, ids, readAt)
        counts.changed += changed.length
      })
    }
    counts.records += page.records.length
    counts.deletions += page.deletions.length
    await database.transact(syncActor, async (tx) => {
      await assertLease(tx, lease)
      const deletions = page.deletions.map(({ id, mergedInto }) => ({
        remoteId: id,
        mergedInto: mergedInto ?? null,
      }))
      await loseLinks(tx, workspace, object, deletions)
      await saveCursor(tx, connection.id, object, page.cursor, { done: page.done, startedAt, readAt })
      if (!page.done) return
      await engine.mirror.setMirrorState(tx, connection.id, object, { complete: true, refreshedAt: readAt })
      if (!complete && mapped.some(({ name }) => name === dealEntity)) await engine.dealsWanted(tx, syncActor)
    })
  }
}

/** A fault of a reading as a whole: the policy decides what it means for the connection. */
export async function stopOn(
  engine: Engine,
  connection: SyncConnection,
  mapped: readonly MappedEntity[],
  fault: ConnectorFault,
): Promise<void> {
  const now = await databaseNow(engine.database)
  const decision = decideFault(fault, {
    attempts: 0,
    now,
    random: engine.random(),
    isMapped: (field) => mapped.some((entity) => linesUsing(entity, field).length > 0),
    aboutRecord: false,
  })
  await engine.database.transact(syncActor, (tx) =>
    applyConnectionFault(tx, engine, connection, mapped, { fault, decision, now }),
  )
}
