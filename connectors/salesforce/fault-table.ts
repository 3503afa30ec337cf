import type { FaultKind } from '../fault.ts'
import { oauthCodes } from '../wire/oauth-codes.ts'

/**
 * What each error code of Salesforce means for us, before a look at the message (`faults.ts` does that).
 * Source: REST API Developer Guide, "Status Codes and Error Responses"; SOAP API Developer Guide, StatusCode and
 * ExceptionCode. A code that is not here parks the record: it is never taken for a success or for a reason to loop.
 */
export const soapBornCodes = {
  UNABLE_TO_LOCK_ROW: 'unavailable',
  SERVER_UNAVAILABLE: 'unavailable',
  QUERY_TIMEOUT: 'unavailable',
  UNKNOWN_EXCEPTION: 'unavailable',
  REQUEST_RUNNING_TOO_LONG: 'unavailable',
  ALL_OR_NONE_OPERATION_ROLLED_BACK: 'unavailable',
  PROCESSING_HALTED: 'unavailable',
  ENTITY_IS_LOCKED: 'unavailable',

  REQUEST_LIMIT_EXCEEDED: 'throttled',
  API_CURRENTLY_DISABLED: 'throttled',
  STORAGE_LIMIT_EXCEEDED: 'throttled',

  INVALID_SESSION_ID: 'unauthorised',
  INVALID_AUTH_HEADER: 'unauthorised',
  INVALID_LOGIN: 'unauthorised',
  LOGIN_DURING_RESTRICTED_DOMAIN: 'unauthorised',
  LOGIN_DURING_RESTRICTED_TIME: 'unauthorised',
  LOGIN_MUST_USE_SECURITY_TOKEN: 'unauthorised',
  PASSWORD_LOCKOUT: 'unauthorised',
  ORG_LOCKED: 'unauthorised',
  TRIAL_EXPIRED: 'unauthorised',

  INVALID_FIELD: 'configuration',
  INVALID_FIELD_FOR_INSERT_UPDATE: 'configuration',
  INVALID_TYPE: 'configuration',
  INVALID_QUERY_FILTER_OPERATOR: 'configuration',
  MALFORMED_QUERY: 'configuration',
  INSUFFICIENT_ACCESS: 'configuration',
  INSUFFICIENT_ACCESS_OR_READONLY: 'configuration',
  INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY: 'configuration',
  API_DISABLED_FOR_ORG: 'configuration',
  FUNCTIONALITY_NOT_ENABLED: 'configuration',
  UNSUPPORTED_API_VERSION: 'configuration',

  FIELD_CUSTOM_VALIDATION_EXCEPTION: 'rejected',
  FIELD_FILTER_VALIDATION_EXCEPTION: 'rejected',
  FIELD_INTEGRITY_EXCEPTION: 'rejected',
  REQUIRED_FIELD_MISSING: 'rejected',
  STRING_TOO_LONG: 'rejected',
  NUMBER_OUTSIDE_VALID_RANGE: 'rejected',
  INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: 'rejected',
  INVALID_EMAIL_ADDRESS: 'rejected',
  INVALID_CURRENCY_ISO: 'rejected',
  INVALID_TYPE_ON_FIELD_IN_RECORD: 'rejected',
  INACTIVE_OWNER_OR_USER: 'rejected',
  MALFORMED_ID: 'rejected',
  INVALID_ID_FIELD: 'rejected',
  JSON_PARSER_ERROR: 'rejected',
  CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: 'rejected',
  CANNOT_UPDATE_CONVERTED_LEAD: 'rejected',
  TXN_SECURITY_APEX_ERROR: 'rejected',
  TXN_SECURITY_END_A_SESSION: 'rejected',
  TXN_SECURITY_FAIL_CLOSE: 'rejected',
  TXN_SECURITY_METERING_ERROR: 'rejected',
  TXN_SECURITY_NO_ACCESS: 'rejected',
  TXN_SECURITY_RUNTIME_ERROR: 'rejected',
  TXN_SECURITY_TWO_FA_REQUIRED: 'rejected',

  DUPLICATES_DETECTED: 'duplicate',
  DUPLICATE_VALUE: 'duplicate',
  DUPLICATE_EXTERNAL_ID: 'duplicate',

  ENTITY_IS_DELETED: 'gone',
  INVALID_CROSS_REFERENCE_KEY: 'gone',
} as const satisfies Record<string, FaultKind>

/** Codes that only REST knows; they are in no WSDL. */
export const restCodes = {
  NOT_FOUND: 'gone',
  METHOD_NOT_ALLOWED: 'configuration',
  PRECONDITION_FAILED: 'changed',
  MULTIPLE_CHOICES: 'duplicate',
} as const satisfies Record<string, FaultKind>

/** What the token endpoint answers (RFC 6749, and Salesforce Help "OAuth Error Codes"). */
export const tokenCodes = {
  ...oauthCodes,
  invalid_client_id: 'unauthorised',
  invalid_client_credentials: 'unauthorised',
  invalid_assertion: 'unauthorised',
  invalid_app_access: 'unauthorised',
  inactive_user: 'unauthorised',
  inactive_org: 'unauthorised',
  access_denied: 'unauthorised',
  rate_limit_exceeded: 'throttled',
  unknown_error: 'unavailable',
} as const satisfies Record<string, FaultKind>

export const faultTable: ReadonlyMap<string, FaultKind> = new Map(
  Object.entries({ ...soapBornCodes, ...restCodes, ...tokenCodes }),
)
