import { randomUUID } from 'node:crypto'
import type { RemoteRecord, WriteCommand, WriteOutcome } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { lookUpReferences } from './bodies.ts'
import { closingTable, readStanding, standingFields } from './closing.ts'
import type { ClosedRecords } from './credentials.ts'
import { readBatchReply, writeBatch } from './multipart.ts'
import { isRecordId } from './odata.ts'
import type { Organisation } from './organisation.ts'
import { findRecords, readRecords } from './reads.ts'
import type { Table } from './table.ts'
import { readOutcomes, unanswered } from './write-answers.ts'
import { planCalls, recordKey, splitCall, type WriteCall, type WriteItem } from './write-plan.ts'
import { type Found, prepareUnit, type WriteUnit } from './write-units.ts'

/** A batch may hold a thousand; a hundred end well before time-outs and share no long transaction. */
export const writeBatchSize = 100
/** Bisection of refused batches stops here and blames what is left, so that no batch costs hundreds of calls. */
const maxSplits = 24

export interface WriteSettings {
  readonly closedRecords: ClosedRecords
  readonly now: () => Date
}

/** Faults of the connection rather than of a record: whatever follows would meet them too. */
const isOfConnection = ({ kind }: ConnectorFault): boolean =>
  kind === 'throttled' || kind === 'unavailable' || kind === 'unauthorised'

/**
 * Sends the commands in batches, one after the other, and answers in their order.
 * - A record's error is its own outcome; the others of the batch stand.
 * - A batch whose effect is unknown makes each of its records `ambiguous`; later commands for those are held back
 *   (`unavailable`), for they might be overtaken by the one that is still on its way.
 * - A fault of the connection is thrown while nothing is settled; afterwards it is the outcome of everything unsent.
 */
export async function writeRecords(
  organisation: Organisation,
  commands: readonly WriteCommand[],
  settings: WriteSettings,
  signal: AbortSignal,
): Promise<readonly WriteOutcome[]> {
  const outcomes = new Map<number, WriteOutcome>()
  const uncertain = new Set<string>()
  const queue = [...planCalls(commands, writeBatchSize)]
  let splits = 0

  const settle = (items: readonly WriteItem[], fault: ConnectorFault) => {
    for (const { index } of items) outcomes.set(index, { ok: false, fault })
  }

  for (let planned = queue.shift(); planned; planned = queue.shift()) {
    const held = planned.items.filter(({ command }) => uncertain.has(recordKey(command)))
    settle(held, heldBack)
    const call = { ...planned, items: planned.items.filter((item) => !held.includes(item)) }
    if (call.items.length === 0) continue
    try {
      await sendCall(organisation, call, settings, signal, outcomes)
    } catch (error) {
      if (!(error instanceof ConnectorFault)) throw error
      const open = call.items.filter(({ index }) => !outcomes.has(index))
      if (isOfConnection(error)) {
        if (outcomes.size === 0) throw error
        settle([...open, ...queue.flatMap(({ items }) => items)], error)
        break
      }
      const halves =
        error.details.httpStatus !== 400 || splits >= maxSplits ? null : splitCall({ ...call, items: open })
      if (halves) {
        splits += 1
        queue.unshift(...halves)
      } else settle(open, error)
    }
    for (const { index, command } of call.items) {
      const outcome = outcomes.get(index)
      if (outcome?.ok === false && outcome.fault.kind === 'ambiguous') uncertain.add(recordKey(command))
    }
  }
  return commands.map((_, index) => outcomes.get(index) ?? { ok: false, fault: unanswered })
}

const heldBack = new ConnectorFault(
  'unavailable',
  'Held back: what became of an earlier write to this record is not known',
  { code: 'HELD_BACK' },
)

async function sendCall(
  organisation: Organisation,
  { object, items }: WriteCall,
  { closedRecords, now }: WriteSettings,
  signal: AbortSignal,
  outcomes: Map<number, WriteOutcome>,
): Promise<void> {
  const records = items.map(({ command }) => command.fields)
  const table = await organisation.catalogue.table(object, signal, records.flatMap(Object.keys))
  const references = await lookUpReferences(organisation, table, records, signal)
  const found = await lookFirst(organisation, table, items, signal)
  const units: WriteUnit[] = []
  for (const item of items) {
    try {
      const prepared = prepareUnit(table, item, found.get(item) ?? null, references, closedRecords)
      if ('settled' in prepared) outcomes.set(item.index, { ok: true, id: prepared.settled, created: false })
      else units.push(prepared)
    } catch (error) {
      if (!(error instanceof ConnectorFault)) throw error
      outcomes.set(item.index, { ok: false, fault: error })
    }
  }
  if (units.length === 0) return
  const boundary = `batch_${randomUUID()}`
  const reply = await organisation.session.send(
    {
      operation: 'write',
      object,
      records: units.length,
      method: 'POST',
      path: '$batch',
      body: writeBatch(
        boundary,
        units.map(({ operations }) => operations),
      ),
      headers: {
        'Content-Type': `multipart/mixed; boundary=${boundary}`,
        Prefer: 'odata.continue-on-error',
      },
      read: ({ headers, text }) =>
        readOutcomes(table, units, readBatchReply(headers.get('content-type'), text), now()),
    },
    signal,
  )
  for (const [index, outcome] of reply) outcomes.set(index, outcome)
  if ([...reply.values()].some((outcome) => !outcome.ok && outcome.fault.kind === 'configuration')) {
    organisation.catalogue.forget(object)
  }
}

/** How opportunities stand before they are written to, by id or by our key; a record that is not there is not among them. */
async function lookFirst(
  organisation: Organisation,
  table: Table,
  items: readonly WriteItem[],
  signal: AbortSignal,
): Promise<ReadonlyMap<WriteItem, Found>> {
  if (table.name !== closingTable) return new Map()
  const standing = standingFields.filter((field) => table.columns.has(field))
  const found = new Map<string, RemoteRecord>()
  const ids = items.flatMap(({ command: { target } }) =>
    target.kind === 'id' && isRecordId(target.id) ? [target.id] : [],
  )
  for (const answer of await readRecords(organisation, table.name, ids, standing, signal)) {
    if (!('missing' in answer)) found.set(`id/${answer.id.toLowerCase()}`, answer)
  }
  const keys = items.flatMap(({ command: { target } }) => (target.kind === 'key' ? [target] : []))
  for (const field of new Set(keys.map((target) => target.field))) {
    const values = keys.filter((target) => target.field === field).map(({ value }) => value)
    const records = await findRecords(organisation, table.name, field, values, [...standing, field], signal)
    for (const record of records) found.set(`${field}/${String(record.fields[field]).toLowerCase()}`, record)
  }
  return new Map(
    items.flatMap((item) => {
      const { target } = item.command
      const record = found.get(
        target.kind === 'id'
          ? `id/${target.id.toLowerCase()}`
          : `${target.field}/${target.value.toLowerCase()}`,
      )
      if (!record) return []
      const { id, version = null, fields } = record
      return [[item, { id: id.toLowerCase(), version, standing: readStanding(fields) }] as const]
    }),
  )
}
