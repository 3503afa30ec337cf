import type { ConnectionId, PartnerId } from './ids.ts'

export const vendorRoles = [
  'administrator',
  'channel_manager',
  'revenue_operations',
  'finance',
  'approver',
  'auditor',
] as const
export const partnerRoles = ['partner_administrator', 'partner_seller', 'partner_finance'] as const
export type VendorRole = (typeof vendorRoles)[number]
export type PartnerRole = (typeof partnerRoles)[number]
export type Role = VendorRole | PartnerRole

/**
 * Who acts. `connection` is a CRM stating a fact; `system` is a named step of our own.
 * Everything but a partner sees all partners' rows; a partner sees its own (row level security enforces it).
 */
export type Actor =
  | {
      readonly kind: 'vendor'
      readonly id: string
      readonly name: string
      readonly roles: readonly VendorRole[]
    }
  | {
      readonly kind: 'partner'
      readonly id: string
      readonly name: string
      readonly roles: readonly PartnerRole[]
      readonly partnerId: PartnerId
    }
  | { readonly kind: 'connection'; readonly id: ConnectionId; readonly name: string }
  | { readonly kind: 'system'; readonly name: string }

export const systemActor = (name: string): Actor => ({ kind: 'system', name })

/** Stable key of an actor for idempotency, audit and rate limits. */
export const actorKey = (actor: Actor): string =>
  actor.kind === 'system' ? `system:${actor.name}` : `${actor.kind}:${actor.id}`
