import { z } from 'zod'
import { ConnectorFault, type FaultKind } from '../fault.ts'
import { faultOfErrors, type RemoteError, readErrors, tokenCode } from './faults.ts'

const unspecifiedWaitMs = 60_000

/** How a call ended that brought no usable answer. */
export interface FailedCall {
  readonly error: unknown
  /** False as long as it is certain that Salesforce saw nothing of it. */
  readonly sent: boolean
  /** Of the answer, as far as its head arrived. */
  readonly status: number | null
  readonly retryAfter: string | null
  readonly changesData: boolean
  /** Set when we gave the call up ourselves. */
  readonly abandoned: 'TIMEOUT' | 'CANCELLED' | 'CLOSED' | null
  readonly now: Date
}

/** The fault of a call that threw: refused with codes, cut off, timed out, or answered by something else than Salesforce. */
export function faultOfFailure(failed: FailedCall): ConnectorFault {
  if (failed.error instanceof ConnectorFault) return failed.error
  const status = failed.status ?? undefined
  const errors = statedErrors(failed.error)
  if (errors.length > 0) {
    const fault = faultOfErrors(errors, 'call', failed.now, status)
    const definite = fault.details.code === 'SERVER_UNAVAILABLE' || (status ?? 0) < 500
    return fault.kind === 'unavailable' && failed.changesData && !definite
      ? new ConnectorFault('ambiguous', fault.message, fault.details)
      : fault
  }
  const { kind, code, message } = judgeSilence(failed)
  const retryAt = kind === 'throttled' ? retryTime(failed.retryAfter, failed.now) : undefined
  return new ConnectorFault(
    kind,
    message,
    { code, ...(status === undefined ? {} : { httpStatus: status }), ...(retryAt ? { retryAt } : {}) },
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
    return { kind: lost, code, message: `No answer from Salesforce: ${code}` }
  }
  if (status < 300) {
    return { kind: lost, code: 'UNREADABLE_ANSWER', message: `HTTP ${status} without a readable body` }
  }
  const code = `HTTP_${status}`
  const message = `HTTP ${status} without an error code of Salesforce`
  // A redirect and a refused sign-in happen before anything is done.
  if (status < 400) return { kind: 'unavailable', code, message }
  if (status === 401 || status === 403) return { kind: 'unauthorised', code, message }
  if (status === 404 || status === 405) return { kind: 'configuration', code, message }
  if (status === 429) return { kind: 'throttled', code, message }
  if (status === 408 || status === 420 || status >= 500) return { kind: lost, code, message }
  return { kind: 'rejected', code, message }
}

const codedErrorSchema = z.object({
  errorCode: z.string(),
  message: z.string(),
  data: z.unknown().optional(),
})

/** jsforce throws the parsed error, an array of them in `data`, or (token endpoint) the code as the error's name. */
function statedErrors(error: unknown): readonly RemoteError[] {
  if (!(error instanceof Error)) return []
  if (tokenCode.test(error.name) && !('errorCode' in error)) {
    return [{ code: error.name, message: error.message, fields: [], matches: [] }]
  }
  const coded = codedErrorSchema.safeParse(error)
  if (!coded.success || coded.data.errorCode.startsWith('ERROR_HTTP_')) return []
  if (coded.data.errorCode === 'MULTIPLE_CHOICES') {
    const addresses = z.array(z.string()).catch([]).parse(coded.data.data)
    const matches = addresses.flatMap((address) => address.split('/').at(-1) ?? [])
    return [{ code: 'MULTIPLE_CHOICES', message: coded.data.message, fields: [], matches }]
  }
  return readErrors(coded.data.data)
}

/** The innermost network code, for the log. */
export function networkCode(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return 'NETWORK_ERROR'
}

function retryTime(retryAfter: string | null, now: Date): Date {
  const seconds = Number(retryAfter ?? Number.NaN)
  const date = new Date(retryAfter ?? Number.NaN)
  if (Number.isFinite(seconds) && seconds >= 0) return new Date(now.getTime() + seconds * 1000)
  return date > now ? date : new Date(now.getTime() + unspecifiedWaitMs)
}
