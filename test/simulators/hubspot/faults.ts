/** Faults a test switches on: what goes wrong, and on which calls. */
import type { CommonEffect, FaultDraw as Draw, FaultMatch } from '../faults.ts'

export type Operation =
  | 'auth'
  | 'token-info'
  | 'account'
  | 'list'
  | 'read'
  | 'create'
  | 'update'
  | 'archive'
  | 'merge'
  | 'search'
  | 'batch-read'
  | 'batch-create'
  | 'batch-update'
  | 'batch-upsert'
  | 'batch-archive'
  | 'properties'
  | 'property-create'
  | 'property-change'
  | 'pipelines'
  | 'owners'
  | 'associations'
  | 'associate'
  | 'label-change'
  | 'webhook-settings'
  | 'unknown'

export type RateLimit = 'SECONDLY' | 'TEN_SECONDLY_ROLLING' | 'DAILY'

export type FaultEffect =
  | CommonEffect
  /** 429. Without `policyName` the body does not say which limit was met, as some endpoints do not. */
  | {
      readonly kind: 'throttled'
      readonly policyName?: RateLimit
      readonly retryAfterSeconds?: number
    }
  /** 423: somebody else holds the resource; repeat after two seconds at the earliest. */
  | { readonly kind: 'locked' }
  /** 477: the account moves to another data centre, for up to 24 hours. */
  | { readonly kind: 'migrating'; readonly retryAfterSeconds?: number }
  /** 401 for a token that was taken away or never was. */
  | { readonly kind: 'revoked-token' }
  /** 403: the app was not granted what the call needs. */
  | { readonly kind: 'missing-scopes'; readonly scopes?: readonly string[] }
  /** One record of a write fails; a batch that traces its inputs says so in a 207. Default VALIDATION_ERROR. */
  | {
      readonly kind: 'record-error'
      readonly status?: number
      readonly category?: string
      readonly message?: string
      /** Of the property named by `property`. */
      readonly code?: string
      readonly property?: string
    }
  /** Any other error body, for the whole call. */
  | {
      readonly kind: 'call-error'
      readonly status: number
      readonly category: string
      readonly message: string
    }

export type Fault = FaultEffect & FaultMatch<Operation>
export type FaultDraw = Draw<Operation, FaultEffect>
