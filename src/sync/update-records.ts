import type { Missing, RemoteRecord, RemoteValue } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import { type CompiledLine, isSkipped, localValueOf, readBack, toLocal, toRemote } from '#mappings/apply.ts'
import { flowsIn, flowsOut, type MappingLine, ownerOf, remotesOf } from '#mappings/document.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { type FieldValue, isBlank, sameValue } from '#src/kernel/field-value.ts'
import type { ApplyOutcome, LocalRecord } from '#src/kernel/synced-entity.ts'
import { type Attempt, logAttempts } from './attempt-store.ts'
import { syncActor } from './engine.ts'
import { takeIn } from './intake.ts'
import { type Link, type LinkChange, updateLinks } from './link-store.ts'
import { loseLinks } from './lost-links.ts'
import { type Mark, markDirty, settleMarks } from './mark-store.ts'
import {
  type FieldMemory,
  type FieldVerdict,
  forgetSent,
  isStale,
  mergeUnit,
  rememberSent,
  settleApplied,
} from './merge.ts'
import { mirrorRecords } from './mirror-store.ts'
import { markParents, type ParentWait, priorityOf, waitOnParents } from './parents.ts'
import { closeAgreed, type NewReview, openReviews } from './review-store.ts'
import type { Item, Outgoing, Round } from './round.ts'
import { haltOn, sendWrites } from './send.ts'
import { assertLease, databaseNow, renewLease } from './slot-store.ts'
import { type Lookup, memoryOf } from './workspace.ts'

/** A write that was never answered is believed to be able to arrive for this long. */
const sentLifetimeMs = 60 * 60_000

interface Linked extends Item {
  readonly link: Link & { readonly remoteId: string }
}
interface Snapshot {
  readonly fields: Readonly<Record<string, RemoteValue>>
  readonly modifiedBy: string | null
  readonly readAt: Date
}
interface Merged {
  readonly item: Linked
  readonly verdicts: readonly FieldVerdict[]
  readonly snapshot: Snapshot
  readonly theirs: Readonly<Record<string, FieldValue>>
  readonly unmapped: readonly UnmappedLine[]
}
/** A value over there that has no counterpart here. */
interface UnmappedLine {
  readonly field: string
  readonly message: string
  /** As it stands over there. */
  readonly raw: string
}

/**
 * Keeps linked records in step. What the mirror shows is applied at once; what goes out is merged against a fresh read
 * of the whole batch first, so that a value typed a moment ago is not overwritten unseen.
 */
export async function updateRecords(round: Round, items: readonly Linked[], lookup: Lookup): Promise<void> {
  if (items.length === 0) return
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
  const done: Mark[] = []
  const quick: Merged[] = []
  const toRead: Linked[] = []
  for (const item of items) {
    const seen = mirrored.get(item.link.remoteId)
    const incomplete = seen !== undefined && mapped.fields.some((field) => seen.content[field] === undefined)
    // Another version may make something else of the same values, on either side.
    const isOutdated = item.link.mappingVersionId !== mapped.versionId
    if (incomplete || isOutdated || hasOutgoing(round, item)) toRead.push(item)
    else if (!seen || !isNews(item.link, seen.readAt)) done.push(item.mark)
    else {
      const merged = merge(
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
  const size = workspace.connector.traits.batch.read
  for (let start = 0; start < toRead.length; start += size) {
    const fresh = await readFresh(round, toRead.slice(start, start + size), lookup)
    await sendWrites(round, await conclude(round, fresh, [], lookup))
  }
}

/** Newer than what was merged last, and not from before or during a write of ours. */
const isNews = (link: Link, readAt: Date): boolean =>
  !isStale(
    { readAt },
    { observedAt: link.observedAt, writtenAt: link.writtenAt, writing: link.writingAt !== null },
  ) &&
  (link.observedAt === null || readAt > link.observedAt)

/** Has our side changed since the last agreement, or is something unsettled? Then the other side must be read anyway. */
function hasOutgoing({ mapped }: Round, { link, local }: Linked): boolean {
  if (!link.keyWritten) return true
  return mapped.mapping.lines.some((compiled) => {
    const { name, line } = compiled
    const memory = memoryOf(link, compiled)
    if (memory.sent && memory.sent.length > 0) return true
    if (!flowsOut(line.flow) || line.flow === 'create') return false
    const ours = localValueOf(mapped.mapping, name, local.fields) ?? null
    return memory.agreed ? !sameValue(memory.agreed.ours, ours) : !isBlank(ours)
  })
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
  await engine.database.transact(syncActor, async (tx) => {
    await takeIn(tx, workspace, object, readAt, present)
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
    return record
      ? [merge(round, item, { fields: record.fields, modifiedBy: record.modifiedBy, readAt }, lookup)]
      : []
  })
}

/** Pure but for its inputs: what to do with each line of one record. */
function merge(round: Round, item: Linked, snapshot: Snapshot, lookup: Lookup): Merged {
  const { mapped, workspace } = round
  const { mapping } = mapped
  const reading = toLocal(mapping, snapshot.fields, lookup.context)
  const oldest = new Date(snapshot.readAt.getTime() - sentLifetimeMs).toISOString()
  const phase = phaseOf(item.local.facts)
  const ownWriter = snapshot.modifiedBy !== null && snapshot.modifiedBy === workspace.connection.remoteUserId
  const units = new Map<string, typeof mapping.lines>()
  for (const line of mapping.lines) {
    const key = line.line.group ? `group:${line.line.group}` : line.name
    units.set(key, [...(units.get(key) ?? []), line])
  }
  const verdicts = [...units.values()].flatMap((lines) => {
    const [first] = lines
    if (!first) return []
    return mergeUnit(
      {
        flow: first.line.flow,
        owner: ownerOf(first.line, phase),
        keepsOnEmpty: first.line.onEmpty === 'keep',
        leftAlone: lines.some((line) => isSkipped(line, snapshot.fields)),
        fields: lines.map((compiled) => {
          const { name } = compiled
          return {
            name,
            ours: localValueOf(mapping, name, item.local.fields) ?? null,
            theirs: theirValue(item.link, compiled, reading.values[name], snapshot.fields),
            memory: forgetUnmapped(forgetSent(memoryOf(item.link, compiled), oldest)),
          }
        }),
      },
      ownWriter,
    )
  })
  const unmapped = reading.issues.flatMap(({ field, message }): UnmappedLine[] => {
    const compiled = mapping.byName.get(field)
    if (!compiled || theirValue(item.link, compiled, undefined, snapshot.fields) !== undefined) return []
    return [{ field, message, raw: rawOf(compiled.line, snapshot.fields) }]
  })
  return { item, verdicts, snapshot, theirs: reading.values, unmapped }
}

/**
 * A value that we cannot read simply differs from ours where the line only goes out; elsewhere it is not known, unless a
 * person decided about it as it stands there.
 */
function theirValue(
  link: Link,
  compiled: CompiledLine,
  value: FieldValue | undefined,
  fields: Readonly<Record<string, RemoteValue>>,
): FieldValue | undefined {
  const { line } = compiled
  if (value !== undefined || fields[remotesOf(line)[0]] === undefined) return value
  const raw = rawOf(line, fields)
  const { agreed } = memoryOf(link, compiled)
  const isDecided = agreed !== undefined && sameValue(agreed.theirs, raw)
  return isDecided || !flowsIn(line.flow) ? raw : undefined
}

const rawOf = (line: MappingLine, fields: Readonly<Record<string, RemoteValue>>): string =>
  String(fields[remotesOf(line)[0]])

function forgetUnmapped(memory: FieldMemory): FieldMemory {
  if (memory.held !== 'unmapped') return memory
  const { held: _, ...others } = memory
  return others
}

function phaseOf(facts: Readonly<Record<string, FieldValue>>): 'registered' | 'approved' | 'won' {
  const { phase } = facts
  return phase === 'approved' || phase === 'won' ? phase : 'registered'
}

/**
 * Applies theirs through the capability, keeps reviews and the log, and records what goes out as sent, in one
 * transaction. @returns the writes to send
 */
async function conclude(
  round: Round,
  merged: readonly Merged[],
  done: readonly Mark[],
  lookup: Lookup,
): Promise<readonly Outgoing[]> {
  if (merged.length === 0 && done.length === 0) return []
  const { workspace, mapped, lease } = round
  const { connection, engine } = workspace
  const actor: Actor = { kind: 'connection', id: connection.id, name: connection.name }
  return engine.database.transact(actor, async (tx) => {
    await assertLease(tx, lease)
    const applied = await applyTheirs(tx, actor, round, merged)
    const changes: LinkChange[] = []
    const outgoing: Outgoing[] = []
    const settled: Mark[] = [...done]
    const attempts: Attempt[] = []
    const reviews: NewReview[] = []
    const agreed: { recordId: string; field: string }[] = []
    const waits: ParentWait[] = []
    const again: ParentWait[] = []
    for (const one of merged) {
      const { mark, link } = one.item
      const outcome = applied.get(mark.recordId)
      const { write, issues, waiting } = outgoingOf(round, one, rememberOutcome(one, outcome), lookup)
      const memory = holdUnmapped(write.memory, [...one.unmapped, ...issues])
      attempts.push(...attemptsOf(round, one))
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

/** What became of a record's facts, and how it stands with us since. */
interface Applied {
  readonly outcomes: readonly ApplyOutcome[]
  readonly fields: LocalRecord['fields']
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

/** A fact that our rules did not take over stays known as theirs, so that ours is not written over it unasked. */
function rememberOutcome(
  { verdicts, theirs }: Merged,
  applied: Applied | undefined,
): Record<string, FieldMemory> {
  const known = new Set(applied?.outcomes.map(({ field }) => field))
  return Object.fromEntries(
    verdicts.map(({ name, action, memory }) => {
      if (action !== 'apply' || !known.has(name)) return [name, memory]
      return [name, settleApplied(memory, applied?.fields[name] ?? null, theirs[name] ?? null)]
    }),
  )
}

/** Marks the fields that a person has to look at, so that their items close once they are understood. */
const holdUnmapped = (
  memory: Readonly<Record<string, FieldMemory>>,
  unmapped: readonly { readonly field?: string }[],
): Record<string, FieldMemory> => ({
  ...memory,
  ...Object.fromEntries(
    unmapped.flatMap(({ field }) => {
      const known = field === undefined ? undefined : memory[field]
      return field !== undefined && known ? [[field, { ...known, held: 'unmapped' as const }]] : []
    }),
  ),
})

/** Only what changed is written, so that what a person decided meanwhile about another field stays. */
const changedMemory = (
  before: Readonly<Record<string, FieldMemory>>,
  after: Readonly<Record<string, FieldMemory>>,
): Record<string, FieldMemory> =>
  Object.fromEntries(
    Object.entries(after).filter(([name, memory]) => JSON.stringify(before[name]) !== JSON.stringify(memory)),
  )

function attemptsOf({ mapped }: Round, { item, verdicts }: Merged): Attempt[] {
  const base = {
    direction: 'in' as const,
    entity: mapped.name,
    recordId: item.mark.recordId,
    remoteId: item.link.remoteId,
    mappingVersionId: mapped.versionId,
  }
  const applied = verdicts.filter(({ action }) => action === 'apply').map(({ name }) => name)
  const attempts: Attempt[] = applied.length > 0 ? [{ ...base, fields: applied, outcome: 'applied' }] : []
  for (const { name, lost } of verdicts) {
    if (!lost) continue
    const whose = lost.side === 'ours' ? 'Our' : 'Their'
    const message = `${whose} value gave way: ${JSON.stringify(lost.value)}`
    attempts.push({ ...base, fields: [name], outcome: 'lost', code: `${lost.side}_lost`, message })
  }
  return attempts
}

function reviewsOf(
  entity: string,
  { item, verdicts, theirs, unmapped }: Merged,
  outcomes: readonly ApplyOutcome[],
): NewReview[] {
  const about = { entity, recordId: item.mark.recordId, remoteId: item.link.remoteId }
  const ours = (field: string) => item.local.fields[field] ?? null
  const held = verdicts
    .filter(({ action }) => action === 'hold')
    .map(({ name, memory }): NewReview => {
      const reverted = memory.held === 'reverted'
      return {
        ...about,
        kind: reverted ? 'reverted' : 'collision',
        field: name,
        ours: ours(name),
        theirs: theirs[name] ?? null,
        message: reverted ? 'The CRM changes back what we write' : 'Both sides changed this field',
      }
    })
  const refused = outcomes.flatMap((outcome): NewReview[] =>
    outcome.kind === 'review'
      ? [
          {
            ...about,
            kind: 'unexpected_fact',
            field: outcome.field,
            ours: ours(outcome.field),
            theirs: theirs[outcome.field] ?? null,
            message: outcome.message,
            details: { code: outcome.code },
          },
        ]
      : [],
  )
  const strange = unmapped.map(
    ({ field, message, raw }): NewReview => ({
      ...about,
      kind: 'unmapped',
      field,
      ours: ours(field),
      theirs: raw,
      message,
    }),
  )
  return [...held, ...refused, ...strange]
}

const agreedFields = ({ item }: Merged, memory: Readonly<Record<string, FieldMemory>>) =>
  Object.keys(memory)
    .filter((name) => item.link.fields[name]?.held !== undefined && memory[name]?.held === undefined)
    .map((name) => ({ recordId: item.mark.recordId, field: name }))

interface Going {
  /** Carries nothing when neither a line nor our key is to be written. */
  readonly write: Outgoing
  readonly issues: readonly NewReview[]
  /** The first parent that has no counterpart yet; the lines that name one stay behind. */
  readonly waiting: ParentWait['parent'] | null
}

function outgoingOf(
  { mapped }: Round,
  { item, verdicts, snapshot, theirs }: Merged,
  memory: Readonly<Record<string, FieldMemory>>,
  lookup: Lookup,
): Going {
  const { mark, link, local } = item
  const { mapping } = mapped
  const lines = verdicts.filter(({ action }) => action === 'write').map(({ name }) => name)
  const write = toRemote(mapping, local.fields, lookup.context, {
    creating: false,
    lines,
    remote: snapshot.fields,
  })
  const sentAt = snapshot.readAt.toISOString()
  const sending: Record<string, FieldMemory> = { ...memory }
  const sentLines = Object.keys(write.perLine)
  for (const line of sentLines) {
    const ours = localValueOf(mapping, line, local.fields) ?? null
    const back = readBack(mapping, line, write.perLine[line] ?? {}, lookup.context)
    sending[line] = rememberSent(sending[line] ?? {}, ours, back.ok ? back.value : ours, sentAt)
  }
  // The rest of the record flows; a line that cannot be translated is shown to a person by name.
  const issues = write.issues.map(
    ({ field, message }): NewReview => ({
      kind: 'unmapped',
      entity: mapped.name,
      recordId: mark.recordId,
      remoteId: link.remoteId,
      field,
      ours: local.fields[field] ?? null,
      theirs: theirs[field] ?? null,
      message,
    }),
  )
  const key = link.keyWritten ? {} : { [mapping.document.keyField]: mark.recordId }
  const outgoing: Outgoing = {
    mark,
    recordId: mark.recordId,
    linkId: link.id,
    remoteId: link.remoteId,
    creating: false,
    command: {
      object: mapping.document.object,
      target: { kind: 'id', id: link.remoteId },
      fields: { ...write.fields, ...key },
    },
    lines: sentLines,
    sentAt,
    memory: sending,
  }
  return { write: outgoing, issues, waiting: write.waiting[0] ?? null }
}
