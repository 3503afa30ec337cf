/** Faults a test switches on: what goes wrong, and on which calls. */
import type { CommonEffect, FaultDraw as Draw, FaultMatch } from '../faults.ts'

export type Operation =
  | 'auth'
  | 'who-am-i'
  | 'organisation'
  | 'batch'
  | 'create'
  | 'read'
  | 'update'
  | 'upsert'
  | 'delete'
  | 'query'
  | 'changes'
  | 'bulk'
  | 'close'
  | 'merge'
  | 'metadata'
  | 'metadata-write'
  | 'privileges'
  | 'unknown'

export type ServiceLimit = 'requests' | 'execution-time' | 'concurrency'

export type FaultEffect =
  | CommonEffect
  /** 429 with one of the three codes; without a Retry-After where `retryAfterSeconds` is null; 5 by default. */
  | { readonly kind: 'throttled'; readonly limit: ServiceLimit; readonly retryAfterSeconds?: number | null }
  /** One record of a write fails, alone or as a part of a batch. Default: a lock could not be had. */
  | {
      readonly kind: 'record-error'
      readonly status?: number
      readonly code?: string
      readonly message?: string
    }
  /** Any other error body, for the whole call. */
  | { readonly kind: 'call-error'; readonly status: number; readonly code: string; readonly message: string }
  /**
   * A batch takes effect up to its nth part and no further. `truncated` answers the parts that ran, `cut` ends the
   * connection, `timeout` is a gateway's 504. Default: truncated.
   */
  | {
      readonly kind: 'half-batch'
      readonly after: number
      readonly how?: 'truncated' | 'cut' | 'timeout'
    }

export type Fault = FaultEffect & FaultMatch<Operation>
export type FaultDraw = Draw<Operation, FaultEffect>
