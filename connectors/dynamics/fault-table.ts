import type { FaultKind } from '../fault.ts'
import { oauthCodes } from '../wire/oauth-codes.ts'

/**
 * What each error code of Dataverse means for us, before a look at the message and the status (`faults.ts` does that).
 * Source: Power Apps developer guide, "Web service error codes" and "Service protection API limits". A code that is not
 * here parks the record: it is never taken for a success or for a reason to loop.
 */
export const platformCodes = {
  /** Service protection: requests, execution time, concurrent requests of one user. */
  '0x80072322': 'throttled',
  '0x80072321': 'throttled',
  '0x80072326': 'throttled',
  /** The organisation as a whole is too busy. */
  '0x80072327': 'throttled',

  /** No lock within the time allowed; a row is held by another transaction. */
  '0x80044339': 'unavailable',
  /** The database was too slow, or broke a deadlock at our expense. */
  '0x80044151': 'unavailable',
  '0x80044150': 'unavailable',
  /** "An unexpected error occurred." */
  '0x80040216': 'unavailable',

  '0x80060882': 'changed',

  /** A version is needed, or the table knows none; Microsoft's own pages assign the two codes both ways. */
  '0x80060883': 'configuration',
  '0x8006088d': 'configuration',
  /** No such alternate key, or its index is not built. */
  '0x80060890': 'configuration',
  /** No such column; no such table. */
  '0x80041103': 'configuration',
  '0x80041102': 'configuration',
  '0x80060888': 'configuration',
  /** The body cannot be read as the table's type. */
  '0x80048d19': 'configuration',
  /** No privilege; no access to the record. */
  '0x80040220': 'configuration',
  '0x80048306': 'configuration',

  /** The application user is not there, not enabled, or has no role. */
  '0x80072560': 'unauthorised',
  '0x80040225': 'unauthorised',
  '0x80042f09': 'unauthorised',

  '0x80040217': 'gone',
  '0x80060891': 'gone',

  '0x80040237': 'duplicate',
  '0x80060892': 'duplicate',
  '0x80040333': 'duplicate',

  /** Longer than the column; outside of its range; no such choice. */
  '0x80044331': 'rejected',
  '0x80044330': 'rejected',
  '0x8004431a': 'rejected',
  '0x80040203': 'rejected',
  /** A plug-in of the organisation refused it, in its own words. */
  '0x80040265': 'rejected',

  /** Closed or re-opened by somebody between our look at the opportunity and our write: see `closing.ts`. */
  '0x80040515': 'changed',
  '0x8004051a': 'changed',
  /** Its state cannot be set so, or not now; the status reason is none of that state. */
  '0x80100005': 'rejected',
  '0x80040516': 'rejected',
  '0x80048408': 'rejected',
  /** The amount's currency is not the price list's. */
  '0x80048cef': 'rejected',
} as const satisfies Record<string, FaultKind>

/** Asking for changes since a point that is no longer kept: answered by reading everything again, never handed on. */
export const expiredVersionCode = '0x80044352'

/** What the token endpoint answers (RFC 6749, and Microsoft identity platform: "Client credentials flow"). */
export const tokenCodes = {
  ...oauthCodes,
  invalid_resource: 'unauthorised',
  access_denied: 'unauthorised',
  interaction_required: 'unauthorised',
} as const satisfies Record<string, FaultKind>

export const faultTable: ReadonlyMap<string, FaultKind> = new Map<string, FaultKind>(
  Object.entries({ ...platformCodes, [expiredVersionCode]: 'configuration', ...tokenCodes }),
)
