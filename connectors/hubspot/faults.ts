import { z } from 'zod'
import { ConnectorFault, type FaultKind } from '../fault.ts'
import { later, readRetryAfter } from '../wire/retry-after.ts'
import { faultTable, policyWaitMs, statusTable, statusWaitMs, unstatedWaitMs } from './fault-table.ts'

/** One refusal as HubSpot states it, of a whole call or of one item; any member may be absent on the wire. */
export interface RemoteError {
  readonly category: string
  readonly message: string
  readonly policyName: string | null
  /** Codes and properties that the details name. */
  readonly codes: readonly string[]
  readonly fields: readonly string[]
  /** Records that it names: `objectWriteTraceId`, `id` and the like, by the name of the context member. */
  readonly context: Readonly<Record<string, readonly string[]>>
}

const texts = z.union([z.array(z.coerce.string()), z.coerce.string().transform((text) => [text])]).catch([])
const contextSchema = z.record(z.string(), texts).nullish().catch(null)
const detailSchema = z.object({
  message: z.string().nullish(),
  code: z.string().nullish(),
  error: z.string().nullish(),
  in: z.string().nullish(),
  name: z.string().nullish(),
  context: contextSchema,
})
type Detail = z.infer<typeof detailSchema>

const errorSchema = z.object({
  status: z.coerce.string().nullish(),
  category: z.string().nullish(),
  errorType: z.string().nullish(),
  error: z.string().nullish(),
  message: z.string().nullish(),
  error_description: z.string().nullish(),
  policyName: z.string().nullish(),
  context: contextSchema,
  errors: z
    .array(detailSchema.catch({ context: null }))
    .nullish()
    .catch(null),
})

/** Reads a refusal out of a parsed body or an item of a 207; null where it is none of HubSpot's. */
export function readError(body: unknown): RemoteError | null {
  const parsed = errorSchema.safeParse(body)
  if (!parsed.success) return null
  const stated = parsed.data
  const status = stated.status === 'error' ? null : stated.status
  const category = stated.category ?? stated.errorType ?? status ?? stated.error ?? ''
  const message = stated.message ?? stated.error_description ?? ''
  if (!category && !message) return null
  const details = [...(stated.errors ?? []), ...embeddedDetails(message)]
  return {
    category,
    message,
    policyName: stated.policyName ?? null,
    codes: unique(details.flatMap(({ code, error }) => code ?? error ?? [])),
    fields: unique([...details.flatMap(namedFields), ...fieldsInText(message)]),
    context: { ...stated.context },
  }
}

/** `Property values were not valid: [{"isValid":false,"error":"INVALID_OPTION","name":"dealstage"…}]` */
function embeddedDetails(message: string): readonly Detail[] {
  const text = /^Property values were not valid: (\[.*\])/s.exec(message)?.[1]
  if (text === undefined) return []
  try {
    return z.array(detailSchema).catch([]).parse(JSON.parse(text))
  } catch {
    return []
  }
}

const namedIn = ['propertyName', 'propertyNames', 'properties', 'property', 'name']

function namedFields({ name, in: place, context, message }: Detail): readonly string[] {
  if (name) return [name]
  const named = namedIn.flatMap((member) => context?.[member] ?? [])
  if (named.length > 0) return named
  if (place && place !== 'properties') return [place]
  return fieldsInText(message ?? '')
}

const fieldsInText = (text: string): readonly string[] =>
  [...text.matchAll(/Property "(\w+)" does not exist/g)].flatMap(([, name]) => name ?? [])

const unique = (values: readonly string[]): readonly string[] => [...new Set(values)]

/** The record that stands in the way of a unique value, where the message tells. */
function namedDuplicates({ message, context }: RemoteError): readonly string[] {
  const told = [...message.matchAll(/(?:existing|conflicting|other) (?:object |record )?id[:= ]+(\d+)/gi)]
  return unique([...told.flatMap(([, id]) => id ?? []), ...(context['existingObjectId'] ?? [])])
}

export interface Circumstances {
  readonly now: Date
  readonly httpStatus?: number
  /** Seconds or a date, as in the header. */
  readonly retryAfter?: string | null
}

/** The fault of one record or one call. A detail's code weighs more than the category, the category more than the status. */
export function faultOfError(
  error: RemoteError,
  { now, httpStatus, retryAfter }: Circumstances,
): ConnectorFault {
  const code = decidingCode(error)
  const known = faultTable.get(code) ?? faultTable.get(error.category)
  const kind = known ?? (httpStatus === undefined ? undefined : kindOfStatus(httpStatus)) ?? 'rejected'
  const waitMs = waitOf(kind, error, httpStatus)
  const duplicates = kind === 'duplicate' ? namedDuplicates(error) : []
  return new ConnectorFault(kind, `${code}: ${error.message}`.slice(0, 1000), {
    code: code || `HTTP_${httpStatus ?? 0}`,
    ...(error.fields.length > 0 ? { fields: error.fields } : {}),
    ...(duplicates.length > 0 ? { duplicates } : {}),
    ...(waitMs === undefined
      ? {}
      : { retryAt: readRetryAfter(retryAfter ?? null, now) ?? later(now, waitMs) }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
  })
}

/** A property that cannot be written at all outweighs one whose value is bad: repeating with another value cures nothing. */
function decidingCode(error: RemoteError): string {
  const known = error.codes.filter((code) => faultTable.has(code))
  return (
    known.find((code) => faultTable.get(code) === 'configuration') ??
    known[0] ??
    (isNonUnique(error)
      ? 'NON_UNIQUE_ID_PROPERTY'
      : error.fields.length > 0 && isMissing(error)
        ? 'PROPERTY_DOESNT_EXIST'
        : error.category)
  )
}

const isNonUnique = ({ message }: RemoteError): boolean => /by non-unique \S+ property/.test(message)
const isMissing = ({ message }: RemoteError): boolean => /Property "\w+" does not exist/.test(message)

function kindOfStatus(status: number): FaultKind | undefined {
  return statusTable.get(status) ?? (status >= 500 ? 'unavailable' : undefined)
}

/** How long a limit or a lock lasts; undefined for what does not pass by itself. */
function waitOf(kind: FaultKind, { policyName }: RemoteError, status = 0): number | undefined {
  if (kind !== 'throttled' && status !== 423) return undefined
  return policyWaitMs.get(policyName ?? '') ?? statusWaitMs.get(status) ?? unstatedWaitMs
}
