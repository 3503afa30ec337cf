/** What a failed call to a CRM means for the engine. Each vendor's `faults.ts` turns its codes into these, by a table. */
export type FaultKind =
  /** Pause the connection until `retryAt`. */
  | 'throttled'
  /** Back off with jitter and repeat. */
  | 'unavailable'
  /** The request may have taken effect: keep what was sent, read, merge. */
  | 'ambiguous'
  /** Pause and tell the administrators; no attempts are used up. */
  | 'unauthorised'
  /** Quarantine the named field, or pause the object; tell the administrators. */
  | 'configuration'
  /** Park the record with its field issues. */
  | 'rejected'
  /** Re-read by key, then link or open a review. */
  | 'duplicate'
  /** The record changed underneath: re-read, merge. */
  | 'changed'
  /** The record is no longer there. */
  | 'gone'

export interface FaultDetails {
  /** The vendor's own code, for the log and the screen. */
  readonly code: string
  /** Remote fields that the CRM named. */
  readonly fields?: readonly string[]
  readonly retryAt?: Date
  readonly httpStatus?: number
  /** Part of the write took effect before it failed: what was sent may be seen over there. */
  readonly partly?: true
  /** Remote ids that the CRM named as duplicates. */
  readonly duplicates?: readonly string[]
}

export class ConnectorFault extends Error {
  readonly kind: FaultKind
  readonly details: FaultDetails
  constructor(kind: FaultKind, message: string, details: FaultDetails, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ConnectorFault'
    this.kind = kind
    this.details = details
  }
}
