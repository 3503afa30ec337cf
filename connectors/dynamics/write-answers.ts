import { z } from 'zod'
import type { WriteOutcome } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { unanswered } from '../wire/write-calls.ts'
import { faultOfError, readError, type Subject } from './faults.ts'
import type { BatchReply, OperationReply } from './multipart.ts'
import type { Table } from './table.ts'
import type { WriteUnit } from './write-units.ts'

/** The batch stopped at an earlier record's error. */
export const notReached = new ConnectorFault(
  'unavailable',
  'The batch ended before this record was reached',
  {
    code: 'BATCH_ENDED',
  },
)

/**
 * The outcome of every unit, by its command's index. Replies are told apart by their Content-ID and, where Dataverse does
 * not repeat it, by their order, which is that of the operations. What has no reply was not reached when the batch stopped
 * at an error before it and its answer is whole; otherwise nobody knows.
 */
export function readOutcomes(
  table: Table,
  units: readonly WriteUnit[],
  reply: BatchReply,
  now: Date,
): ReadonlyMap<number, WriteOutcome> {
  const replies = assignReplies(units, reply)
  const lastAnswered = units.findLastIndex((unit) => replies.has(unit))
  const answeredUnits = units.slice(0, lastAnswered + 1)
  const last = answeredUnits.at(-1)
  const stopped =
    reply.isWhole &&
    answeredUnits.every((unit) => replies.has(unit)) &&
    last !== undefined &&
    (replies.get(last) ?? []).some(({ status }) => status >= 400)
  return new Map(
    units.map((unit, at) => {
      const answered = replies.get(unit)
      const silent = stopped && at > lastAnswered ? notReached : unanswered
      return [
        unit.item.index,
        answered ? outcomeOf(table, unit, answered, now) : { ok: false, fault: silent },
      ]
    }),
  )
}

function assignReplies(
  units: readonly WriteUnit[],
  { parts }: BatchReply,
): ReadonlyMap<WriteUnit, readonly OperationReply[]> {
  const owners = new Map(
    units.flatMap((unit) => unit.operations.map(({ contentId }) => [contentId, unit] as const)),
  )
  return new Map(
    parts.flatMap((part, at) => {
      const named = part.flatMap(({ contentId }) => (contentId === null ? [] : (owners.get(contentId) ?? [])))
      const unit = named[0] ?? (part.some(({ contentId }) => contentId !== null) ? undefined : units[at])
      return unit ? [[unit, part] as const] : []
    }),
  )
}

function outcomeOf(
  table: Table,
  unit: WriteUnit,
  replies: readonly OperationReply[],
  now: Date,
): WriteOutcome {
  const failed = replies.find(({ status }) => status >= 400)
  if (failed) return { ok: false, fault: faultOfReply(unit, failed, now) }
  if (replies.length !== unit.operations.length) return { ok: false, fault: unanswered }
  const created = replies.some(({ status }) => status === 201)
  const id =
    unit.id ?? replies.map((reply) => writtenId(table, reply)).find((named) => named !== null) ?? null
  return id === null ? { ok: false, fault: unanswered } : { ok: true, id, created }
}

function faultOfReply({ item, id }: WriteUnit, reply: OperationReply, now: Date): ConnectorFault {
  const subject: Subject = id === null ? { kind: 'keyed record' } : { kind: 'record', id }
  const stated = readError(reply.body) ?? { code: '', message: 'refused without a reason' }
  const retryAfter = reply.headers['retry-after'] ?? null
  const fault = faultOfError(stated, { subject, status: reply.status, retryAfter, now })
  if (fault.kind !== 'rejected' || !isAboutLookup(fault)) return fault
  const ids = Object.entries(item.command.fields).filter(
    ([, value]) => typeof value === 'string' && stated.message.toLowerCase().includes(value.toLowerCase()),
  )
  const fields = ids.map(([name]) => name)
  return fields.length === 0
    ? fault
    : new ConnectorFault('rejected', fault.message, { ...fault.details, fields })
}

/** "Does not exist", of a record that ours was to point to. */
const isAboutLookup = ({ details }: ConnectorFault): boolean => details.code === '0x80040217'

const representationSchema = z.record(z.string(), z.unknown())

/** The id in the record that came back, or in the address of the one that was written. */
function writtenId(table: Table, { body, headers }: OperationReply): string | null {
  if (body !== '') {
    const id = representationSchema.parse(JSON.parse(body))[table.idColumn]
    return typeof id === 'string' ? id.toLowerCase() : null
  }
  return /\(([0-9a-f-]{36})\)$/i.exec(headers['odata-entityid'] ?? '')?.[1]?.toLowerCase() ?? null
}
