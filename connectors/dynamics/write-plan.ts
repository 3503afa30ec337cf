import type { WriteCommand } from '../connector.ts'
import type { ConnectorFault } from '../fault.ts'
import { blameByHalves, type Split, type WriteCall } from '../wire/write-plan.ts'

/** One batch: records of one table, so that what is known of them can be looked up at once. */
export interface Address {
  readonly object: string
}
export type Batch = WriteCall<Address>

export const addressOf = ({ object }: WriteCommand): Address => ({ object })

/** Dataverse compares keys and ids without regard to case. */
export function recordKey({ object, target }: WriteCommand): string {
  const name = target.kind === 'id' ? target.id : `${target.field}=${target.value}`
  return `${object}/${target.kind}/${name.toLowerCase()}`
}

/** A batch that Dataverse cannot read is refused as a whole: halves find the record to blame. */
export const splitCall = (batch: Batch, { details }: ConnectorFault): Split<Batch> | null =>
  details.httpStatus === 400 ? blameByHalves(batch) : null
