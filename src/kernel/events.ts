/**
 * What a capability tells those above it, handled in the same transaction. Handlers are registered in main.ts;
 * a handler that throws rolls the whole use-case back, so nothing is half done.
 */
import type { Actor } from './actor.ts'
import type { ConnectionId, CustomerId, DealId, PartnerId } from './ids.ts'

/** `live` work overtakes `repair`, which overtakes `bulk`. */
export type Priority = 'live' | 'repair' | 'bulk'

export type NotificationKind =
  | 'deal_submitted'
  | 'deal_approved'
  | 'deal_rejected'
  | 'deal_returned'
  | 'deal_answered'
  | 'deal_withdrawn'
  | 'deal_cancelled'
  | 'deal_expired'
  | 'deal_expiring'
  | 'deal_extended'
  | 'deal_change_requested'
  | 'deal_change_decided'
  | 'deal_commented'
  | 'deal_won'
  | 'deal_lost'
  | 'deal_reopened'
  | 'conflict_found'
  | 'conflict_decided'
  | 'conflict_appealed'
  | 'conflict_appeal_answered'
  | 'conflict_cleared'
  | 'earning_posted'
  | 'earning_payable'
  | 'review_item_opened'
  | 'connection_paused'
  | 'schema_drifted'
  | 'webhook_given_up'

interface RecordChange {
  readonly type: 'record_changed'
  readonly id: string
  readonly priority: Priority
  /** Made in this very unit of work: nothing can be linked to it or wait for it yet. */
  readonly isNew?: boolean
}

export type DomainEvent =
  /** A synced record changed on our side; the sync engine marks it dirty. */
  | (RecordChange & { readonly entity: 'customer' | 'partner' | 'contact' })
  | (RecordChange & {
      readonly entity: 'deal'
      /** The one fixed for it; null: the connection that deals go to by default. */
      readonly connectionId: ConnectionId | null
    })
  /** A person chose a record in the CRM that this one of ours stands for: link it instead of creating another. */
  | {
      readonly type: 'link_requested'
      readonly entity: 'deal' | 'customer' | 'partner'
      readonly id: string
      /** Null: the connection that the record goes to anyway. */
      readonly connectionId: ConnectionId | null
      readonly remoteId: string
      readonly priority: Priority
    }
  /** Two customers became one, or were parted again: whoever keeps something per customer asks for the canonical one. */
  | { readonly type: 'customers_merged'; readonly from: CustomerId; readonly into: CustomerId }
  /** A person said what a win that nobody expected is worth. */
  | {
      readonly type: 'outcome_settled'
      readonly dealId: DealId
      readonly recognised: boolean
      readonly reason: string
    }
  | { readonly type: 'conflict_decided'; readonly dealId: DealId; readonly verdict: string }
  /** Something that appeared after the registration was checked collides with it. */
  | { readonly type: 'conflict_found'; readonly dealId: DealId; readonly checkId: string }
  /** Nothing stands in the way of the registration any more. */
  | { readonly type: 'conflict_cleared'; readonly dealId: DealId; readonly checkId: string }
  /** Something a person wants to know; kept in the feed and mailed, at once or, of bulk work, gathered in one mail. */
  | {
      readonly type: 'notification'
      readonly priority?: Priority
      readonly kind: NotificationKind
      readonly partnerId: PartnerId | null
      readonly subject: { readonly kind: string; readonly id: string }
      readonly data: Readonly<Record<string, string | null>>
    }

export type EventOf<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>
export type EventHandler<Tx, Type extends DomainEvent['type']> = (
  tx: Tx,
  actor: Actor,
  events: readonly EventOf<Type>[],
) => Promise<void>

export interface EventBus<Tx> {
  /** Runs the handlers now, inside `tx`. Several events of one type reach a handler as one batch. */
  publish(tx: Tx, actor: Actor, events: readonly DomainEvent[]): Promise<void>
}

/** The handlers of each event type, in the order in which they run. */
export type EventHandlers<Tx> = { readonly [Type in DomainEvent['type']]?: readonly EventHandler<Tx, Type>[] }

export function createEventBus<Tx>(handlers: EventHandlers<Tx>): EventBus<Tx> {
  return {
    async publish(tx, actor, events) {
      const types = new Set(events.map(({ type }) => type))
      for (const type of types) await dispatch(tx, actor, type, events)
    },
  }
  async function dispatch<Type extends DomainEvent['type']>(
    tx: Tx,
    actor: Actor,
    type: Type,
    events: readonly DomainEvent[],
  ): Promise<void> {
    const batch = events.filter((event): event is EventOf<Type> => event.type === type)
    for (const handle of handlers[type] ?? []) await handle(tx, actor, batch)
  }
}
