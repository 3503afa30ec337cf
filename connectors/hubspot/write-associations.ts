import { AssociationSpecAssociationCategoryEnum } from '@hubspot/api-client/lib/codegen/crm/associations/v4/index.js'
import type { WriteOutcome } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { CrmObject } from './api-paths.ts'
import {
  type Associated,
  type AssociationField,
  type AssociationType,
  associationBatch,
  associationField,
  holdersOf,
  isAssociation,
  readAssociations,
  typesOf,
} from './associations.ts'
import { faultOfError, readError } from './faults.ts'
import { isRecordId } from './records.ts'
import type { Session } from './session.ts'
import type { WriteItem } from './write-plan.ts'

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
  object: CrmObject,
  items: readonly WriteItem[],
  signal: AbortSignal,
  outcomes: Map<number, WriteOutcome>,
): Promise<void> {
  const written = items.flatMap((item) => {
    const outcome = outcomes.get(item.index)
    const names = Object.keys(item.command.fields).filter(isAssociation)
    return outcome?.ok && names.length > 0 ? [{ item, outcome, names }] : []
  })
  const names = new Set(written.flatMap((record) => record.names))
  for (const name of names) {
    const holders = written.filter(
      (record) => record.names.includes(name) && outcomes.get(record.item.index)?.ok,
    )
    const fail = (affected: readonly WriteItem[], fault: ConnectorFault) => {
      for (const { index } of affected) outcomes.set(index, { ok: false, fault: ofField(fault, name) })
    }
    try {
      await writeField(session, object, name, holders, signal, fail)
    } catch (error) {
      if (!(error instanceof ConnectorFault)) throw error
      fail(
        holders.map(({ item }) => item),
        error,
      )
    }
  }
}

/** The record itself is there and was written: what is refused, gone or double is the association. */
function ofField(fault: ConnectorFault, name: string): ConnectorFault {
  const kind = ['gone', 'duplicate', 'changed'].includes(fault.kind) ? 'rejected' : fault.kind
  return new ConnectorFault(kind, fault.message, { ...fault.details, fields: [name] }, { cause: fault })
}

interface Written {
  readonly item: WriteItem
  readonly outcome: { readonly id: string; readonly created: boolean }
}

async function writeField(
  session: Session,
  object: CrmObject,
  name: string,
  records: readonly Written[],
  signal: AbortSignal,
  fail: (items: readonly WriteItem[], fault: ConnectorFault) => void,
): Promise<void> {
  const field = associationField(object, name)
  if (!field) return
  const type = (await typesOf(session, object, [field], signal)).get(name)
  if (!type) return
  const existing = records.filter(({ outcome }) => !outcome.created).map(({ outcome }) => outcome.id)
  const current: ReadonlyMap<string, readonly Associated[]> =
    existing.length === 0
      ? new Map()
      : await readAssociations(session, { operation: 'write', from: object, to: field.to }, existing, signal)
  const made: Link[] = []
  const removed: Link[] = []
  for (const { item, outcome } of records) {
    const value = item.command.fields[name] ?? null
    const wanted = value === null || value === '' ? null : String(value)
    if (wanted !== null && !isRecordId(wanted)) {
      fail([item], notAnId(name, wanted))
      continue
    }
    const held = holdersOf(object, field, current.get(outcome.id) ?? [])
    const link = (to: string): Link => ({ item, from: outcome.id, to, field, type })
    if (wanted !== null && !held.includes(wanted)) made.push(link(wanted))
    // A new primary takes the place of the old one by itself.
    const isMoved = wanted !== null && field.label === null && field.to === 'companies'
    if (!isMoved) removed.push(...held.filter((id) => id !== wanted).map(link))
  }
  const failed = new Set<WriteItem>()
  const note = (items: readonly WriteItem[], fault: ConnectorFault) => {
    for (const item of items) failed.add(item)
    fail(items, fault)
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

/** In batches; where one is refused, each link alone, so that every record has a verdict of its own. */
async function sendLinks(
  session: Session,
  object: CrmObject,
  how: 'make' | 'remove',
  links: readonly Link[],
  signal: AbortSignal,
  fail: (items: readonly WriteItem[], fault: ConnectorFault) => void,
): Promise<void> {
  for (let at = 0; at < links.length; at += associationBatch) {
    const slice = links.slice(at, at + associationBatch)
    const refusal = await sendBatch(session, object, how, slice, signal)
    if (refusal === null) continue
    const isShared = slice.length > 1 && ['rejected', 'gone', 'duplicate'].includes(refusal.kind)
    if (!isShared) {
      fail(
        slice.map(({ item }) => item),
        refusal,
      )
      continue
    }
    for (const link of slice) {
      const own = await sendBatch(session, object, how, [link], signal)
      if (own) fail([link.item], own)
    }
  }
}

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
