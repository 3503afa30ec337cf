import { z } from 'zod'
import { ConnectorFault, type FaultKind } from '../fault.ts'
import { faultTable } from './fault-table.ts'

/** One error as Salesforce states it: item results say `statusCode`, refused calls say `errorCode`. */
export interface RemoteError {
  readonly code: string
  readonly message: string
  readonly fields: readonly string[]
  /** Ids that a duplicate rule matched. */
  readonly matches: readonly string[]
}

/** What an error speaks of: the whole call, a record addressed by its id, or one addressed by our key. */
export type Subject = 'call' | 'record' | 'keyed record'

const minute = 60_000
const waitMs = {
  /** The 24 h allowance is rolling: a call an hour tells when there is room again. */
  allowance: 60 * minute,
  /** Too many long calls at once; they end within seconds. */
  concurrency: 15_000,
  /** A record in an approval process stays locked until a person decides. */
  approval: 15 * minute,
  signIn: 15 * minute,
  unspecified: minute,
}

const matchSchema = z
  .object({
    matchResults: z.array(
      z.object({ matchRecords: z.array(z.object({ record: z.object({ Id: z.string() }) })) }),
    ),
  })
  .transform((found) => found.matchResults.flatMap((r) => r.matchRecords.map((m) => m.record.Id)))
  .catch([])

const remoteErrorSchema = z
  .object({
    statusCode: z.string().optional(),
    errorCode: z.string().optional(),
    message: z.string().nullish(),
    fields: z.array(z.string()).nullish(),
    /** REST really spells it without the second "l"; newer releases may not. */
    duplicateResut: matchSchema.optional(),
    duplicateResult: matchSchema.optional(),
  })
  .transform(
    (error): RemoteError => ({
      code: error.statusCode ?? error.errorCode ?? '',
      message: error.message ?? '',
      fields: error.fields ?? [],
      matches: [...(error.duplicateResut ?? []), ...(error.duplicateResult ?? [])],
    }),
  )

/** Reads the errors of an item result or of a refused call; what has no code is left out. */
export function readErrors(body: unknown): readonly RemoteError[] {
  const list = Array.isArray(body) ? body : [body]
  return list.flatMap((entry) => {
    const parsed = remoteErrorSchema.safeParse(entry)
    return parsed.success && parsed.data.code ? [parsed.data] : []
  })
}

/**
 * The fault of one record or one call from the errors stated for it. The first error decides the kind, except that
 * one which repeating cannot cure outweighs one which it can; fields are collected from all.
 */
export function faultOfErrors(
  errors: readonly RemoteError[],
  subject: Subject,
  now: Date,
  httpStatus?: number,
): ConnectorFault {
  const judged = errors.map((error) => ({ error, ...judge(error, subject) }))
  const chosen = judged.find(({ kind }) => kind !== 'unavailable') ?? judged[0]
  if (!chosen) {
    return new ConnectorFault('rejected', 'Salesforce refused without a reason', {
      code: 'NO_REASON',
      ...(httpStatus === undefined ? {} : { httpStatus }),
    })
  }
  const fields = unique(errors.flatMap(namedFields))
  const duplicates = chosen.kind === 'duplicate' ? unique(errors.flatMap(namedDuplicates)) : []
  const message = errors.map((error) => `${error.code}: ${error.message}`).join('; ')
  return new ConnectorFault(chosen.kind, message.slice(0, 1000), {
    code: chosen.error.code,
    ...(fields.length > 0 ? { fields } : {}),
    ...(duplicates.length > 0 ? { duplicates } : {}),
    ...(chosen.waitMs === undefined ? {} : { retryAt: new Date(now.getTime() + chosen.waitMs) }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
  })
}

/** The token endpoint writes its codes in lower case, everything else in upper case. */
export const tokenCode = /^[a-z][a-z_]*$/

interface Judgement {
  readonly kind: FaultKind
  readonly waitMs?: number
}

/** The table, refined where one code has several meanings. */
function judge(error: RemoteError, subject: Subject): Judgement {
  const kind = faultTable.get(error.code) ?? (tokenCode.test(error.code) ? 'unauthorised' : 'rejected')
  switch (error.code) {
    case 'REQUEST_LIMIT_EXCEEDED':
      return { kind, waitMs: /concurrent/i.test(error.message) ? waitMs.concurrency : waitMs.allowance }
    case 'API_CURRENTLY_DISABLED':
    case 'STORAGE_LIMIT_EXCEEDED':
      return { kind, waitMs: waitMs.allowance }
    case 'rate_limit_exceeded':
      return { kind, waitMs: waitMs.signIn }
    case 'invalid_grant':
      return /rate exceeded/i.test(error.message) ? { kind: 'throttled', waitMs: waitMs.signIn } : { kind }
    case 'ENTITY_IS_LOCKED':
      return { kind, waitMs: waitMs.approval }
    case 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY':
      // A trigger failed; what it ran into stands in its message.
      return { kind: /UNABLE_TO_LOCK_ROW|QUERY_TIMEOUT/.test(error.message) ? 'unavailable' : kind }
    case 'NOT_FOUND':
      // Our calls name types in their paths, rows only in their bodies.
      return { kind: subject === 'call' ? 'configuration' : kind }
    case 'INVALID_CROSS_REFERENCE_KEY':
    case 'ENTITY_IS_DELETED':
      // With a field, or without an id of ours, it speaks of a lookup. Otherwise it may: see `confirmGone`.
      return { kind: subject === 'record' && error.fields.length === 0 ? kind : 'rejected' }
    case 'INVALID_FIELD':
      // Also said of a value that does not fit its field, and of a parent named by a key that nobody has.
      return { kind: /Cannot deserialize|Foreign key external ID/.test(error.message) ? 'rejected' : kind }
    default:
      return kind === 'throttled' ? { kind, waitMs: waitMs.unspecified } : { kind }
  }
}

const fieldPatterns = [
  /No such column '([^']+)' on (?:entity|sobject)/g,
  /Unable to create\/update fields: ([\w, ]+)/g,
  /duplicate value found: (\w+) duplicates value/g,
  /Required fields are missing: \[([\w, ]+)\]/g,
]

function namedFields(error: RemoteError): readonly string[] {
  if (error.fields.length > 0) return error.fields
  return fieldPatterns.flatMap((pattern) =>
    [...error.message.matchAll(pattern)].flatMap(([, names = '']) => names.split(/,\s*/)),
  )
}

function namedDuplicates(error: RemoteError): readonly string[] {
  const named = /record with id: ([a-zA-Z0-9]{15,18})\b/.exec(error.message)?.[1]
  return named ? [...error.matches, named] : error.matches
}

const unique = (values: readonly string[]): readonly string[] => [...new Set(values)]
