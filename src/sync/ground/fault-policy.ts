import type { ConnectorFault } from '#connectors/fault.ts'

/** What the engine does about a fault: every one has a named outcome that a person can see. */
export type FaultDecision =
  | { readonly kind: 'pause'; readonly until: Date }
  /** Pause until a person has mended something; no attempts are used up. */
  | { readonly kind: 'attention' }
  | { readonly kind: 'retry'; readonly delayMs: number }
  /** Keep what was sent, read, merge. */
  | { readonly kind: 'read_again'; readonly delayMs: number }
  | { readonly kind: 'quarantine'; readonly fields: readonly string[] }
  /** Every new record would fail alike: none is tried until the cause is mended. What is linked stays in step. */
  | { readonly kind: 'hold_creations'; readonly fields: readonly string[] }
  | { readonly kind: 'park' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'gone' }

const firstDelayMs = 2_000
const longestDelayMs = 15 * 60_000
const mostAttempts = 12
const defaultPauseMs = 60_000

/** Exponential back-off with full jitter; `random` is in [0, 1). */
export function backOffMs(attempts: number, random: number): number {
  const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempts, 20))
  return Math.round(ceiling / 2 + (ceiling / 2) * random)
}

/** A CRM that says when to come back is believed: an earlier try would only use up attempts. */
function retryDelayMs(fault: ConnectorFault, attempts: number, now: Date, random: number): number {
  const { retryAt } = fault.details
  return retryAt ? Math.max(0, retryAt.getTime() - now.getTime()) : backOffMs(attempts, random)
}

export interface FaultCircumstances {
  /** How often it failed before. */
  readonly attempts: number
  readonly now: Date
  /** In [0, 1). */
  readonly random: number
  /** Does a line of the mapping use this field? Another one cannot rest. */
  isMapped(remoteField: string): boolean
  /** The CRM said it of one record of an accepted call, not of the call. */
  readonly aboutRecord: boolean
  /** The record was to be made anew. */
  readonly isCreating?: boolean
}

/** Pure: the same fault in the same circumstances is treated the same. */
export function decideFault(fault: ConnectorFault, circumstances: FaultCircumstances): FaultDecision {
  const { attempts, now, random, isMapped, aboutRecord, isCreating = false } = circumstances
  switch (fault.kind) {
    case 'throttled':
      return { kind: 'pause', until: fault.details.retryAt ?? new Date(now.getTime() + defaultPauseMs) }
    case 'unauthorised':
      return { kind: 'attention' }
    case 'unavailable':
      return attempts + 1 >= mostAttempts
        ? { kind: 'park' }
        : { kind: 'retry', delayMs: retryDelayMs(fault, attempts, now, random) }
    case 'ambiguous':
    case 'changed':
      return attempts + 1 >= mostAttempts
        ? { kind: 'park' }
        : { kind: 'read_again', delayMs: attempts === 0 ? 0 : backOffMs(attempts, random) }
    case 'configuration': {
      const named = fault.details.fields ?? []
      const fields = named.filter(isMapped)
      if (fields.length > 0) return { kind: 'quarantine', fields }
      if (aboutRecord && isCreating && named.length > 0) return { kind: 'hold_creations', fields: named }
      // One record that we may not write must not stop all the others.
      return aboutRecord ? { kind: 'park' } : { kind: 'attention' }
    }
    case 'rejected':
      return { kind: 'park' }
    case 'duplicate':
      return { kind: 'duplicate' }
    case 'gone':
      return { kind: 'gone' }
  }
}
