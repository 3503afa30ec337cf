import { createHmac, timingSafeEqual } from 'node:crypto'

/** How far a timestamp may lie in the past, and in the future (HubSpot: Validating requests, signature v3). */
export const toleranceMs = 5 * 60_000

/** The escapes that HubSpot decodes before it signs an address; all others stay as they are. */
const decoded: Readonly<Record<string, string>> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
}

export const signedAddress = (url: string): string =>
  url.replace(/%[0-9a-f]{2}/gi, (escaped) => decoded[escaped.toUpperCase()] ?? escaped)

export interface SignedRequest {
  readonly method: string
  /** The address that HubSpot called, as it is known in public. */
  readonly url: string
  readonly body: Uint8Array
  /** `x-hubspot-signature-v3` */
  readonly signature: string | undefined
  /** `x-hubspot-request-timestamp`, in milliseconds. */
  readonly timestamp: string | undefined
  readonly receivedAt: Date
}

/** Null when the request is HubSpot's; otherwise why it is not believed. The body is taken byte by byte. */
export function doubtAbout(request: SignedRequest, clientSecret: string): string | null {
  const { signature, timestamp } = request
  if (!signature || !timestamp) return 'The request bears no signature of version 3'
  if (!/^\d{1,15}$/.test(timestamp)) return 'The timestamp is no number of milliseconds'
  if (Math.abs(request.receivedAt.getTime() - Number(timestamp)) > toleranceMs) {
    return 'The timestamp is more than five minutes off'
  }
  const expected = createHmac('sha256', clientSecret)
    .update(request.method.toUpperCase() + signedAddress(request.url), 'utf8')
    .update(request.body)
    .update(timestamp, 'utf8')
    .digest()
  const stated = Buffer.from(signature, 'base64')
  const isSame = stated.length === expected.length && timingSafeEqual(stated, expected)
  return isSame ? null : 'The signature does not fit'
}
