import type { Missing, RemoteRecord, RemoteValue } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import { isSkipped, readBack, toLocal, toRemote } from '#mappings/apply.ts'
import { flowsIn, flowsOut, type MappingLine, ownerOf, remotesOf } from '#mappings/document.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { type FieldValue, isBlank, sameValue } from '#src/kernel/field-value.ts'
import type { ApplyOutcome } from '#src/kernel/synced-entity.ts'
import { type Attempt, logAttempts } from './attempt-store.ts'
import { databaseNow, syncActor } from './engine.ts'
import { takeIn } from './intake.ts'
import { type Link, type LinkChange, updateLinks } from './link-store.ts'
import { loseLinks } from './lost-links.ts'
import { type Mark, settleMarks } from './mark-store.ts'
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
import { closeAgreed, type NewReview, openReviews } from './review-store.ts'
import type { Item, Outgoing, Round } from './round.ts'
import { haltOn, sendWrites } from './send.ts'
import { assertLease, renewLease } from './slot-store.ts'
import type { Lookup } from './workspace.ts'

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
  readonly unmapped: readonly { readonly field: string; readonly message: string }[]
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
    if (incomplete || hasOutgoing(round, item)) toRead.push(item)
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
  return mapped.mapping.lines.some(({ name, line, transform }) => {
    const memory = link.fields[name]
    if (memory?.sent && memory.sent.length > 0) return true
    if (!flowsOut(line.flow) || line.flow === 'create') return false
    const ours = transform.render ? transform.render(local.fields) : (local.fields[name] ?? null)
    return memory?.agreed ? !sameValue(memory.agreed.ours, ours) : !isBlank(ours)
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
  const unreadable = new Map(reading.issues.map(({ field, message }) => [field, message]))
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
        fields: lines.map(({ name, line, transform }) => ({
          name,
          ours: transform.render ? transform.render(item.local.fields) : (item.local.fields[name] ?? null),
          theirs: theirValue(name, line, reading.values, unreadable, snapshot.fields),
          memory: forgetSent(item.link.fields[name] ?? {}, oldest),
        })),
      },
      ownWriter,
    )
  })
  const unmapped = reading.issues
    .filter(({ field }) => flowsIn(mapping.byName.get(field)?.line.flow ?? 'out'))
    .map(({ field, message }) => ({ field, message }))
  return { item, verdicts, snapshot, theirs: reading.values, unmapped }
}

/** A value that we cannot read simply differs from ours where the line only goes out; elsewhere it is not known. */
function theirValue(
  name: string,
  line: MappingLine,
  values: Readonly<Record<string, FieldValue>>,
  unreadable: ReadonlyMap<string, string>,
  fields: Readonly<Record<string, RemoteValue>>,
): FieldValue | undefined {
  if (values[name] !== undefined) return values[name]
  if (flowsIn(line.flow) || !unreadable.has(name)) return undefined
  return String(fields[remotesOf(line)[0]])
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
    for (const one of merged) {
      const memory = rememberOutcome(one, applied.get(one.item.mark.recordId) ?? [])
      attempts.push(...attemptsOf(round, one))
      reviews.push(...reviewsOf(mapped.name, one, applied.get(one.item.mark.recordId) ?? []))
      agreed.push(...agreedFields(one))
      const { write, issues } = outgoingOf(round, one, memory, lookup)
      reviews.push(...issues)
      if (write) outgoing.push(write)
      else settled.push(one.item.mark)
      changes.push({
        id: one.item.link.id,
        fields: write?.memory ?? memory,
        observedAt: one.snapshot.readAt,
        ...(write ? { writing: 'begins' as const } : {}),
      })
    }
    await updateLinks(tx, changes)
    await settleMarks(tx, connection.id, mapped.name, settled)
    await logAttempts(tx, connection.id, attempts)
    await closeAgreed(tx, connection.id, mapped.name, agreed)
    await openReviews(tx, connection.id, reviews)
    if (reviews.length > 0) await engine.reviewsOpened(tx, syncActor, reviews.length, connection)
    return outgoing
  })
}

async function applyTheirs(
  tx: Tx,
  actor: Actor,
  { mapped }: Round,
  merged: readonly Merged[],
): Promise<ReadonlyMap<string, readonly ApplyOutcome[]>> {
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
  return mapped.entity.applyMany(tx, actor, items)
}

function rememberOutcome(
  { verdicts, theirs }: Merged,
  outcomes: readonly ApplyOutcome[],
): Record<string, FieldMemory> {
  const known = new Set(outcomes.map(({ field }) => field))
  return Object.fromEntries(
    verdicts.map(({ name, action, memory }) => {
      const value = theirs[name] ?? null
      return [name, action === 'apply' && known.has(name) ? settleApplied(memory, value, value) : memory]
    }),
  )
}

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
    ({ field, message }): NewReview => ({ ...about, kind: 'unmapped', field, ours: ours(field), message }),
  )
  return [...held, ...refused, ...strange]
}

const agreedFields = ({ item, verdicts }: Merged) =>
  verdicts
    .filter(({ name, memory }) => item.link.fields[name]?.held !== undefined && memory.held === undefined)
    .map(({ name }) => ({ recordId: item.mark.recordId, field: name }))

function outgoingOf(
  { mapped }: Round,
  { item, verdicts, snapshot }: Merged,
  memory: Readonly<Record<string, FieldMemory>>,
  lookup: Lookup,
): { readonly write: Outgoing | null; readonly issues: readonly NewReview[] } {
  const { mark, link, local } = item
  const { mapping } = mapped
  const lines = verdicts.filter(({ action }) => action === 'write').map(({ name }) => name)
  if (lines.length === 0 && link.keyWritten) return { write: null, issues: [] }
  const write = toRemote(mapping, local.fields, lookup.context, {
    creating: false,
    lines,
    remote: snapshot.fields,
  })
  const sentAt = snapshot.readAt.toISOString()
  const sending: Record<string, FieldMemory> = { ...memory }
  const sentLines = Object.keys(write.perLine)
  for (const line of sentLines) {
    const compiled = mapping.byName.get(line)
    const ours = compiled?.transform.render
      ? compiled.transform.render(local.fields)
      : (local.fields[line] ?? null)
    const back = readBack(mapping, line, write.perLine[line] ?? {}, lookup.context)
    sending[line] = rememberSent(sending[line] ?? {}, ours, back.ok ? back.value : ours, sentAt)
  }
  // The rest of the record flows; a line that cannot be translated is shown to a person by name.
  const untranslated = [
    ...write.issues,
    ...write.waiting.map(({ field, entity }) => ({
      field,
      message: `The ${entity} is not linked with the CRM yet`,
    })),
  ]
  const issues = untranslated.map(
    ({ field, message }): NewReview => ({
      kind: 'unmapped',
      entity: mapped.name,
      recordId: mark.recordId,
      remoteId: link.remoteId,
      field,
      ours: local.fields[field] ?? null,
      message,
    }),
  )
  if (sentLines.length === 0 && link.keyWritten) return { write: null, issues }
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
  return { write: outgoing, issues }
}
