/** Faults a test switches on: what goes wrong, and on which calls. Draws come from a seeded generator. */

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
  | 'unknown'

export type FaultEffect =
  /** 403 REQUEST_LIMIT_EXCEEDED; the two limits differ only by the message. */
  | { readonly kind: 'throttled'; readonly limit: 'TotalRequests' | 'ConcurrentRequests' }
  /** A gateway's or the platform's own error page. */
  | {
      readonly kind: 'server-error'
      readonly status: 500 | 502 | 503 | 504
      readonly body?: 'html' | 'json'
    }
  /** 401 INVALID_SESSION_ID. With `count: 1` the token was merely old; without, it never works. */
  | { readonly kind: 'expired-session' }
  /** The token endpoint says no: a revoked client, an unapproved user. */
  | { readonly kind: 'refused-login'; readonly error: string; readonly description?: string }
  /** One record of a write fails inside an HTTP 200; `nth` and `count` count records. Default UNABLE_TO_LOCK_ROW. */
  | {
      readonly kind: 'record-error'
      readonly statusCode?: string
      readonly message?: string
      readonly fields?: readonly string[]
    }
  /** The call takes effect, its answer never arrives: the socket is cut, or nothing is ever said. */
  | { readonly kind: 'lost-answer'; readonly how?: 'cut' | 'silence' }
  /** The socket is cut before the call takes effect. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Any other error body, for the whole call. */
  | {
      readonly kind: 'call-error'
      readonly status: number
      readonly errorCode: string
      readonly message: string
    }

export interface FaultMatch {
  readonly operation?: Operation | readonly Operation[]
  readonly object?: string
  /** Only the nth matching call, counted from 1 since the fault was added. */
  readonly nth?: number
  /** At most so many times; without it, until removed. */
  readonly count?: number
  /** 0 to 1. */
  readonly probability?: number
}

export type Fault = FaultEffect & FaultMatch

export interface FaultRegistry {
  /** Answers a function that takes the fault away again. */
  add(fault: Fault): () => void
  clear(): void
}

export interface FaultDraw extends FaultRegistry {
  /** The faults that strike this call; record errors are drawn one by one with `drawRecordError`. */
  draw(operation: Operation, object: string | null): readonly FaultEffect[]
  drawRecordError(operation: Operation, object: string): Extract<FaultEffect, { kind: 'record-error' }> | null
}

/** mulberry32: small, seeded, good enough to scatter faults. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Armed {
  readonly fault: Fault
  seen: number
  struck: number
}

export function createFaults(seed: number): FaultDraw {
  const armed = new Set<Armed>()
  const random = createRandom(seed)

  function strikes(entry: Armed, operation: Operation, object: string | null): boolean {
    const { fault } = entry
    if (fault.operation !== undefined && ![fault.operation].flat().includes(operation)) return false
    if (fault.object !== undefined && fault.object.toLowerCase() !== object?.toLowerCase()) return false
    entry.seen += 1
    if (fault.nth !== undefined && entry.seen !== fault.nth) return false
    if (fault.count !== undefined && entry.struck >= fault.count) return false
    if (fault.probability !== undefined && random() >= fault.probability) return false
    entry.struck += 1
    return true
  }

  return {
    add(fault) {
      const entry: Armed = { fault, seen: 0, struck: 0 }
      armed.add(entry)
      return () => armed.delete(entry)
    },
    clear: () => armed.clear(),
    draw: (operation, object) =>
      [...armed]
        .filter((entry) => isForCalls(entry.fault, operation) && strikes(entry, operation, object))
        .map((entry) => entry.fault),
    drawRecordError(operation, object) {
      for (const entry of armed) {
        if (entry.fault.kind === 'record-error' && strikes(entry, operation, object)) return entry.fault
      }
      return null
    },
  }
}

/** A login is refused by its own faults; an expired session is no matter of the token endpoint. */
function isForCalls(fault: Fault, operation: Operation): boolean {
  if (fault.kind === 'record-error') return false
  if (fault.kind === 'refused-login') return operation === 'auth'
  if (fault.kind === 'expired-session') return operation !== 'auth'
  return true
}
