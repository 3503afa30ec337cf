import { AssociationSpecAssociationCategoryEnum } from '@hubspot/api-client/lib/codegen/crm/associations/v4/index.js'
import type { WriteOutcome } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { WriteItem } from '../wire/write-plan.ts'
import type { CrmObject } from './api-paths.ts'
import {
  type Associated,
  type AssociationField,
  type AssociationType,
  associationBatch,
  associationField,
  holdersOf,
  readAssociations,
  type TypeFinder,
} from './associations.ts'
import { faultOfError, readError } from './faults.ts'
import { isRecordId } from './records.ts'
import type { Session } from './session.ts'
import { maxSplits, tooManyRefusals } from './write-plan.ts'

const categories = {
  HUBSPOT_DEFINED: AssociationSpecAssociationCategoryEnum.HubspotDefined,
  USER_DEFINED: AssociationSpecAssociationCategoryEnum.UserDefined,
  INTEGRATOR_DEFINED: AssociationSpecAssociationCategoryEnum.IntegratorDefined,
} as const

/** One association to make or to take away. */
interface Link {
  readonly item: WriteItem
  readonly from: string
  readonly to: string
  readonly field: AssociationField
  readonly type: AssociationType
}

/**
 * Writes the association fields of records that have been written. What fails here becomes the outcome of its record,
 * which then is written again as a whole: both halves are safe to repeat.
 */
export async function writeAssociations(
  session: Session,
  findType: TypeFinder,
  object: CrmObject,
  items: readonly WriteItem[],
  signal: AbortSignal,
  outcomes: Map<number, WriteOutcome>,
): Promise<void> {
  const fail: Failing = (links, fault) => {
    for (const { item, field } of links) {
      outcomes.set(item.index, { ok: false, fault: ofField(fault, field.name) })
    }
  }
  const wishes = items.flatMap((item) => {
    const outcome = outcomes.get(item.index)
    return outcome?.ok ? wishesOf(object, item, outcome, fail) : []
  })
  for (const to of new Set(wishes.map(({ field }) => field.to))) {
    const own = wishes.filter(({ field }) => field.to === to)
    try {
      await writeTowards(session, findType, object, own, signal, fail)
    } catch (error) {
      if (!(error instanceof ConnectorFault)) throw error
      fail(own, error)
    }
  }
}

/** What one field of a written record should hold. */
interface Wish {
  readonly item: WriteItem
  readonly field: AssociationField
  readonly from: string
  readonly created: boolean
  /** Null: no association of this kind. */
  readonly to: string | null
}
type Failing = (
  links: readonly { readonly item: WriteItem; readonly field: Pick<AssociationField, 'name'> }[],
  fault: ConnectorFault,
) => void

/** The record itself is there and was written: what is refused, gone or double is the association. */
function ofField(fault: ConnectorFault, name: string): ConnectorFault {
  const kind = ['gone', 'duplicate', 'changed'].includes(fault.kind) ? 'rejected' : fault.kind
  return new ConnectorFault(
    kind,
    fault.message,
    { ...fault.details, fields: [name], partly: true },
    { cause: fault },
  )
}

function wishesOf(
  object: CrmObject,
  item: WriteItem,
  { id, created }: { readonly id: string; readonly created: boolean },
  fail: Failing,
): readonly Wish[] {
  const wishes: Wish[] = []
  for (const [name, value] of Object.entries(item.command.fields)) {
    try {
      const field = associationField(object, name)
      const to = value === null || value === '' ? null : String(value)
      if (field) wishes.push({ item, field, from: id, created, to })
    } catch (error) {
      if (!(error instanceof ConnectorFault)) throw error
      fail([{ item, field: { name } }], error)
      return []
    }
  }
  const wrong = wishes.find(({ to }) => to !== null && !isRecordId(to))
  if (!wrong) return wishes
  fail([wrong], notAnId(wrong.field.name, wrong.to ?? ''))
  return []
}

async function writeTowards(
  session: Session,
  findType: TypeFinder,
  object: CrmObject,
  wishes: readonly Wish[],
  signal: AbortSignal,
  fail: Failing,
): Promise<void> {
  const [first] = wishes
  if (!first) return
  const types = new Map<string, AssociationType>()
  const fields = new Map(wishes.map(({ field }) => [field.name, field]))
  for (const field of fields.values()) types.set(field.name, await findType(object, field, signal))
  const existing = [...new Set(wishes.filter(({ created }) => !created).map(({ from }) => from))]
  const current: ReadonlyMap<string, readonly Associated[]> =
    existing.length === 0
      ? new Map()
      : await readAssociations(
          session,
          { operation: 'write', from: object, to: first.field.to },
          existing,
          signal,
        )
  const made: Link[] = []
  const removed: Link[] = []
  for (const { item, field, from, to } of wishes) {
    const type = types.get(field.name)
    if (!type) continue
    const held = holdersOf(object, field, current.get(from) ?? [])
    const link = (other: string): Link => ({ item, from, to: other, field, type })
    if (to !== null && !held.includes(to)) made.push(link(to))
    // A new primary takes the place of the old one by itself.
    const isMoved = to !== null && field.label === null && field.to === 'companies'
    if (!isMoved) removed.push(...held.filter((id) => id !== to).map(link))
  }
  const failed = new Set<WriteItem>()
  const note: Failing = (links, fault) => {
    for (const { item } of links) failed.add(item)
    fail(links, fault)
  }
  await sendLinks(session, object, 'make', made, signal, note)
  // What could not be put in its place stays.
  const rest = removed.filter(({ item }) => !failed.has(item))
  await sendLinks(session, object, 'remove', rest, signal, note)
}

const notAnId = (name: string, value: string): ConnectorFault =>
  new ConnectorFault('rejected', `${name} takes the id of a record, not ${value.slice(0, 40)}`, {
    code: 'INVALID_ASSOCIATION_ID',
    fields: [name],
  })

/** In batches; where one is refused, its halves, down to the link that is to blame. */
async function sendLinks(
  session: Session,
  object: CrmObject,
  how: 'make' | 'remove',
  links: readonly Link[],
  signal: AbortSignal,
  fail: Failing,
): Promise<void> {
  const queue = inBatches(links)
  let splits = 0
  for (let batch = queue.shift(); batch; batch = queue.shift()) {
    const refusal = await sendBatch(session, object, how, batch, signal)
    if (refusal === null) continue
    const isShared = batch.length > 1 && ['rejected', 'gone', 'duplicate'].includes(refusal.kind)
    if (!isShared) fail(batch, refusal)
    else if (splits < maxSplits) {
      splits += 1
      const half = Math.ceil(batch.length / 2)
      queue.unshift(batch.slice(0, half), batch.slice(half))
    } else fail(batch, tooManyRefusals)
  }
}

const inBatches = (links: readonly Link[]): (readonly Link[])[] =>
  Array.from({ length: Math.ceil(links.length / associationBatch) }, (_, at) =>
    links.slice(at * associationBatch, (at + 1) * associationBatch),
  )

/** Null when all went well. */
async function sendBatch(
  session: Session,
  object: CrmObject,
  how: 'make' | 'remove',
  links: readonly Link[],
  signal: AbortSignal,
): Promise<ConnectorFault | null> {
  const [first] = links
  if (!first) return null
  const { to } = first.field
  const inputs = links.map((link) => ({
    _from: { id: link.from },
    to: { id: link.to },
    types: [
      {
        associationCategory: categories[link.type.category],
        associationTypeId: link.type.typeId,
      },
    ],
  }))
  try {
    const { value } = await session.send(
      {
        operation: 'write',
        object,
        records: links.length,
        ask: async (apis): Promise<readonly unknown[]> => {
          if (how === 'remove') {
            await apis.associations().archiveLabels(object, to, { inputs })
            return []
          }
          const answer = await apis.associations().create(object, to, { inputs })
          return 'errors' in answer ? (answer.errors ?? []) : []
        },
      },
      signal,
    )
    const [stated] = value
    const error = stated === undefined ? null : readError(stated)
    return error ? faultOfError(error, { now: session.now() }) : null
  } catch (error) {
    if (error instanceof ConnectorFault) return error
    throw error
  }
}
