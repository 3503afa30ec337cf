import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'

const secretBytes = 32

/** `whsec_` and 32 random bytes in base64, as Standard Webhooks writes a symmetric secret. */
export const newSecret = (): string => `whsec_${randomBytes(secretBytes).toString('base64')}`

/** The headers of one attempt. Each secret signs, so that a receiver may hold the new or the old one. */
export function signedHeaders(
  message: { readonly id: string; readonly payload: string },
  secrets: readonly string[],
  now: Date,
): Record<string, string> {
  const signatures = secrets.map((secret) => new Webhook(secret).sign(message.id, now, message.payload))
  return {
    'content-type': 'application/json',
    'webhook-id': message.id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': signatures.join(' '),
  }
}
