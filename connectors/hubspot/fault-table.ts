import type { FaultKind } from '../fault.ts'
import { oauthCodes } from '../wire/oauth-codes.ts'

/**
 * What each code of HubSpot means for us (HubSpot: Error handling; Usage guidelines and limits; property validation rules).
 * A code that is not here parks the record: it is never taken for a success or for a reason to loop.
 */

/** `category` of a refused call, of an item of a batch, or `errorType` of a limit. */
export const categories = {
  RATE_LIMIT: 'throttled',
  RATE_LIMITS: 'throttled',
  MIGRATION_IN_PROGRESS: 'throttled',

  INVALID_AUTHENTICATION: 'unauthorised',
  EXPIRED_AUTHENTICATION: 'unauthorised',
  REVOKED_AUTHENTICATION: 'unauthorised',
  BANNED: 'unauthorised',

  MISSING_SCOPES: 'configuration',
  USER_DOES_NOT_HAVE_PERMISSIONS: 'configuration',
  METHOD_NOT_ALLOWED: 'configuration',

  OBJECT_NOT_FOUND: 'gone',
  CONFLICT: 'duplicate',
  OBJECT_ALREADY_EXISTS: 'duplicate',

  VALIDATION_ERROR: 'rejected',
  INVALID_PARAMETER: 'rejected',
  REQUEST_VALIDATION: 'rejected',

  LOCKED: 'unavailable',
  INTERNAL_ERROR: 'unavailable',
  SERVICE_UNAVAILABLE: 'unavailable',
  TIMEOUT: 'unavailable',
} as const satisfies Record<string, FaultKind>

/** `code` of one detail of a refusal, or `error` of one refused property; these say more than their category. */
export const detailCodes = {
  PROPERTY_DOESNT_EXIST: 'configuration',
  PROPERTY_NOT_FOUND: 'configuration',
  READ_ONLY_VALUE: 'configuration',
  INVALID_OBJECT_TYPE: 'configuration',
  UNABLE_TO_INFER_OBJECT_TYPE: 'configuration',
  NON_UNIQUE_ID_PROPERTY: 'configuration',

  CONFLICTING_UNIQUE_VALUE: 'duplicate',

  INVALID_OPTION: 'rejected',
  INVALID_INTEGER: 'rejected',
  INVALID_LONG: 'rejected',
  INVALID_NUMBER: 'rejected',
  INVALID_BOOLEAN: 'rejected',
  INVALID_DATE: 'rejected',
  INVALID_EMAIL: 'rejected',
  INVALID_URL: 'rejected',
  INVALID_PHONE_NUMBER: 'rejected',
  INVALID_ALPHA: 'rejected',
  INVALID_NUMERIC: 'rejected',
  INVALID_OWNER_ID: 'rejected',
  INVALID_PIPELINE_STAGE_ID: 'rejected',
  PROPERTY_VALUE_TOO_LONG: 'rejected',
  VALUE_TOO_LONG: 'rejected',
  REQUIRED_FIELD: 'rejected',
  REQUIRED_PROPERTY: 'rejected',
  MISSING_REQUIRED_PROPERTY: 'rejected',
} as const satisfies Record<string, FaultKind>

/** What the token endpoints answer: HubSpot's own words in `status`, RFC 6749's in `error`. */
export const tokenCodes = {
  ...oauthCodes,
  BAD_REFRESH_TOKEN: 'unauthorised',
  BAD_CLIENT_ID: 'unauthorised',
  BAD_CLIENT_SECRET: 'unauthorised',
  BAD_GRANT_TYPE: 'unauthorised',
  BAD_HUB: 'unauthorised',
  EXPIRED_AUTH_CODE: 'unauthorised',
  MISSING_OR_INVALID_PARAMETER: 'unauthorised',
} as const satisfies Record<string, FaultKind>

export const faultTable: ReadonlyMap<string, FaultKind> = new Map(
  Object.entries({ ...categories, ...detailCodes, ...tokenCodes }),
)

/** Statuses that decide where no code does. 5xx and a cut are judged by whether the call may have taken effect. */
export const statusTable: ReadonlyMap<number, FaultKind> = new Map([
  [400, 'rejected'],
  [401, 'unauthorised'],
  [403, 'unauthorised'],
  [404, 'configuration'],
  [405, 'configuration'],
  [409, 'duplicate'],
  [413, 'rejected'],
  [414, 'rejected'],
  [415, 'configuration'],
  [423, 'unavailable'],
  [429, 'throttled'],
  [477, 'throttled'],
])

const second = 1000

/** How long a limit lasts, by `policyName` of a 429. The day ends at midnight of the portal; a call an hour finds it. */
export const policyWaitMs: ReadonlyMap<string, number> = new Map([
  ['SECONDLY', second],
  ['TEN_SECONDLY_ROLLING', 10 * second],
  ['DAILY', 3600 * second],
])
/** The same, where no policy is named. */
export const unstatedWaitMs = 10 * second
export const statusWaitMs: ReadonlyMap<number, number> = new Map([
  [423, 2 * second],
  [429, unstatedWaitMs],
  [477, 3600 * second],
])
