import type { CallGate } from '../connector.ts'
import { ConnectorFault, type FaultKind } from '../fault.ts'
import { later, readRetryAfter } from './retry-after.ts'

type Operation = Parameters<CallGate['call']>[0]['operation']

/** How a call ended that brought no usable answer. */
export interface FailedCall {
  readonly error: unknown
  /** False as long as it is certain that the other side saw nothing of it. */
  readonly sent: boolean
  /** Of the answer, as far as its head arrived. */
  readonly status: number | null
  readonly retryAfter: string | null
  /** What the answer said, where it was read to its end. */
  readonly text: string | null
  readonly changesData: boolean
  /** Set when we gave the call up ourselves. */
  readonly abandoned: 'TIMEOUT' | 'CANCELLED' | 'CLOSED' | null
  readonly now: Date
}

/** `lost`: nobody knows what became of the request. */
export type StatusMeaning = FaultKind | 'lost'

/** How the answers of one vendor are to be read. */
export interface VendorAnswers {
  /** As people call what answers. */
  readonly name: string
  /** Operations whose calls change something over there. */
  readonly changing: ReadonlySet<Operation>
  /** The fault that the answer states in the vendor's own terms; null where it states none. */
  readonly statedFault: (failed: FailedCall) => ConnectorFault | null
  /** Codes that say that nothing was done, even at a status of 500 and more. */
  readonly untouchedCodes?: ReadonlySet<string>
  /** What a status means beside or instead of the usual, in an answer that states nothing. */
  readonly statuses?: ReadonlyMap<number, StatusMeaning>
  /** How long such a status lasts, where no header tells. */
  readonly waitsMs?: ReadonlyMap<number, number>
  /** The vendor's own count of calls, where headers state it. */
  readonly usageOf?: (headers: Headers) => { readonly used: number; readonly limit: number } | null
}

const usualStatuses: ReadonlyMap<number, StatusMeaning> = new Map([
  [401, 'unauthorised'],
  [403, 'unauthorised'],
  [404, 'configuration'],
  [405, 'configuration'],
  [408, 'lost'],
  [429, 'throttled'],
])
export const unspecifiedWaitMs = 60_000
const usualWaitsMs: ReadonlyMap<number, number> = new Map([[429, unspecifiedWaitMs]])

/** The fault of a call that failed: refused with a code, cut off, timed out, or answered by something else than the vendor. */
export function judgeFailedCall(vendor: VendorAnswers, failed: FailedCall): ConnectorFault {
  if (failed.error instanceof ConnectorFault) return failed.error
  const { status, now } = failed
  const stated = vendor.statedFault(failed)
  if (stated) {
    // A refusal has changed nothing; what failed inside may have come half-way.
    const isInDoubt =
      stated.kind === 'unavailable' &&
      failed.changesData &&
      (status ?? 0) >= 500 &&
      !vendor.untouchedCodes?.has(stated.details.code)
    return isInDoubt ? new ConnectorFault('ambiguous', stated.message, stated.details) : stated
  }
  const { meaning, code, message } = judgeSilence(vendor, failed)
  const lost: FaultKind = failed.changesData && failed.sent ? 'ambiguous' : 'unavailable'
  const waitMs = meaning === 'lost' ? undefined : (vendor.waitsMs ?? usualWaitsMs).get(status ?? 0)
  return new ConnectorFault(
    meaning === 'lost' ? lost : meaning,
    message,
    {
      code,
      ...(status === null ? {} : { httpStatus: status }),
      ...(waitMs === undefined
        ? {}
        : { retryAt: readRetryAfter(failed.retryAfter, now) ?? later(now, waitMs) }),
    },
    { cause: failed.error },
  )
}

/** An answer that states nothing, or none: the status or the cut decides. */
function judgeSilence(
  { name, statuses }: VendorAnswers,
  { status, abandoned, error }: FailedCall,
): { readonly meaning: StatusMeaning; readonly code: string; readonly message: string } {
  if (abandoned) {
    return { meaning: 'lost', code: abandoned, message: `The call was given up: ${abandoned}` }
  }
  if (status === null) {
    const code = networkCode(error)
    return { meaning: 'lost', code, message: `No answer from ${name}: ${code}` }
  }
  if (status < 300) {
    const message = `HTTP ${status} without a readable body`
    return { meaning: 'lost', code: 'UNREADABLE_ANSWER', message }
  }
  const usual = usualStatuses.get(status) ?? (status >= 500 ? 'lost' : 'rejected')
  // A redirect happens before anything is done.
  const meaning = status < 400 ? 'unavailable' : (statuses?.get(status) ?? usual)
  return { meaning, code: `HTTP_${status}`, message: `HTTP ${status} without an error code of ${name}` }
}

/** The innermost network code, for the log. */
function networkCode(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return 'NETWORK_ERROR'
}
