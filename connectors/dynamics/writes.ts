import { randomUUID } from 'node:crypto'
import type { RemoteRecord, WriteCommand, WriteOutcome } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { type WriteOutcomes, writeInCalls } from '../wire/write-calls.ts'
import type { WriteItem } from '../wire/write-plan.ts'
import { lookUpReferences } from './bodies.ts'
import { closingTable, readStanding, standingFields } from './closing.ts'
import type { ClosedRecords } from './credentials.ts'
import { readBatchReply, writeBatch } from './multipart.ts'
import { isRecordId } from './odata.ts'
import type { Organisation } from './organisation.ts'
import { findRecords, readRecords } from './reads.ts'
import type { Table } from './table.ts'
import { readOutcomes } from './write-answers.ts'
import { addressOf, type Batch, recordKey, splitCall } from './write-plan.ts'
import { type Found, prepareUnit, type WriteUnit } from './write-units.ts'

/** A batch may hold a thousand; a hundred end well before time-outs and share no long transaction. */
export const writeBatchSize = 100
/** Bisection of refused batches stops here and blames what is left. */
const maxSplits = 24

export interface WriteSettings {
  readonly closedRecords: ClosedRecords
  readonly now: () => Date
}

/** Sends the commands in batches: see `writeInCalls` for what becomes of each. */
export const writeRecords = (
  organisation: Organisation,
  commands: readonly WriteCommand[],
  settings: WriteSettings,
  signal: AbortSignal,
): Promise<readonly WriteOutcome[]> =>
  writeInCalls(commands, {
    size: writeBatchSize,
    addressOf,
    recordKey,
    send: (batch, outcomes) => sendBatch(organisation, batch, settings, signal, outcomes),
    split: splitCall,
    maxSplits,
  })

async function sendBatch(
  organisation: Organisation,
  { object, items }: Batch,
  { closedRecords, now }: WriteSettings,
  signal: AbortSignal,
  outcomes: WriteOutcomes,
): Promise<readonly WriteItem[]> {
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
  if (units.length === 0) return []
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
  return []
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
