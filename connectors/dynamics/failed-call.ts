import { ConnectorFault, type FaultKind } from '../fault.ts'
import { faultOfError, readError, retryTime } from './faults.ts'

/** How a call ended that brought no usable answer. */
export interface FailedCall {
  readonly error: unknown
  /** False as long as it is certain that Dataverse saw nothing of it. */
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

/** The fault of a call that failed: refused with a code, cut off, timed out, or answered by something else than Dataverse. */
export function faultOfFailure(failed: FailedCall): ConnectorFault {
  if (failed.error instanceof ConnectorFault) return failed.error
  const { status, retryAfter, now, changesData } = failed
  const stated = status !== null && status >= 400 && failed.text !== null ? readError(failed.text) : null
  if (stated && status !== null) {
    const fault = faultOfError(stated, { subject: { kind: 'call' }, status, retryAfter, now })
    // A refusal has changed nothing; what failed inside may have come half-way.
    return fault.kind === 'unavailable' && changesData && status >= 500
      ? new ConnectorFault('ambiguous', fault.message, fault.details)
      : fault
  }
  const { kind, code, message } = judgeSilence(failed)
  return new ConnectorFault(
    kind,
    message,
    {
      code,
      ...(status === null ? {} : { httpStatus: status }),
      ...(kind === 'throttled' ? { retryAt: retryTime(retryAfter, now) } : {}),
    },
    { cause: failed.error },
  )
}

/** A call without a code: the status or the cut decides, and whether it may have taken effect. */
function judgeSilence(failed: FailedCall): { kind: FaultKind; code: string; message: string } {
  const { status, abandoned } = failed
  const lost: FaultKind = failed.changesData && failed.sent ? 'ambiguous' : 'unavailable'
  if (abandoned) return { kind: lost, code: abandoned, message: `The call was given up: ${abandoned}` }
  if (status === null) {
    const code = networkCode(failed.error)
    return { kind: lost, code, message: `No answer from Dataverse: ${code}` }
  }
  if (status < 300) {
    return { kind: lost, code: 'UNREADABLE_ANSWER', message: `HTTP ${status} without a readable body` }
  }
  const code = `HTTP_${status}`
  const message = `HTTP ${status} without an error code of Dataverse`
  // A redirect and a refused sign-in happen before anything is done.
  if (status < 400) return { kind: 'unavailable', code, message }
  if (status === 401 || status === 403) return { kind: 'unauthorised', code, message }
  if (status === 404 || status === 405) return { kind: 'configuration', code, message }
  if (status === 412) return { kind: 'changed', code, message }
  if (status === 429) return { kind: 'throttled', code, message }
  if (status === 408 || status >= 500) return { kind: lost, code, message }
  return { kind: 'rejected', code, message }
}

/** The innermost network code, for the log. */
function networkCode(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return 'NETWORK_ERROR'
}
