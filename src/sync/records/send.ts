import type { WriteOutcome } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { Tx } from '#src/database/database.ts'
import { applyConnectionFault, linesUsing } from '../ground/connection-faults.ts'
import { type LinkNews, syncActor } from '../ground/engine.ts'
import { decideFault, type FaultDecision } from '../ground/fault-policy.ts'
import { sharingObject, urlOf } from '../ground/workspace.ts'
import { type Attempt, logAttempts } from '../memory/attempt-store.ts'
import { holdCreations } from '../memory/creation-hold-store.ts'
import { type LinkChange, updateLinks } from '../memory/link-store.ts'
import {
  type Mark,
  type Parked,
  type Postponed,
  parkMarks,
  postponeMarks,
  releaseChildren,
  settleMarks,
} from '../memory/mark-store.ts'
import { type FieldMemory, settleRefused, settleWritten } from '../memory/merge.ts'
import { type NewReview, openReviews } from '../memory/review-store.ts'
import { assertLease, databaseNow, renewLease } from '../memory/slot-store.ts'
import { resolveDuplicates } from './duplicates.ts'
import type { Outgoing, Round } from './round.ts'

/** A fault of the connection itself: the drain ends, everything stays marked. */
export class ConnectionHalted extends Error {
  /** Before that it is no use to try again; null where nothing is known. */
  readonly until: Date | null
  constructor(message: string, until: Date | null) {
    super(message)
    this.name = 'ConnectionHalted'
    this.until = until
  }
}

/**
 * Sends writes in full batches, one after the other, and settles each batch in a transaction of its own. A worker that
 * dies in between leaves `sent` values and dirty marks, from which the next one goes on.
 * @throws ConnectionHalted, LeaseLost
 */
export async function sendWrites(round: Round, writes: readonly Outgoing[]): Promise<void> {
  const { connector } = round.workspace
  const keyed = writes.map((write) => ({ write, key: parentOf(round, write) }))
  const sorted = keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ write }) => write)
  for (const creating of [true, false]) {
    const group = sorted.filter((write) => write.creating === creating)
    const size = creating ? connector.traits.batch.create : connector.traits.batch.update
    for (let start = 0; start < group.length; start += size) {
      try {
        await sendBatch(round, group.slice(start, start + size))
      } catch (error) {
        if (error instanceof ConnectionHalted)
          await takeBack(round, [...group.slice(start + size), ...restOf(sorted, creating)])
        throw error
      }
    }
  }
}

const restOf = (sorted: readonly Outgoing[], creating: boolean) =>
  creating ? sorted.filter((write) => !write.creating) : []

/** Children of one parent next to each other: the CRM locks the parent for each batch. */
const parentOf = ({ mapped }: Round, { command, recordId }: Outgoing): string =>
  `${mapped.references.map(({ remote }) => String(command.fields[remote] ?? '')).join(':')}:${recordId}`

async function sendBatch(round: Round, batch: readonly Outgoing[]): Promise<void> {
  const { engine, connector } = round.workspace
  await renewLease(engine.database, round.lease)
  const started = performance.now()
  const outcomes = await connector
    .write(
      batch.map(({ command }) => command),
      round.signal,
    )
    .catch((error: unknown): WriteOutcome[] => {
      if (!(error instanceof ConnectorFault)) throw error
      return batch.map(() => ({ ok: false, fault: error }))
    })
  const durationMs = performance.now() - started
  const now = await databaseNow(engine.database)
  const settled = batch.map((write, index) => settle(round, write, outcomes[index], now, durationMs))
  await engine.database.transact(syncActor, async (tx) => {
    await assertLease(tx, round.lease)
    await record(tx, round, settled, now)
  })
  const duplicates = settled.filter(({ decision }) => decision?.kind === 'duplicate')
  await resolveDuplicates(
    round,
    duplicates.map(({ write, fault }) => ({ write, fault })),
  )
  const halt = settled.find(({ decision }) => decision && haltingKinds.has(decision.kind))
  if (halt) {
    const { fault } = halt
    throw new ConnectionHalted(fault?.message ?? 'the connection is paused', fault?.details.retryAt ?? null)
  }
}

/** What rests, or is held, from now on is left out of the next round, which begins anew. */
const haltingKinds: ReadonlySet<FaultDecision['kind']> = new Set([
  'pause',
  'attention',
  'quarantine',
  'hold_creations',
])

interface Settled {
  readonly write: Outgoing
  readonly fault: ConnectorFault | null
  readonly decision: FaultDecision | null
  readonly change: LinkChange
  readonly attempt: Attempt
  readonly remoteId: string | null
}

function settle(
  round: Round,
  write: Outgoing,
  outcome: WriteOutcome | undefined,
  now: Date,
  durationMs: number,
): Settled {
  const { mapped, workspace } = round
  const fault = outcome === undefined ? unanswered() : outcome.ok ? null : outcome.fault
  const attempt = {
    direction: 'out' as const,
    entity: mapped.name,
    recordId: write.recordId,
    mappingVersionId: mapped.versionId,
    fields: write.lines,
    durationMs,
  }
  if (outcome?.ok) {
    const fields = mapMemory(write, (memory) => settleWritten(memory, write.sentAt))
    const change: LinkChange = {
      id: write.linkId,
      fields,
      state: write.parting ? 'retired' : 'active',
      remoteId: outcome.id,
      keyWritten: true,
      writing: 'ends',
      mappingVersionId: mapped.versionId,
    }
    const word = write.creating ? (outcome.created ? 'created' : 'linked') : 'updated'
    return {
      write,
      fault: null,
      decision: null,
      change,
      remoteId: outcome.id,
      attempt: { ...attempt, remoteId: outcome.id, outcome: word },
    }
  }
  const known = fault ?? unanswered()
  const decision: FaultDecision = isUnread(write, known)
    ? { kind: 'read_again', delayMs: 0 }
    : decideFault(known, {
        attempts: write.mark.attempts,
        now,
        random: workspace.engine.random(),
        isMapped: (field) => linesUsing(mapped, field).length > 0,
        aboutRecord: known.details.httpStatus === undefined,
        isCreating: write.creating,
      })
  // Any other refusal says that none of the values arrived.
  const mayHaveArrived = known.kind === 'ambiguous' || known.details.partly === true
  const fields = mayHaveArrived ? {} : mapMemory(write, (memory) => settleRefused(memory, write.sentAt))
  const change: LinkChange = {
    id: write.linkId,
    fields,
    writing: 'ends',
    ...(decision.kind === 'gone' ? { state: write.parting ? ('retired' as const) : ('gone' as const) } : {}),
  }
  const told = { outcome: known.kind, code: known.details.code, message: known.message }
  return {
    write,
    fault: known,
    decision,
    change,
    remoteId: write.remoteId,
    attempt: { ...attempt, remoteId: write.remoteId, ...told },
  }
}

/** It was written by what the mirror had, and that was old: no failure, the next round reads it first. */
const isUnread = ({ unread = false }: Outgoing, { kind }: ConnectorFault): boolean =>
  unread && kind === 'changed'

const unanswered = () =>
  new ConnectorFault('ambiguous', 'The connector gave no outcome for this record', { code: 'no_outcome' })

function mapMemory(
  write: Outgoing,
  change: (memory: FieldMemory) => FieldMemory,
): Record<string, FieldMemory> {
  const fields: Record<string, FieldMemory> = {}
  for (const line of write.lines) fields[line] = change(write.memory[line] ?? {})
  return fields
}

async function record(tx: Tx, round: Round, settled: readonly Settled[], now: Date): Promise<void> {
  const { mapped, workspace } = round
  const { engine, connection } = workspace
  await updateLinks(
    tx,
    settled.map(({ change }) => change),
  )
  await logAttempts(
    tx,
    connection.id,
    settled.map(({ attempt }) => attempt),
  )
  const done: Mark[] = []
  const later: Postponed[] = []
  const parked: Parked[] = []
  const reviews: NewReview[] = []
  const news: LinkNews[] = []
  for (const { write, fault, decision, remoteId } of settled) {
    const { recordId, mark } = write
    if (!fault || !decision) {
      done.push(mark)
      if (write.creating) {
        news.push({
          entity: mapped.name,
          recordId,
          connectionId: connection.id,
          state: 'active',
          remoteId,
          url: urlOf(workspace, write.command.object, remoteId),
        })
      }
      continue
    }
    switch (decision.kind) {
      case 'pause':
      case 'attention':
      case 'quarantine':
      case 'hold_creations':
        later.push({ recordId, delayMs: 0, counts: false })
        break
      case 'retry':
      case 'read_again':
        later.push({ recordId, delayMs: decision.delayMs, counts: !isUnread(write, fault) })
        break
      case 'park':
        parked.push(parkedBy(recordId, fault))
        break
      case 'duplicate':
        later.push({ recordId, delayMs: 0, counts: false })
        break
      case 'gone':
        done.push(mark)
        if (write.parting) break
        news.push({
          entity: mapped.name,
          recordId,
          connectionId: connection.id,
          state: 'gone',
          remoteId,
          url: null,
        })
        reviews.push(goneReview(mapped.name, recordId, remoteId))
        break
    }
  }
  await settleMarks(tx, connection.id, mapped.name, done)
  await postponeMarks(tx, connection.id, mapped.name, later)
  await parkMarks(tx, connection.id, mapped.name, parked)
  await openReviews(tx, connection.id, reviews)
  if (news.length > 0) await engine.linksChanged(tx, syncActor, news)
  await releaseChildren(
    tx,
    connection.id,
    news.filter(({ state }) => state === 'active').map(({ recordId }) => `${mapped.name}:${recordId}`),
  )
  if (reviews.length > 0) await engine.reviewsOpened(tx, syncActor, reviews.length, connection)
  await applyHalting(tx, round, settled, now)
}

export const parkedBy = (recordId: string, fault: ConnectorFault): Parked => ({
  recordId,
  code: fault.details.code,
  message: fault.message,
  issues: (fault.details.fields ?? []).map((field) => ({ field, message: fault.message })),
})

export const goneReview = (entity: string, recordId: string, remoteId: string | null): NewReview => ({
  kind: 'gone',
  entity,
  recordId,
  remoteId,
  message:
    'The linked record was deleted in the CRM. It is not made again by itself: link another one, or retire the link.',
})

/** What concerns more than one record: pauses, and fields that the CRM does not know any more. */
async function applyHalting(tx: Tx, round: Round, settled: readonly Settled[], now: Date): Promise<void> {
  const { engine, connection } = round.workspace
  const told = new Set<string>()
  for (const { fault, decision } of settled) {
    if (!fault || !decision || !haltingKinds.has(decision.kind)) continue
    const same = JSON.stringify(decision)
    if (told.has(same)) continue
    told.add(same)
    if (decision.kind === 'hold_creations') {
      const { name } = round.mapped
      const hold = { entity: name, reason: fault.message, remoteFields: decision.fields }
      await holdCreations(tx, connection.id, hold)
    } else await applyConnectionFault(tx, engine, connection, [round.mapped], { fault, decision, now })
  }
}

/** Writes that were recorded as sent and never left: they stay marked and are not under way any more. */
async function takeBack(round: Round, unsent: readonly Outgoing[]): Promise<void> {
  if (unsent.length === 0) return
  const { engine } = round.workspace
  await engine.database.transact(syncActor, async (tx) => {
    await assertLease(tx, round.lease)
    await updateLinks(
      tx,
      unsent.map((write) => ({
        id: write.linkId,
        fields: mapMemory(write, (memory) => settleRefused(memory, write.sentAt)),
        writing: 'ends' as const,
      })),
    )
  })
}

/**
 * A call that concerns the whole connection failed (reading, describing): the same policy, without a record.
 * @throws ConnectionHalted always
 */
export async function haltOn(round: Round, fault: ConnectorFault): Promise<never> {
  const { mapped, workspace } = round
  const { engine, connection } = workspace
  const now = await databaseNow(engine.database)
  const sharing = sharingObject(mapped, workspace.entities)
  const decision = decideFault(fault, {
    attempts: 0,
    now,
    random: engine.random(),
    isMapped: (field) => sharing.some((entity) => linesUsing(entity, field).length > 0),
    aboutRecord: false,
  })
  await engine.database.transact(syncActor, (tx) =>
    applyConnectionFault(tx, engine, connection, sharing, { fault, decision, now }),
  )
  throw new ConnectionHalted(fault.message, fault.details.retryAt ?? null)
}
