import type { FaultKind } from '../fault.ts'

/** What token endpoints answer (RFC 6749, 4.1.2.1 and 5.2), as far as all vendors use it alike. */
export const oauthCodes = {
  invalid_client: 'unauthorised',
  invalid_grant: 'unauthorised',
  invalid_request: 'unauthorised',
  invalid_scope: 'unauthorised',
  unauthorized_client: 'unauthorised',
  unsupported_grant_type: 'unauthorised',
  server_error: 'unavailable',
  temporarily_unavailable: 'unavailable',
} as const satisfies Record<string, FaultKind>
