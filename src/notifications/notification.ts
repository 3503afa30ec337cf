/**
 * What people want to know: a feed for each partner and for the vendor, and mails that carry it.
 * Other capabilities publish `notification` events; nothing here decides what happened, and no mail is sent inside a
 * unit of work: rows are written first and sent later, at least once.
 */
import type { PartnerRole, VendorRole } from '#src/kernel/actor.ts'
import type { EventOf, NotificationKind } from '#src/kernel/events.ts'
import type { PartnerId } from '#src/kernel/ids.ts'

export interface Notification {
  readonly id: string
  readonly kind: NotificationKind
  /** Whom it addresses; null: the vendor's own people. */
  readonly partnerId: PartnerId | null
  readonly subject: { readonly kind: string; readonly id: string }
  readonly data: EventOf<'notification'>['data']
  readonly createdAt: Date
}

/** Mails about bulk work wait this long for each other: a file of ten thousand registrations is one thing to hear of. */
export const bulkMailWaitMs = 10 * 60_000

interface Described {
  /** A few words; `{name}` stands for a value of the data. */
  readonly title: string
  /** Who gets a mail when it addresses a partner, or the vendor. Nobody: it stands in the feed only. */
  readonly partner: readonly PartnerRole[]
  readonly vendor: readonly VendorRole[]
}

const sellers = ['partner_administrator', 'partner_seller'] as const
const payees = ['partner_administrator', 'partner_finance'] as const
const managers = ['channel_manager'] as const
const deciders = ['channel_manager', 'approver'] as const
const operators = ['administrator', 'revenue_operations'] as const

export const notificationKinds: Readonly<Record<NotificationKind, Described>> = {
  deal_submitted: { title: 'Registration {number} was submitted', partner: [], vendor: deciders },
  deal_approved: { title: 'Registration {number} is approved', partner: sellers, vendor: [] },
  deal_rejected: { title: 'Registration {number} is rejected', partner: sellers, vendor: [] },
  deal_returned: { title: 'Registration {number} needs more information', partner: sellers, vendor: [] },
  deal_answered: { title: 'Registration {number} was completed', partner: [], vendor: deciders },
  deal_withdrawn: { title: 'Registration {number} was withdrawn', partner: [], vendor: managers },
  deal_cancelled: { title: 'Registration {number} was cancelled', partner: sellers, vendor: managers },
  deal_expired: {
    title: 'Protection of registration {number} has ended',
    partner: sellers,
    vendor: managers,
  },
  deal_expiring: {
    title: 'Protection of registration {number} ends soon',
    partner: sellers,
    vendor: managers,
  },
  deal_extended: { title: 'Protection of registration {number} was extended', partner: sellers, vendor: [] },
  deal_change_requested: {
    title: 'A change of registration {number} is asked for',
    partner: [],
    vendor: deciders,
  },
  deal_change_decided: {
    title: 'The change of registration {number} is decided',
    partner: sellers,
    vendor: [],
  },
  deal_commented: { title: 'A comment on registration {number}', partner: sellers, vendor: managers },
  deal_won: { title: 'Registration {number} is won', partner: sellers, vendor: [] },
  deal_lost: { title: 'Registration {number} is lost', partner: sellers, vendor: [] },
  deal_reopened: { title: 'Registration {number} is open again', partner: sellers, vendor: [] },
  conflict_found: { title: 'A registration collides with another claim', partner: [], vendor: deciders },
  conflict_decided: {
    title: 'The conflict of registration {number} is decided',
    partner: sellers,
    vendor: [],
  },
  conflict_appealed: {
    title: 'A decision on registration {number} is appealed',
    partner: [],
    vendor: deciders,
  },
  conflict_appeal_answered: {
    title: 'The appeal for registration {number} is answered',
    partner: sellers,
    vendor: [],
  },
  conflict_cleared: {
    title: 'Nothing stands in the way of registration {number} any more',
    partner: sellers,
    vendor: deciders,
  },
  earning_posted: { title: 'You earned {amount} {currency}', partner: [], vendor: [] },
  earning_payable: { title: '{amount} {currency} became payable', partner: payees, vendor: [] },
  review_item_opened: { title: 'Something waits for a decision', partner: [], vendor: operators },
  connection_paused: { title: 'The connection {name} is paused', partner: [], vendor: operators },
  schema_drifted: { title: '{connection}: {message}', partner: [], vendor: operators },
  webhook_given_up: {
    title: 'The webhook endpoint {name} was switched off: nothing arrived for days',
    partner: [],
    vendor: operators,
  },
}

// The record above names every kind, so its keys are the kinds.
export const notificationKindNames = Object.keys(notificationKinds) as NotificationKind[]

/** Its title with the values of its data; what the data leave open is left out. */
export const titleOf = ({ kind, data }: Pick<Notification, 'kind' | 'data'>): string =>
  notificationKinds[kind].title
    .replace(/\{(\w+)\}/g, (_, name: string) => data[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim()

export const notificationSorts = ['createdAt', '-createdAt'] as const
export type NotificationSort = (typeof notificationSorts)[number]
