/** Faults a test switches on: what goes wrong, and on which calls. */
import type { CommonEffect, FaultDraw as Draw, FaultMatch } from '../faults.ts'

export type Operation =
  | 'auth'
  | 'identity'
  | 'versions'
  | 'limits'
  | 'query'
  | 'query-more'
  | 'describe'
  | 'describe-global'
  | 'create'
  | 'read'
  | 'update'
  | 'upsert'
  | 'delete'
  | 'updated'
  | 'deleted'
  | 'collections-create'
  | 'collections-update'
  | 'collections-upsert'
  | 'collections-delete'
  | 'collections-read'
  | 'composite'
  | 'record-count'
  | 'job-create'
  | 'job-look'
  | 'job-results'
  | 'job-abort'
  | 'tooling-query'
  | 'tooling-create'
  | 'stream-handshake'
  | 'stream-subscribe'
  | 'stream-connect'
  | 'unknown'

export type FaultEffect =
  | CommonEffect
  /** 403 REQUEST_LIMIT_EXCEEDED; the two limits differ only by the message. */
  | { readonly kind: 'throttled'; readonly limit: 'TotalRequests' | 'ConcurrentRequests' }
  /** One record of a write fails inside an HTTP 200. Default UNABLE_TO_LOCK_ROW. */
  | {
      readonly kind: 'record-error'
      readonly statusCode?: string
      readonly message?: string
      readonly fields?: readonly string[]
    }
  /** Any other error body, for the whole call. */
  | {
      readonly kind: 'call-error'
      readonly status: number
      readonly errorCode: string
      readonly message: string
    }

export type Fault = FaultEffect & FaultMatch<Operation>
export type FaultDraw = Draw<Operation, FaultEffect>
