import { ConnectorFault, type FaultKind } from '../fault.ts'
import { faultOfError, kindOfStatus, readError, retryTimeOfStatus } from './faults.ts'
import { RefusedCall } from './transport.ts'

/** How a call ended that brought no usable answer. */
export interface FailedCall {
  readonly error: unknown
  /** False as long as it is certain that HubSpot saw nothing of it. */
  readonly sent: boolean
  /** Of the answer, as far as its head arrived. */
  readonly status: number | null
  readonly retryAfter: string | null
  readonly changesData: boolean
  /** Set when we gave the call up ourselves. */
  readonly abandoned: 'TIMEOUT' | 'CANCELLED' | 'CLOSED' | null
  readonly now: Date
}

/** The fault of a call that threw: refused with a reason, cut off, timed out, or answered by something else than HubSpot. */
export function faultOfFailure(failed: FailedCall): ConnectorFault {
  const { error, now, retryAfter } = failed
  if (error instanceof ConnectorFault) return error
  const stated = error instanceof RefusedCall ? readError(parseJson(error.answer.text)) : null
  if (stated && failed.status !== null) {
    const fault = faultOfError(stated, { now, httpStatus: failed.status, retryAfter })
    const isInDoubt = failed.status >= 500 && failed.changesData && fault.kind === 'unavailable'
    return isInDoubt ? new ConnectorFault('ambiguous', fault.message, fault.details) : fault
  }
  const { kind, code, message } = judgeSilence(failed)
  const retryAt = failed.status === null ? undefined : retryTimeOfStatus(failed.status, now, retryAfter)
  return new ConnectorFault(
    kind,
    message,
    {
      code,
      ...(failed.status === null ? {} : { httpStatus: failed.status }),
      ...(retryAt ? { retryAt } : {}),
    },
    { cause: error },
  )
}

/** A call without a reason given: the status or the cut decides, and whether it may have taken effect. */
function judgeSilence(failed: FailedCall): { kind: FaultKind; code: string; message: string } {
  const { status, abandoned } = failed
  const lost: FaultKind = failed.changesData && failed.sent ? 'ambiguous' : 'unavailable'
  if (abandoned) return { kind: lost, code: abandoned, message: `The call was given up: ${abandoned}` }
  if (status === null) {
    const code = networkCode(failed.error)
    return { kind: lost, code, message: `No answer from HubSpot: ${code}` }
  }
  if (status < 300) {
    return { kind: lost, code: 'UNREADABLE_ANSWER', message: `HTTP ${status} without a readable body` }
  }
  const code = `HTTP_${status}`
  const message = `HTTP ${status} without an error of HubSpot's`
  // A redirect happens before anything is done.
  if (status < 400) return { kind: 'unavailable', code, message }
  if (status === 408 || status >= 500) return { kind: lost, code, message }
  return { kind: kindOfStatus(status) ?? 'rejected', code, message }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The innermost network code, for the log. */
function networkCode(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return 'NETWORK_ERROR'
}
