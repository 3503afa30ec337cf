import type { RemoteValue, WriteCommand } from '../connector.ts'
import type { ConnectorFault } from '../fault.ts'
import { blameByField, blameByHalves, type Split, type WriteCall } from '../wire/write-plan.ts'

/** One collections call: one object, addressed one way. */
export interface Address {
  readonly object: string
  /** The external id field, or null where the records are named by id. */
  readonly keyField: string | null
  /** Saved in spite of what duplicate rules find: a header of the call, so these records have calls of their own. */
  readonly allowDuplicate: boolean
}
export type CollectionsCall = WriteCall<Address>

export const addressOf = ({ object, target, allowDuplicate = false }: WriteCommand): Address => ({
  object,
  keyField: target.kind === 'key' ? target.field : null,
  allowDuplicate,
})

/** Salesforce compares unique text without regard to case, and ids by their first 15 characters. */
export function recordKey({ object, target }: WriteCommand): string {
  const name = target.kind === 'id' ? target.id.slice(0, 15) : `${target.field}=${target.value.toLowerCase()}`
  return `${object}/${target.kind}/${name}`
}

/** The body of the call. Our own address of the record wins over a field of the same name. */
export function bodyOf({ object, keyField, items }: CollectionsCall): {
  readonly allOrNone: false
  readonly records: readonly Readonly<Record<string, RemoteValue | { readonly type: string }>>[]
} {
  const records = items.map(({ command: { target, fields } }) => ({
    ...fields,
    attributes: { type: object },
    ...(target.kind === 'key' ? { [keyField ?? target.field]: target.value } : { id: target.id }),
  }))
  return { allOrNone: false, records }
}

/**
 * What to try after Salesforce refused a call as a whole. The records that carry a field which it named are the ones to
 * blame; without a name, halves find the one that no parser takes.
 */
export const splitCall = (call: CollectionsCall, fault: ConnectorFault): Split<CollectionsCall> | null =>
  blameByField(call, fault) ?? (fault.kind === 'rejected' ? blameByHalves(call) : null)
