/**
 * Outgoing webhooks: what people are told in the feed, programs of the vendor are told by HTTP, signed by the scheme of
 * Standard Webhooks (standardwebhooks.com). Rows are written in the unit of work of the event and sent later, at least
 * once. Nothing here decides what happened, and no request leaves inside a unit of work.
 */
import { z } from 'zod'
import type { EventOf } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'
import { notificationKindNames, titleOf } from '#src/notifications/notification.ts'

/** Secrets and news travel by https only; a loopback address is on this machine. */
function isTrusted(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname, username, password } = new URL(address)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

export const endpointInputSchema = z
  .strictObject({
    name: lineSchema(100),
    url: z
      .string()
      .max(2_000)
      .refine(isTrusted, 'must be an https address without a user name or password in it'),
    kinds: z
      .array(z.enum(notificationKindNames))
      .max(notificationKindNames.length)
      .describe('Kinds of events it is told of; empty: all'),
  })
  .meta({ id: 'WebhookEndpointSettings' })
export type EndpointInput = z.infer<typeof endpointInputSchema>

export const endpointPatchSchema = endpointInputSchema
  .extend({ enabled: z.boolean() })
  .partial()
  .meta({ id: 'WebhookEndpointPatch' })
export type EndpointPatch = z.infer<typeof endpointPatchSchema>

export interface Endpoint extends EndpointInput {
  readonly id: string
  readonly enabled: boolean
  /** Why it was switched off by itself; null while it is on, or when a person switched it off. */
  readonly disabledReason: string | null
  readonly failingSince: Date | null
  readonly revision: number
  readonly createdAt: Date
}

export const deliveryStates = ['pending', 'delivered', 'failed'] as const

/** One event on its way to one endpoint. Its id is the `webhook-id`, the same for every attempt. */
export interface Delivery {
  readonly id: string
  readonly endpointId: string
  readonly kind: string
  readonly state: (typeof deliveryStates)[number]
  readonly attempts: number
  readonly dueAt: Date
  readonly lastStatus: number | null
  readonly lastError: string | null
  readonly deliveredAt: Date | null
  readonly createdAt: Date
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
/** Waits between attempts (Standard Webhooks, "deliverability and reliability"): over three days in all. */
const waitsMs = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
]
export const maxAttempts = waitsMs.length + 1

/** How long to wait after the nth failed attempt, at least as long as the receiver asked for; null: give up. */
export function retryDelayMs(attempts: number, askedMs = 0): number | null {
  const wait = waitsMs[attempts - 1]
  return wait === undefined ? null : Math.max(wait, Math.min(askedMs, 24 * hour))
}

/** An endpoint at which nothing arrived for so long is switched off. */
export const givenUpAfterMs = 5 * 24 * hour
/** After a change of the secret the old one signs too for so long. */
export const secretOverlapMs = 24 * hour

export interface Message {
  readonly id: string
  readonly kind: string
  readonly payload: string
}

/** The body that is signed: type, instant, and data that are enough to look the subject up over the API. */
export function composeMessage(
  { kind, partnerId, subject, data }: Omit<EventOf<'notification'>, 'type' | 'priority'>,
  at: Date,
): Message {
  const body = {
    type: kind,
    timestamp: at.toISOString(),
    data: { title: titleOf({ kind, data }), partnerId, subject, ...data },
  }
  return { id: newId(), kind, payload: JSON.stringify(body) }
}

/** What an attempt came to. */
export type Receipt =
  | { readonly kind: 'delivered'; readonly status: number }
  /** `gone`: the receiver says that it wants no more (410). */
  | {
      readonly kind: 'failed'
      readonly status: number | null
      readonly error: string
      readonly gone: boolean
      readonly retryAfterMs: number
    }

/** Whoever carries messages; answers, whatever happens on the way. */
export interface Sender {
  send(url: string, headers: Readonly<Record<string, string>>, payload: string): Promise<Receipt>
}
