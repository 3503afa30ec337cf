import type { RemoteValue, WriteCommand } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import {
  blameByField,
  blameByHalves,
  type Split,
  type WriteCall,
  type WriteItem,
} from '../wire/write-plan.ts'
import { type CrmObject, crmObject } from './api-paths.ts'
import { isAssociation } from './associations.ts'

/** One batch: one object, addressed one way. HubSpot refuses it as a whole if two inputs lead to one record. */
export interface Address {
  readonly object: CrmObject
  /** The unique property of an upsert, or null for an update by id. */
  readonly keyField: string | null
}
export type Batch = WriteCall<Address>

/** Bisection of refused batches stops here; what is left is tried anew by the engine. */
export const maxSplits = 40
export const tooManyRefusals = new ConnectorFault(
  'unavailable',
  'Held back: too many other records of the batch were refused',
  { code: 'TOO_MANY_REFUSALS' },
)

export const addressOf = ({ object, target }: WriteCommand): Address => ({
  object: crmObject(object),
  keyField: target.kind === 'key' ? target.field : null,
})

/** HubSpot compares unique texts without regard to case or the white space around them. */
export const keyOf = (value: string): string => value.trim().toLowerCase()

export function recordKey({ object, target }: WriteCommand): string {
  const name = target.kind === 'id' ? target.id : `${target.field}=${keyOf(target.value)}`
  return `${object}/${target.kind}/${name}`
}

/** Names an input in the answer, whose results come in any order. */
export const traceOf = ({ index }: WriteItem): string => `w${index}`

/** One input of a batch. HubSpot takes texts; an empty one clears. Associations are written on their own. */
export function inputOf({ command: { target, fields } }: WriteItem): {
  readonly id: string
  readonly properties: Record<string, string>
} {
  const keyField = target.kind === 'key' ? target.field : null
  const properties = Object.entries(fields).filter(([name]) => name !== keyField && !isAssociation(name))
  return {
    id: target.kind === 'id' ? target.id : target.value,
    properties: Object.fromEntries(properties.map(([name, value]) => [name, textOf(value)])),
  }
}

const textOf = (value: RemoteValue): string => (value === null ? '' : String(value))

/**
 * What to try after HubSpot refused a batch as a whole. The records that carry a property which the portal does not have
 * are the ones to blame; otherwise halves find the record that is refused.
 */
export function splitCall(call: Batch, fault: ConnectorFault): Split<Batch> | null {
  if (fault.kind === 'configuration') return blameByField(call, fault)
  return isOfRecord(fault) ? blameByHalves(call) : null
}

const ofRecord: ReadonlySet<string> = new Set(['rejected', 'duplicate', 'gone', 'changed'])

/** A fault that one record of a batch may bring upon the others; a lock is one too. */
export const isOfRecord = ({ kind, details }: ConnectorFault): boolean =>
  ofRecord.has(kind) || details.httpStatus === 423
