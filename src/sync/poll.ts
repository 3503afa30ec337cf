import { ConnectorFault } from '#connectors/fault.ts'
import { databaseNow, type Engine, type SyncConnection, syncActor } from './engine.ts'
import { decideFault } from './fault-policy.ts'
import { announce, takeIn } from './intake.ts'
import { loseLinks } from './lost-links.ts'
import { cursorOf, saveCursor } from './mirror-store.ts'
import { assertLease, giveBackLease, type Lease, LeaseLost, renewLease, takeLease } from './slot-store.ts'
import { openWorkspace, type Workspace } from './workspace.ts'

/** Rows that are taken in per transaction: the claims lock is held that long. */
const chunkSize = 500
const unavailablePauseMs = 5_000

/**
 * Reads what changed over there since the last poll, if it is due. A page is recorded completely before the cursor
 * passes it, so nothing is lost by dying half-way; reading it again changes nothing.
 * @param force poll now, due or not
 * @returns whether a poll took place
 */
export async function pollConnection(
  engine: Engine,
  connection: SyncConnection,
  signal: AbortSignal,
  force = false,
): Promise<boolean> {
  const lease = await takeLease(engine.database, connection.id, 'poll')
  if (!lease) return false
  try {
    const workspace = await openWorkspace(engine, connection)
    const objects = [...new Set(workspace.entities.map(({ mapping }) => mapping.document.object))]
    let polled = false
    for (const object of objects) {
      if (!force && !(await isDue(engine, connection, object))) continue
      await pollObject(workspace, lease, object, signal)
      polled = true
    }
    return polled
  } catch (error) {
    if (error instanceof LeaseLost || signal.aborted) return false
    if (!(error instanceof ConnectorFault)) throw error
    await pauseOn(engine, connection, error)
    return false
  } finally {
    await giveBackLease(engine.database, lease)
  }
}

async function isDue(engine: Engine, connection: SyncConnection, object: string): Promise<boolean> {
  const now = await databaseNow(engine.database)
  const { polledAt, complete } = await engine.database.transact(syncActor, (tx) =>
    cursorOf(tx, connection.id, object),
  )
  return (
    !complete || polledAt === null || polledAt.getTime() + connection.pollSeconds * 1_000 <= now.getTime()
  )
}

async function pollObject(
  workspace: Workspace,
  lease: Lease,
  object: string,
  signal: AbortSignal,
): Promise<void> {
  const { engine, connection, connector, entities } = workspace
  const { database } = engine
  const mapped = entities.filter(({ mapping }) => mapping.document.object === object)
  const fields = [...new Set(mapped.flatMap((one) => one.fields))]
  const { cursor, complete } = await database.transact(syncActor, async (tx) => {
    await engine.mirror.setMirrorState(tx, connection.id, object, { required: true })
    return cursorOf(tx, connection.id, object)
  })
  const pages = connector.changes(object, cursor, fields, signal)[Symbol.asyncIterator]()
  for (;;) {
    await renewLease(database, lease)
    const readAt = await databaseNow(database)
    const { done, value: page } = await pages.next()
    if (done) return
    for (let start = 0; start < page.records.length; start += chunkSize) {
      const records = page.records.slice(start, start + chunkSize)
      await database.transact(syncActor, async (tx) => {
        await assertLease(tx, lease)
        const changed = await takeIn(tx, workspace, object, readAt, records)
        await announce(tx, workspace, object, changed, complete ? 'live' : 'bulk')
      })
    }
    await database.transact(syncActor, async (tx) => {
      await assertLease(tx, lease)
      const deletions = page.deletions.map(({ id, mergedInto }) => ({
        remoteId: id,
        mergedInto: mergedInto ?? null,
      }))
      await loseLinks(tx, workspace, object, deletions)
      await saveCursor(tx, connection.id, object, page.cursor, { done: page.done, readAt })
      if (page.done)
        await engine.mirror.setMirrorState(tx, connection.id, object, { complete: true, refreshedAt: readAt })
    })
  }
}

async function pauseOn(engine: Engine, connection: SyncConnection, fault: ConnectorFault): Promise<void> {
  const now = await databaseNow(engine.database)
  const decision = decideFault(fault, 0, now, engine.random())
  const passing = fault.kind === 'unavailable' || fault.kind === 'ambiguous' || fault.kind === 'changed'
  const fields = decision.kind === 'quarantine' ? decision.fields : []
  await engine.database.transact(syncActor, async (tx) => {
    if (fields.length > 0) {
      for (const { entity } of await engine.connections.publishedMappings(tx, connection.id)) {
        for (const field of fields)
          await engine.connections.quarantineField(tx, connection.id, entity, field, fault.message)
      }
      return
    }
    await engine.connections.pauseConnection(tx, connection.id, {
      until:
        decision.kind === 'pause'
          ? decision.until
          : passing
            ? new Date(now.getTime() + unavailablePauseMs)
            : null,
      reason: `${fault.details.code}: ${fault.message}`,
      attention: !passing && decision.kind !== 'pause',
    })
  })
}
