import type { Missing, RemoteRecord } from '#connectors/connector.ts'
import { localValueOf } from '#mappings/apply.ts'
import type { Tx } from '#src/database/database.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { LocalRecord } from '#src/kernel/synced-entity.ts'
import { syncActor } from '../ground/engine.ts'
import { createLookup, type Lookup, type MappedEntity, memoryOf } from '../ground/workspace.ts'
import { hasHome } from '../memory/home.ts'
import { settleHomes } from '../memory/home-store.ts'
import { type Link, linksOfRecords, retiredRecords } from '../memory/link-store.ts'
import { isStale } from '../memory/merge.ts'
import { assertLease, databaseNow } from '../memory/slot-store.ts'
import { announce, takeIn } from '../records/intake.ts'
import { loseLinks } from '../records/lost-links.ts'
import { mergeRecord } from '../records/record-merge.ts'
import { lookUpTheirPeople } from '../records/remote-users.ts'
import { assertBudget } from './object-reading.ts'
import { countFields, emptyReport, isDrift, standingOf } from './reconciliation.ts'
import {
  type ActiveLink,
  activeLinks,
  looseKeys,
  parkedRecords,
  unlinkedRemotes,
} from './reconciliation-store.ts'
import {
  type EntityReport,
  type FieldStanding,
  type Finding,
  type ReconciliationProgress,
  reconciliationProgressSchema,
  type SyncTask,
} from './task.ts'
import type { TaskRun } from './task-run.ts'
import { insertFindings, saveProgress } from './task-store.ts'

/** Links per step, though a CRM may give more records in one call: they are compared in one transaction. */
const mostPerStep = 1_000

/**
 * Compares both sides of every linked record, as they stand now: theirs is read anew, in large batches. It changes
 * nothing but our picture of what is linked to nothing; what differs is told, and mended by a repair.
 */
export async function reconciliationStep(run: TaskRun): Promise<{ done: boolean; task: SyncTask }> {
  const { task, workspace } = run
  const progress = reconciliationProgressSchema.parse(task.progress)
  const mapped = workspace.entities[progress.at]
  if (!mapped) return { done: true, task }
  assertBudget(run)
  const next = await stepOf(run, mapped, progress)
  return { done: false, task: { ...task, progress: next } }
}

function stepOf(
  run: TaskRun,
  mapped: MappedEntity,
  progress: ReconciliationProgress,
): Promise<ReconciliationProgress> {
  switch (progress.phase) {
    case 'links':
      return compareLinks(run, mapped, progress)
    case 'mirror':
      return readUnlinked(run, mapped, progress)
    case 'keys':
      return checkKeys(run, mapped, progress)
  }
}

/** The report in hand, changed; and where to go on. */
function withReport(
  progress: ReconciliationProgress,
  report: EntityReport,
  position: Partial<Pick<ReconciliationProgress, 'phase' | 'at' | 'after'>>,
): ReconciliationProgress {
  const others = progress.entities.filter(({ entity }) => entity !== report.entity)
  return { ...progress, ...position, entities: [...others, report] }
}

const reportOf = ({ entities }: ReconciliationProgress, { name, mapping }: MappedEntity): EntityReport =>
  entities.find(({ entity }) => entity === name) ?? emptyReport(name, mapping.document.object)

async function compareLinks(
  run: TaskRun,
  mapped: MappedEntity,
  progress: ReconciliationProgress,
): Promise<ReconciliationProgress> {
  const { workspace, lease, signal, task } = run
  const { engine, connection, connector } = workspace
  const { database } = engine
  const size = Math.min(connector.traits.batch.read, mostPerStep)
  const links = await database.transact(syncActor, (tx) =>
    activeLinks(tx, connection.id, mapped.name, progress.after, size),
  )
  const last = links.at(-1)
  if (!last) {
    const next = withReport(progress, reportOf(progress, mapped), { phase: 'mirror', after: null })
    await database.transact(syncActor, (tx) => saveProgress(tx, task.id, next))
    return next
  }
  const readAt = await databaseNow(database)
  const ids = [...new Set(links.map(({ remoteId }) => remoteId))]
  const read = await connector.read(mapped.mapping.document.object, ids, mapped.fields, signal)
  const theirs = new Map(read.map((record) => [record.id, record]))
  const present = read.filter((record): record is RemoteRecord => !('missing' in record))
  const lookup = createLookup(workspace)
  await lookUpTheirPeople(
    { workspace, mapped, lease, signal },
    present.map(({ fields }) => fields),
    lookup,
  )
  return database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    const { report, findings } = await compareBatch(tx, run, mapped, reportOf(progress, mapped), {
      links,
      theirs,
      readAt,
      lookup,
    })
    await insertFindings(tx, task.id, findings)
    const next = withReport(progress, report, { after: last.id })
    await saveProgress(tx, task.id, next)
    return next
  })
}

interface Reading {
  readonly links: readonly ActiveLink[]
  readonly theirs: ReadonlyMap<string, RemoteRecord | Missing>
  readonly readAt: Date
  readonly lookup: Lookup
}

async function compareBatch(
  tx: Tx,
  run: TaskRun,
  mapped: MappedEntity,
  before: EntityReport,
  { links, theirs, readAt, lookup }: Reading,
): Promise<{ report: EntityReport; findings: readonly Finding[] }> {
  const { workspace } = run
  const { connection } = workspace
  const recordIds = links.map(({ recordId }) => recordId)
  const current = await linksOfRecords(tx, connection.id, mapped.name, recordIds)
  const locals = await mapped.entity.load(tx, recordIds)
  const parked = await parkedRecords(tx, connection.id, mapped.name, recordIds)
  const homes = hasHome(mapped.name)
    ? await settleHomes(tx, mapped.name, recordIds)
    : new Map<string, string>()
  const references = [...theirs.values()].flatMap((record) =>
    'missing' in record
      ? []
      : mapped.references.flatMap(({ remote }) => {
          const value = record.fields[remote]
          return typeof value === 'string' ? [value] : []
        }),
  )
  await lookup.addRemotes(tx, references)
  let report = { ...before, linked: before.linked + links.length }
  const findings: Finding[] = []
  const tell = (kind: Finding['kind'], link: ActiveLink, details: Finding['details']) =>
    findings.push({ kind, entity: mapped.name, recordId: link.recordId, remoteId: link.remoteId, details })
  for (const seen of links) {
    const link = current.get(seen.recordId)
    const local = locals.get(seen.recordId)
    const record = theirs.get(seen.remoteId)
    if (link?.remoteId !== seen.remoteId || !record || isMoving(link, readAt)) {
      report = { ...report, moving: report.moving + 1 }
    } else if (!local) {
      report = { ...report, linked_to_nothing: report.linked_to_nothing + 1 }
      tell('linked_to_nothing', seen, {})
    } else if ('missing' in record) {
      report = { ...report, missing_there: report.missing_there + 1 }
      tell('missing_there', seen, { mergedInto: record.mergedInto ?? null, title: titleOf(local) })
    } else {
      const problem = parked.get(seen.recordId) ?? null
      const isHome = (homes.get(seen.recordId) ?? connection.id) === connection.id
      const rules = isHome ? mapped : { ...mapped, mapping: mapped.receiving }
      const fields = compareRecord(run, rules, {
        link: { ...link, remoteId: seen.remoteId },
        local,
        record,
        readAt,
        problem,
        lookup,
      })
      report = countFields(report, Object.fromEntries(fields.map(({ field, standing }) => [field, standing])))
      const drifting = fields.filter(({ standing }) => isDrift(standing))
      if (drifting.length > 0) tell('different', seen, { title: titleOf(local), fields: drifting })
    }
  }
  return { report, findings }
}

const isMoving = ({ observedAt, writtenAt, writingAt }: Link, readAt: Date): boolean =>
  isStale({ readAt }, { observedAt, writtenAt, writing: writingAt !== null })

const titleOf = ({ fields }: LocalRecord): FieldValue => fields['title'] ?? fields['name'] ?? null

interface ComparedRecord {
  readonly link: Link & { readonly remoteId: string }
  readonly local: LocalRecord
  readonly record: RemoteRecord
  readonly readAt: Date
  /** Why our side is parked, if it is. */
  readonly problem: string | null
  readonly lookup: Lookup
}

interface FieldComparison {
  readonly field: string
  readonly standing: FieldStanding
  readonly ours: FieldValue
  readonly theirs: FieldValue
}

/** The very merge that a round would do decides what differs: what it would leave alone is in step. */
function compareRecord(
  { workspace, lease, signal }: TaskRun,
  mapped: MappedEntity,
  { link, local, record, readAt, problem, lookup }: ComparedRecord,
): readonly FieldComparison[] {
  const mark = { recordId: local.id, generation: 0n, priority: 1, attempts: 0, ripe: true }
  const snapshot = { fields: record.fields, modifiedBy: record.modifiedBy, readAt }
  const merged = mergeRecord({ workspace, mapped, lease, signal }, { mark, link, local }, snapshot, lookup)
  const unreadable = new Set(merged.unmapped.map(({ field }) => field))
  return merged.verdicts.flatMap(({ name, action }) => {
    const compiled = mapped.mapping.byName.get(name)
    if (!compiled) return []
    const ours = localValueOf(mapped.mapping, name, local.fields) ?? null
    const theirs = merged.theirs[name]
    const { agreed } = memoryOf(link, compiled)
    const isStuck = unreadable.has(name) || (problem !== null && action === 'write')
    const standing = standingOf({ action, ours, theirs, agreed, isStuck })
    return [{ field: name, standing, ours: shorten(ours), theirs: shorten(theirs ?? null) }]
  })
}

const shownLength = 200
const shorten = (value: FieldValue): FieldValue =>
  typeof value === 'string' && value.length > shownLength ? `${value.slice(0, shownLength)}…` : value

/** Records that stand for nothing of ours: whether they are still there, and how they look, for conflict detection. */
async function readUnlinked(
  run: TaskRun,
  mapped: MappedEntity,
  progress: ReconciliationProgress,
): Promise<ReconciliationProgress> {
  const { workspace, lease, signal, task } = run
  const { engine, connection, connector } = workspace
  const { database } = engine
  const { object } = mapped.mapping.document
  const report = reportOf(progress, mapped)
  const isDone = progress.entities.some((other) => other.entity !== mapped.name && other.object === object)
  const size = Math.min(connector.traits.batch.read, mostPerStep)
  const ids = isDone
    ? []
    : await database.transact(syncActor, (tx) =>
        unlinkedRemotes(tx, connection.id, object, progress.after, size),
      )
  const last = ids.at(-1)
  if (last === undefined) {
    const next = withReport(progress, report, { phase: 'keys', after: null })
    await database.transact(syncActor, (tx) => saveProgress(tx, task.id, next))
    return next
  }
  const readAt = await databaseNow(database)
  const read = await connector.read(object, ids, mapped.fields, signal)
  const present = read.filter((record): record is RemoteRecord => !('missing' in record))
  const missing = read.filter((record): record is Missing => 'missing' in record)
  return database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    await announce(tx, workspace, object, await takeIn(tx, workspace, object, readAt, present), 'repair')
    await loseLinks(
      tx,
      workspace,
      object,
      missing.map(({ id, mergedInto }) => ({ remoteId: id, mergedInto: mergedInto ?? null })),
    )
    const next = withReport(
      progress,
      { ...report, unlinked: report.unlinked + ids.length, vanished: report.vanished + missing.length },
      { after: last },
    )
    await saveProgress(tx, task.id, next)
    return next
  })
}

/** Our keys over there that no link knows of. */
async function checkKeys(
  run: TaskRun,
  mapped: MappedEntity,
  progress: ReconciliationProgress,
): Promise<ReconciliationProgress> {
  const { workspace, lease, task } = run
  const { engine, connection } = workspace
  const { object, keyField } = mapped.mapping.document
  return engine.database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    const loose = await looseKeys(tx, connection.id, mapped.name, object, keyField)
    const ids = loose.map(({ key }) => key)
    const locals = await mapped.entity.load(tx, ids)
    const links = await linksOfRecords(tx, connection.id, mapped.name, ids)
    const ended = await retiredRecords(tx, connection.id, mapped.name, ids)
    const findings = loose.flatMap(({ key, remoteIds }): Finding[] => {
      const base = { entity: mapped.name, recordId: key }
      if (remoteIds.length > 1)
        return [{ ...base, kind: 'doubled_key', remoteId: null, details: { remoteIds } }]
      const link = links.get(key)
      // A person pointed the record elsewhere, or ended its link: the key that was left behind is known.
      if (link?.state === 'active' || (!link && ended.has(key))) return []
      const reason = !locals.has(key)
        ? 'There is no such record of ours'
        : link
          ? `Its link is ${link.state}: decide about its review item`
          : null
      return [{ ...base, kind: 'unlinked_key', remoteId: remoteIds[0] ?? null, details: { reason } }]
    })
    await insertFindings(tx, task.id, findings)
    const of = (kind: string) => findings.filter((finding) => finding.kind === kind).length
    const report = {
      ...reportOf(progress, mapped),
      unlinked_key: of('unlinked_key'),
      doubled_key: of('doubled_key'),
    }
    const next = withReport(progress, report, { phase: 'links', at: progress.at + 1, after: null })
    await saveProgress(tx, task.id, next)
    return next
  })
}
