import type { Missing, RemoteRecord, RemoteValue } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { syncActor } from '../ground/engine.ts'
import type { Lookup } from '../ground/workspace.ts'
import { type Attempt, logAttempts } from '../memory/attempt-store.ts'
import { type LinkChange, updateLinks } from '../memory/link-store.ts'
import { type Mark, markDirty, settleMarks, stillCurrent } from '../memory/mark-store.ts'
import { type MirrorRecord, mirrorRecords } from '../memory/mirror-store.ts'
import { closeAgreed, type NewReview, openReviews } from '../memory/review-store.ts'
import { assertLease, databaseNow, renewLease } from '../memory/slot-store.ts'
import { fullBatches } from './full-batches.ts'
import { announceToOthers, takeIn } from './intake.ts'
import { loseLinks } from './lost-links.ts'
import {
  type Applied,
  agreedFields,
  attemptsOf,
  changedMemory,
  holdUnmapped,
  outgoingOf,
  rememberOutcome,
  reviewsOf,
} from './merge-consequences.ts'
import { markParents, type ParentWait, priorityOf, waitOnParents } from './parents.ts'
import {
  hasOutgoing,
  isBasis,
  isFromBeforeOurWrite,
  isNews,
  type Linked,
  type Merged,
  mergeRecord,
} from './record-merge.ts'
import { lookUpTheirPeople } from './remote-users.ts'
import { type Outgoing, RecordMoved, type Round } from './round.ts'
import { haltOn, sendWrites } from './send.ts'

/**
 * Keeps linked records in step. What the mirror shows is applied at once. What goes out is merged against a fresh read
 * of the whole batch first, so that a value typed a moment ago is not overwritten unseen; or, where the CRM refuses a
 * write that is based on an older state, against the mirror.
 * @returns how many wait for company, since they would not fill a batch
 */
export async function updateRecords(round: Round, items: readonly Linked[], lookup: Lookup): Promise<number> {
  if (items.length === 0) return 0
  const { workspace, mapped } = round
  const { connection, engine } = workspace
  const remoteIds = items.map(({ link }) => link.remoteId)
  const mirrored = await engine.database.transact(syncActor, (tx) =>
    mirrorRecords(tx, connection.id, mapped.mapping.document.object, remoteIds),
  )
  await engine.database.transact(syncActor, (tx) =>
    lookup.addRemotes(
      tx,
      [...mirrored.values()].flatMap(({ content }) => referencesIn(round, content)),
    ),
  )
  await lookUpTheirPeople(
    round,
    [...mirrored.values()].map(({ content }) => content),
    lookup,
  )
  const done: Mark[] = []
  const quick: Merged[] = []
  const toRead: Linked[] = []
  for (const item of items) {
    const seen = mirrored.get(item.link.remoteId)
    const incomplete = seen !== undefined && mapped.fields.some((field) => seen.content[field] === undefined)
    // Another version may make something else of the same values, on either side.
    const isOutdated = item.link.mappingVersionId !== mapped.versionId
    if (incomplete || isOutdated || hasOutgoing(round, item)) toRead.push(item)
    else if (!seen) done.push(item.mark)
    // A write that was refused left theirs as it is, and no poll shows it again.
    else if (isFromBeforeOurWrite(item.link, seen.readAt)) toRead.push(item)
    else if (!isNews(item.link, seen.readAt)) done.push(item.mark)
    else {
      const merged = mergeRecord(
        round,
        item,
        { fields: seen.content, modifiedBy: seen.modifiedBy, readAt: seen.readAt },
        lookup,
      )
      if (merged.verdicts.some(({ action }) => action === 'write')) toRead.push(item)
      else quick.push(merged)
    }
  }
  await conclude(round, quick, done, lookup)
  const { read: size, update } = workspace.connector.traits.batch
  const going = fullBatches(toRead, update, ({ mark }) => mark.ripe)
  const based = mirroredBases(round, going, mirrored, lookup)
  await sendWrites(round, await conclude(round, [...based.values()], [], lookup))
  const unread = going.filter((item) => !based.has(item))
  for (let start = 0; start < unread.length; start += size) {
    const fresh = await readFresh(round, unread.slice(start, start + size), lookup)
    await sendWrites(round, await conclude(round, fresh, [], lookup))
  }
  return toRead.length - going.length
}

/** Items whose write may go by what the mirror has, merged against that. */
function mirroredBases(
  round: Round,
  items: readonly Linked[],
  mirrored: ReadonlyMap<string, MirrorRecord>,
  lookup: Lookup,
): ReadonlyMap<Linked, Merged> {
  const { mapped, workspace } = round
  if (!workspace.connector.traits.conditionalWrite) return new Map()
  return new Map(
    items.flatMap((item): [Linked, Merged][] => {
      const seen = mirrored.get(item.link.remoteId)
      if (!seen || item.link.mappingVersionId !== mapped.versionId || !isBasis(item, seen)) return []
      if (mapped.fields.some((field) => seen.content[field] === undefined)) return []
      const { content, modifiedBy, readAt, version } = seen
      const snapshot = { fields: content, modifiedBy, readAt, version, isMirrored: true }
      return [[item, mergeRecord(round, item, snapshot, lookup)]]
    }),
  )
}

const referencesIn = ({ mapped }: Round, fields: Readonly<Record<string, RemoteValue>>): string[] =>
  mapped.references.flatMap(({ remote }) => (typeof fields[remote] === 'string' ? [fields[remote]] : []))

async function readFresh(round: Round, items: readonly Linked[], lookup: Lookup): Promise<readonly Merged[]> {
  const { workspace, mapped, lease, signal } = round
  const { connector, connection, engine } = workspace
  const { object } = mapped.mapping.document
  await renewLease(engine.database, lease)
  const readAt = await databaseNow(engine.database)
  const ids = items.map(({ link }) => link.remoteId)
  let records: readonly (RemoteRecord | Missing)[]
  try {
    records = await connector.read(object, ids, mapped.fields, signal)
  } catch (error) {
    if (error instanceof ConnectorFault) return haltOn(round, error)
    throw error
  }
  const present = records.filter((record): record is RemoteRecord => !('missing' in record))
  const missing = records.filter((record): record is Missing => 'missing' in record)
  await lookUpTheirPeople(
    round,
    present.map(({ fields }) => fields),
    lookup,
  )
  await engine.database.transact(syncActor, async (tx) => {
    const changed = await takeIn(tx, workspace, object, readAt, present)
    await announceToOthers(tx, workspace, mapped, changed)
    await loseLinks(
      tx,
      workspace,
      object,
      missing.map(({ id, mergedInto }) => ({ remoteId: id, mergedInto: mergedInto ?? null })),
    )
    await lookup.addRemotes(
      tx,
      present.flatMap(({ fields }) => referencesIn(round, fields)),
    )
    const lost = new Set(missing.map(({ id }) => id))
    await settleMarks(
      tx,
      connection.id,
      mapped.name,
      items.filter(({ link }) => lost.has(link.remoteId)).map(({ mark }) => mark),
    )
  })
  const byId = new Map(present.map((record) => [record.id, record]))
  return items.flatMap((item) => {
    const record = byId.get(item.link.remoteId)
    if (!record) return []
    const { fields, modifiedBy, version = null } = record
    return [mergeRecord(round, item, { fields, modifiedBy, readAt, version }, lookup)]
  })
}

/**
 * Applies theirs through the capability, keeps reviews and the log, and records what goes out as sent, in one
 * transaction. @returns the writes to send
 */
async function conclude(
  round: Round,
  all: readonly Merged[],
  done: readonly Mark[],
  lookup: Lookup,
): Promise<readonly Outgoing[]> {
  if (all.length === 0 && done.length === 0) return []
  const { workspace, mapped, lease } = round
  const { connection, engine } = workspace
  const actor: Actor = { kind: 'connection', id: connection.id, name: connection.name }
  return engine.database.transact(actor, async (tx) => {
    await assertLease(tx, lease)
    const merged = await unmoved(tx, round, all)
    const applied = await applyTheirs(tx, actor, round, merged)
    const standing = await unmoved(tx, round, applied.size === 0 ? [] : merged)
    if (applied.size > 0 && standing.length < merged.length) throw new RecordMoved()
    const changes: LinkChange[] = []
    const outgoing: Outgoing[] = []
    const settled: Mark[] = [...done]
    const attempts: Attempt[] = []
    const reviews: NewReview[] = []
    const agreed: { recordId: string; field: string }[] = []
    const waits: ParentWait[] = []
    const again: ParentWait[] = []
    const sentAt = new Date().toISOString()
    for (const one of merged) {
      const { mark, link } = one.item
      const outcome = applied.get(mark.recordId)
      const remembered = rememberOutcome(one, outcome)
      const { write, issues, warnings, waiting } = outgoingOf(round, one, remembered, lookup, sentAt)
      const memory = holdUnmapped(write.memory, [...one.unmapped, ...issues])
      attempts.push(...attemptsOf(round, one), ...warnings)
      reviews.push(...reviewsOf(mapped.name, one, outcome?.outcomes ?? []), ...issues)
      agreed.push(...agreedFields(one, memory))
      const isSent = write.lines.length > 0 || !link.keyWritten
      if (isSent) outgoing.push({ ...write, memory })
      if (waiting) (isSent ? again : waits).push({ mark, parent: waiting })
      else if (!isSent) settled.push(mark)
      changes.push({
        id: link.id,
        fields: changedMemory(link.fields, memory),
        observedAt: one.snapshot.readAt,
        mappingVersionId: mapped.versionId,
        ...(isSent ? { writing: 'begins' as const } : {}),
      })
    }
    await updateLinks(tx, changes)
    await settleMarks(tx, connection.id, mapped.name, settled)
    await waitOnParents(tx, round, waits)
    await comeAgain(tx, round, again)
    await logAttempts(tx, connection.id, attempts)
    await closeAgreed(tx, connection.id, mapped.name, agreed)
    await openReviews(tx, connection.id, reviews)
    if (reviews.length > 0) await engine.reviewsOpened(tx, syncActor, reviews.length, connection)
    return outgoing
  })
}

/**
 * Without the records that changed on our side, or were decided about, since they were loaded: what was made of them
 * does not count any more, and they are marked again anyway.
 */
async function unmoved(
  tx: Tx,
  { workspace, mapped }: Round,
  merged: readonly Merged[],
): Promise<readonly Merged[]> {
  const marks = merged.map(({ item }) => item.mark)
  const current = await stillCurrent(tx, workspace.connection.id, mapped.name, marks)
  return merged.filter(({ item }) => current.has(item.mark.recordId))
}

/** What can go now goes; the rest of the record waits in the next round. */
async function comeAgain(tx: Tx, round: Round, waits: readonly ParentWait[]): Promise<void> {
  const { connection } = round.workspace
  const entity = round.mapped.name
  await markDirty(
    tx,
    waits.map(({ mark }) => ({
      connectionId: connection.id,
      entity,
      recordId: mark.recordId,
      priority: priorityOf(mark),
    })),
  )
  await markParents(tx, round, waits)
}

async function applyTheirs(
  tx: Tx,
  actor: Actor,
  { mapped }: Round,
  merged: readonly Merged[],
): Promise<ReadonlyMap<string, Applied>> {
  const items = merged.flatMap(({ item, verdicts, theirs }) => {
    const names = verdicts.filter(({ action }) => action === 'apply').map(({ name }) => name)
    if (names.length === 0) return []
    return [
      {
        id: item.mark.recordId,
        changes: Object.fromEntries(names.map((name) => [name, theirs[name] ?? null])),
      },
    ]
  })
  if (items.length === 0) return new Map()
  const outcomes = await mapped.entity.applyMany(tx, actor, items)
  const standing = await mapped.entity.load(tx, [...outcomes.keys()])
  return new Map(
    [...outcomes].map(([id, told]) => [id, { outcomes: told, fields: standing.get(id)?.fields ?? {} }]),
  )
}
