import { z } from 'zod'
import { ConnectorFault, type FaultKind } from '../fault.ts'
import { unspecifiedWaitMs } from '../wire/failed-call.ts'
import { later, readRetryAfter } from '../wire/retry-after.ts'
import { faultTable } from './fault-table.ts'

/** One error as Dataverse or the sign-in states it. */
export interface RemoteError {
  /** `0x80040217`, in lower case; of the sign-in, a word such as `invalid_client`. */
  readonly code: string
  readonly message: string
}

/** What an error speaks of: the whole call, a record addressed by its id, or one addressed by our key. */
export type Subject =
  | { readonly kind: 'call' }
  | { readonly kind: 'record'; readonly id: string }
  | { readonly kind: 'keyed record' }

export interface Circumstances {
  readonly subject: Subject
  readonly status: number
  readonly retryAfter: string | null
  readonly now: Date
}

const webApiErrorSchema = z
  .object({ error: z.object({ code: z.string().nullish(), message: z.string().nullish() }) })
  .transform(({ error }) => ({ code: (error.code ?? '').toLowerCase(), message: error.message ?? '' }))
const signInErrorSchema = z
  .object({ error: z.string().regex(/^[a-z_]+$/), error_description: z.string().nullish() })
  .transform(({ error, error_description: description }) => ({ code: error, message: description ?? '' }))
const errorSchema = z.union([webApiErrorSchema, signInErrorSchema])

/** The error that a body states; null where it is something else, such as a gateway's page. */
export function readError(text: string): RemoteError | null {
  try {
    return errorSchema.parse(JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null
    throw error
  }
}

/** The fault of one record or one call from the error stated for it. */
export function faultOfError(error: RemoteError, circumstances: Circumstances): ConnectorFault {
  const { status, retryAfter, now } = circumstances
  const kind = judge(error, circumstances)
  const fields = namedFields(error)
  const message = `${error.code}: ${firstLine(error.message)}`.slice(0, 1000)
  return new ConnectorFault(kind, message, {
    code: error.code || `HTTP_${status}`,
    httpStatus: status,
    ...(fields.length > 0 ? { fields } : {}),
    ...(kind === 'throttled'
      ? { retryAt: readRetryAfter(retryAfter, now) ?? later(now, unspecifiedWaitMs) }
      : {}),
  })
}

/** The table, refined where one code has several meanings; the status decides where the code is unknown. */
function judge({ code, message }: RemoteError, { subject, status }: Circumstances): FaultKind {
  // The sign-in throttles too, with words that stand for other troubles elsewhere.
  if (status === 429) return 'throttled'
  const kind = faultTable.get(code)
  if (kind === undefined) return judgeStatus(status)
  switch (code) {
    case 'temporarily_unavailable':
      return /AADSTS90055|throttl/i.test(message) ? 'throttled' : kind
    case '0x80040217':
      // Said of the record itself, and of one that it is to point to.
      return subject.kind === 'record' && !namesAnother(message, subject.id) ? 'gone' : 'rejected'
    case '0x80048d19':
    case '0x80060888':
      // Also said of a value that does not fit its column.
      return /cannot convert|could not be converted|invalid (?:value|cast)|literal/i.test(message)
        ? 'rejected'
        : kind
    default:
      return kind
  }
}

/** By its status alone, an error that Dataverse stated itself: it has looked at the request and refused it. */
function judgeStatus(status: number): FaultKind {
  if (status === 401 || status === 403) return 'unauthorised'
  if (status === 404 || status === 405) return 'configuration'
  if (status === 412) return 'changed'
  return status >= 500 ? 'unavailable' : 'rejected'
}

const guid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi

function namesAnother(message: string, id: string): boolean {
  const named = message.match(guid) ?? []
  return named.length > 0 && !named.some((other) => other.toLowerCase() === id.toLowerCase())
}

const fieldPatterns = [
  /property (?:named )?'(\w+)' (?:on|does not exist|was not found)/gi,
  /undeclared property '(\w+)'/gi,
  /doesn't contain attribute with Name = '(\w+)'/gi,
  /\b(?:of|the) '(\w+)' (?:attribute|on record of type)/gi,
  /Required field '(\w+)' is missing/gi,
]

/** Columns named in the message, by their logical names: annotations and the form of a lookup's value taken off. */
function namedFields({ message }: RemoteError): readonly string[] {
  const names = fieldPatterns.flatMap((pattern) =>
    [...message.matchAll(pattern)].flatMap(([, name = '']) => name.replace(/^_(\w+)_value$/, '$1')),
  )
  return [...new Set(names)]
}

/** The stack of the platform has nothing to say to anybody here. */
const firstLine = (text: string): string => text.split(/\r?\n/, 1)[0] ?? ''
