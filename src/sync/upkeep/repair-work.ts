import type { Missing, RemoteRecord } from '#connectors/connector.ts'
import type { Tx } from '#src/database/database.ts'
import { syncActor } from '../ground/engine.ts'
import type { MappedEntity } from '../ground/workspace.ts'
import { retireLink } from '../memory/link-list-store.ts'
import { linksOfRecords, retiredRecords } from '../memory/link-store.ts'
import { dropMark, markDirty } from '../memory/mark-store.ts'
import { assertLease, databaseNow } from '../memory/slot-store.ts'
import { takeIn } from '../records/intake.ts'
import { loseLinks } from '../records/lost-links.ts'
import { linkFound } from './link-found.ts'
import { assertBudget } from './object-reading.ts'
import { refreshReading } from './reconciliation-store.ts'
import { repairProgressSchema, type StoredFinding, type SyncTask } from './task.ts'
import type { TaskRun } from './task-run.ts'
import { openFindings, saveProgress, settleFindings } from './task-store.ts'

const batchSize = 500

/**
 * Mends what a reconciliation found, by reading theirs anew and marking the records: the normal merge does the rest, so
 * that nobody's value is overwritten unseen. What is gone over there ends as it would have, had the poll seen it.
 */
export async function repairStep(run: TaskRun): Promise<{ done: boolean; task: SyncTask }> {
  const { task, workspace, lease } = run
  const { database } = workspace.engine
  const progress = repairProgressSchema.parse(task.progress)
  const batch = await database.transact(syncActor, (tx) =>
    openFindings(tx, task.repairs ?? '', progress.after, batchSize),
  )
  const last = batch.at(-1)
  if (!last) return { done: true, task }
  assertBudget(run)
  const readings = await readAnew(run, batch)
  const next = await database.transact(task.actor, async (tx) => {
    await assertLease(tx, lease)
    const mended: string[] = []
    for (const reading of readings) mended.push(...(await mend(tx, run, reading)))
    await settleFindings(tx, mended)
    const moved = {
      after: last.id,
      looked: progress.looked + batch.length,
      mended: progress.mended + mended.length,
    }
    await saveProgress(tx, task.id, moved)
    return moved
  })
  return { done: false, task: { ...task, progress: next } }
}

interface FreshReading {
  readonly mapped: MappedEntity
  readonly findings: readonly StoredFinding[]
  readonly present: readonly RemoteRecord[]
  readonly missing: readonly Missing[]
  readonly readAt: Date
}

async function readAnew(
  { workspace, signal }: TaskRun,
  batch: readonly StoredFinding[],
): Promise<readonly FreshReading[]> {
  const { connector, engine, byName } = workspace
  const readings: FreshReading[] = []
  for (const [entity, findings] of Map.groupBy(batch, (finding) => finding.entity)) {
    const mapped = byName.get(entity)
    if (!mapped) continue
    const ids = [...new Set(findings.flatMap(({ remoteId }) => (remoteId === null ? [] : [remoteId])))]
    const readAt = await databaseNow(engine.database)
    const present: RemoteRecord[] = []
    const missing: Missing[] = []
    for (let start = 0; start < ids.length; start += connector.traits.batch.read) {
      const some = ids.slice(start, start + connector.traits.batch.read)
      for (const record of await connector.read(
        mapped.mapping.document.object,
        some,
        mapped.fields,
        signal,
      )) {
        if ('missing' in record) missing.push(record)
        else present.push(record)
      }
    }
    readings.push({ mapped, findings, present, missing, readAt })
  }
  return readings
}

/** @returns ids of the findings that need nothing more */
async function mend(tx: Tx, run: TaskRun, reading: FreshReading): Promise<readonly string[]> {
  const { connection } = run.workspace
  const { mapped, findings, present, missing, readAt } = reading
  const { object } = mapped.mapping.document
  const of = (...kinds: readonly string[]) => findings.filter(({ kind }) => kinds.includes(kind))
  await takeIn(tx, run.workspace, object, readAt, present)
  await refreshReading(
    tx,
    connection.id,
    object,
    present.map(({ id }) => id),
    readAt,
  )
  const deletions = missing.map(({ id, mergedInto }) => ({ remoteId: id, mergedInto: mergedInto ?? null }))
  await loseLinks(tx, run.workspace, object, deletions)
  const lost = new Set(missing.map(({ id }) => id))
  const compared = of('different', 'missing_there')
  await markDirty(
    tx,
    compared.flatMap(({ recordId, remoteId }) =>
      recordId === null || lost.has(remoteId ?? '')
        ? []
        : [{ connectionId: connection.id, entity: mapped.name, recordId, priority: 'repair' as const }],
    ),
  )
  return [
    ...compared.map(({ id }) => id),
    ...(await retireEmpty(tx, run, mapped, of('linked_to_nothing'))),
    ...(await linkCarriers(tx, run, mapped, of('unlinked_key'), present)),
  ]
}

/** Links whose record of ours is gone for good. */
async function retireEmpty(
  tx: Tx,
  { workspace }: TaskRun,
  mapped: MappedEntity,
  findings: readonly StoredFinding[],
): Promise<readonly string[]> {
  const ids = findings.flatMap(({ recordId }) => (recordId === null ? [] : [recordId]))
  if (ids.length === 0) return []
  const connectionId = workspace.connection.id
  const locals = await mapped.entity.load(tx, ids)
  const links = await linksOfRecords(tx, connectionId, mapped.name, ids)
  for (const { id, recordId } of links.values()) {
    if (locals.has(recordId)) continue
    await retireLink(tx, id)
    await dropMark(tx, { connectionId, entity: mapped.name, recordId })
  }
  return findings.map(({ id }) => id)
}

/** Records over there that carry our key, still do, and whose record of ours has no link. */
async function linkCarriers(
  tx: Tx,
  run: TaskRun,
  mapped: MappedEntity,
  findings: readonly StoredFinding[],
  present: readonly RemoteRecord[],
): Promise<readonly string[]> {
  if (findings.length === 0) return []
  const { connection } = run.workspace
  const { keyField } = mapped.mapping.document
  const keyOf = new Map(present.map(({ id, fields }) => [id, fields[keyField]]))
  const ids = findings.flatMap(({ recordId }) => (recordId === null ? [] : [recordId]))
  const locals = await mapped.entity.load(tx, ids)
  const links = await linksOfRecords(tx, connection.id, mapped.name, ids)
  const ended = await retiredRecords(tx, connection.id, mapped.name, ids)
  const mended = findings.filter(({ recordId, remoteId }) => {
    if (recordId === null || remoteId === null || keyOf.get(remoteId) !== recordId) return false
    return locals.has(recordId) && !links.has(recordId) && !ended.has(recordId)
  })
  const pairs = mended.map(({ recordId, remoteId }) => ({
    recordId: recordId ?? '',
    remoteId: remoteId ?? '',
    by: 'key' as const,
  }))
  await linkFound(tx, run, mapped, pairs, 'repair')
  return mended.map(({ id }) => id)
}
