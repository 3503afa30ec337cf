/**
 * What all simulators share: switchable faults, a log of calls, routes that let another process play the people in a
 * CRM, and the frame of the page that shows its records. Nothing here knows a vendor's protocol.
 */
import { createRandom } from '#test/support/random.ts'

/** Faults that any CRM may have; a vendor adds its own. */
export type CommonEffect =
  /** A gateway's or the platform's own error page. */
  | {
      readonly kind: 'server-error'
      readonly status: 500 | 502 | 503 | 504
      readonly body?: 'html' | 'json'
    }
  /** 401. With `count: 1` the token was merely old; without, it never works. */
  | { readonly kind: 'expired-session' }
  /** The token endpoint says no: a revoked client, an unapproved user. */
  | { readonly kind: 'refused-login'; readonly error: string; readonly description?: string }
  /** The call takes effect, its answer never arrives: the socket is cut, or nothing is ever said. */
  | { readonly kind: 'lost-answer'; readonly how?: 'cut' | 'silence' }
  /** The socket is cut before the call takes effect. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'slow'; readonly delayMs: number }

export interface FaultMatch<Operation extends string> {
  readonly operation?: Operation | readonly Operation[]
  readonly object?: string
  /** Only the nth matching call, counted from 1 since the fault was added. */
  readonly nth?: number
  /** At most so many times; without it, until removed. */
  readonly count?: number
  /** 0 to 1. */
  readonly probability?: number
}

export interface FaultRegistry<Fault> {
  /** Answers a function that takes the fault away again. */
  add(fault: Fault): () => void
  clear(): void
}

type Effect = { readonly kind: string }
type Of<Each extends Effect, Kind extends string> = Extract<Each, { readonly kind: Kind }>

export interface FaultDraw<Operation extends string, Each extends Effect>
  extends FaultRegistry<Each & FaultMatch<Operation>> {
  /** The faults that strike this call; those of single records are drawn one by one with `drawRecordError`. */
  draw(operation: Operation, object: string | null): readonly Each[]
  /** The `record-error` that strikes this record of a call; `nth` and `count` count records. */
  drawRecordError(operation: Operation, object: string): Of<Each, 'record-error'> | null
}

interface Armed<Fault> {
  readonly fault: Fault
  seen: number
  struck: number
}

/** Faults with a probability draw from a generator that the seed repeats. */
export function createFaults<Operation extends string, Each extends Effect>(
  seed: number,
): FaultDraw<Operation, Each> {
  type Fault = Each & FaultMatch<Operation>
  const armed = new Set<Armed<Fault>>()
  const random = createRandom(seed)

  function strikes(entry: Armed<Fault>, operation: Operation, object: string | null): boolean {
    const { fault } = entry
    if (fault.operation !== undefined && ![fault.operation].flat().includes(operation)) return false
    if (fault.object !== undefined && fault.object.toLowerCase() !== object?.toLowerCase()) return false
    entry.seen += 1
    if (fault.nth !== undefined && entry.seen !== fault.nth) return false
    if (fault.count !== undefined && entry.struck >= fault.count) return false
    if (fault.probability !== undefined && !random.chance(fault.probability)) return false
    entry.struck += 1
    return true
  }

  return {
    add(fault) {
      const entry = { fault, seen: 0, struck: 0 }
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
        if (isRecordError(entry.fault) && strikes(entry, operation, object)) return entry.fault
      }
      return null
    },
  }
}

const isRecordError = <Each extends Effect>(fault: Each): fault is Each & Of<Each, 'record-error'> =>
  fault.kind === 'record-error'

/** A login is refused by its own faults; an expired session is no matter of the token endpoint. */
function isForCalls({ kind }: Effect, operation: string): boolean {
  if (kind === 'record-error') return false
  if (kind === 'refused-login') return operation === 'auth'
  if (kind === 'expired-session') return operation !== 'auth'
  return true
}
