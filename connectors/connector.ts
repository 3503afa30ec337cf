/**
 * The port that every CRM connector implements: it moves remote records in batches and has never heard of a deal.
 * Types only. Every HTTP call of a connector passes the engine's CallGate; SDK retries are off, the engine owns retry.
 */
import type { ConnectorFault } from './fault.ts'
import type { ConnectorSetup } from './setup.ts'

/** A scalar as the CRM speaks it. A connector neither rounds nor reformats. */
export type RemoteValue = string | number | boolean | null

export interface RemoteRecord {
  readonly object: string
  readonly id: string
  readonly fields: Readonly<Record<string, RemoteValue>>
  /** The CRM's own clock, ISO; null where the CRM does not say. */
  readonly modifiedAt: string | null
  /** The user over there who changed it last; null where the CRM does not say. */
  readonly modifiedBy: string | null
  /** Opaque version for conditional writes, where the CRM has one. */
  readonly version?: string
}

export interface Missing {
  readonly object: string
  readonly id: string
  readonly missing: true
  /** Set when the record was merged into another one. */
  readonly mergedInto?: string
}

export type RemoteFieldType =
  | 'text'
  | 'number'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'choice'
  | 'multichoice'
  | 'currency'
  | 'reference'
  | 'other'

export interface RemoteField {
  readonly name: string
  readonly label: string
  readonly type: RemoteFieldType
  /** Needed when creating: not nullable, without a default. */
  readonly required: boolean
  readonly creatable: boolean
  readonly writable: boolean
  readonly maxLength: number | null
  /** Decimal places of a number, where the CRM says so. */
  readonly scale: number | null
  readonly choices:
    | readonly { readonly value: string; readonly label: string; readonly active: boolean }[]
    | null
  readonly restrictedChoices: boolean
  readonly references: readonly string[]
  readonly unique: boolean
  readonly externalId: boolean
}

/** `key` addresses by our external id and may create; it is allowed only while a link is being created. */
export type WriteTarget =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'key'; readonly field: string; readonly value: string }

export interface WriteCommand {
  readonly object: string
  readonly target: WriteTarget
  readonly fields: Readonly<Record<string, RemoteValue>>
  /** Only while this is the record's version, where `traits.conditionalWrite`. */
  readonly version?: string
  /** A person looked at what the CRM's duplicate rules found, and wants the record all the same. */
  readonly allowDuplicate?: boolean
}

export type WriteOutcome =
  | { readonly ok: true; readonly id: string; readonly created: boolean }
  | { readonly ok: false; readonly fault: ConnectorFault }

export interface Deletion {
  readonly object: string
  readonly id: string
  readonly mergedInto?: string
  readonly deletedAt: string | null
}

/** One page of changes. `cursor` may be stored once the page is recorded: it never passes an unrecorded row. */
export interface ChangePage {
  readonly records: readonly RemoteRecord[]
  readonly deletions: readonly Deletion[]
  /** How old the records may be, where the CRM prepared them ahead: what we know from later is newer than they. */
  readonly ageMs?: number
  readonly cursor: string
  readonly done: boolean
}

export interface ConnectionIdentity {
  /** Pinned: another organisation behind the same credentials pauses the connection. */
  readonly organisationId: string
  readonly userId: string
  /** Where people reach the organisation: the base of links to records. */
  readonly instanceUrl: string
  readonly multiCurrency: boolean
  readonly apiUsage: { readonly used: number; readonly limit: number } | null
}

export interface ConnectorTraits {
  readonly vendor: string
  /** Records per call. */
  readonly batch: {
    readonly create: number
    readonly update: number
    readonly read: number
    readonly changes: number
  }
  /** A write may name the version it is based on, and is refused as `changed` when that is no longer current. */
  readonly conditionalWrite: boolean
  /** Push channels: a connection that we hold (`listen`), requests that the CRM sends (`receive`). */
  readonly push: { readonly listen: boolean; readonly webhook: boolean }
  /** The vendor's published limits of calls for one connection: a ceiling for what we allow ourselves. */
  readonly ceiling: {
    readonly concurrentCalls: number
    /** At most so many calls in so many seconds, as a sliding window. */
    readonly windows: readonly { readonly calls: number; readonly seconds: number }[]
  }
  /** Where people look at a record, relative to the instance's address. */
  recordPath(object: string, id: string): string
}

/** What a push channel told us of one record: never truth, only a reason to read it. */
export interface Hint {
  readonly object: string
  readonly id: string
  /** The same for every delivery of one event; a delivery that was seen before tells nothing. */
  readonly deduplicationKey: string
  /** Who caused it, named as `ConnectionIdentity` names our own user; absent where the CRM does not say. */
  readonly by?: string
}

export interface PushPage {
  readonly hints: readonly Hint[]
  /** Objects of which something was missed: they are polled at once, from their own cursors. */
  readonly missed: readonly string[]
  /** May be stored once the page is recorded. */
  readonly cursor: string
}

export type Received =
  | {
      readonly kind: 'accepted'
      readonly hints: readonly Hint[]
      readonly reply: { readonly status: number; readonly contentType: string; readonly body: string }
    }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }

export interface InboundRequest {
  readonly method: string
  /** The public address it was sent to, whatever a proxy made of it: signatures cover it. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly receivedAt: Date
}

/**
 * Held around every HTTP call of a connector: waits for budget and a slot, logs, counts, and enforces the deadline.
 * `operation` names the call for the log; `records` is how many it carries.
 */
export interface CallGate {
  call<T>(
    call: {
      readonly operation: 'auth' | 'probe' | 'describe' | 'read' | 'write' | 'changes' | 'listen' | 'setup'
      readonly object: string | null
      readonly records: number
    },
    signal: AbortSignal,
    send: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>
  /** The CRM's own count of calls, as its answer headers state it. */
  observeUsage(usage: { readonly used: number; readonly limit: number }): void
}

/** Of these records, ids of those whose last reading shows the state that has this time of change. */
export type FindKnown = (
  records: readonly { readonly id: string; readonly modifiedAt: string }[],
) => Promise<ReadonlySet<string>>

export interface Connector {
  readonly traits: ConnectorTraits
  probe(signal: AbortSignal): Promise<ConnectionIdentity>
  describe(object: string, signal: AbortSignal): Promise<readonly RemoteField[]>
  /** Answers in the order of `ids`. */
  read(
    object: string,
    ids: readonly string[],
    fields: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly (RemoteRecord | Missing)[]>
  /** Finds records by the value of one field, for re-reading by key; answers at most two per value. */
  find(
    object: string,
    field: string,
    values: readonly string[],
    fields: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly RemoteRecord[]>
  /** Same order as the commands; each is settled on its own. Throws only when the whole call failed. */
  write(commands: readonly WriteCommand[], signal: AbortSignal): Promise<readonly WriteOutcome[]>
  /**
   * From `cursor` (null: from the beginning). Records, deletions and merges. A connector that learns first which records
   * changed, and when, leaves out those that `findKnown` names: their values need not be read again.
   */
  changes(
    object: string,
    cursor: string | null,
    fields: readonly string[],
    signal: AbortSignal,
    findKnown?: FindKnown,
  ): AsyncIterable<ChangePage>
  /** Holds a connection open until the signal aborts; a null cursor starts with what is new. One owner at a time. */
  listen?(objects: readonly string[], cursor: string | null, signal: AbortSignal): AsyncIterable<PushPage>
  /** Checks the raw bytes of a webhook; makes no call. */
  receive(request: InboundRequest): Received
  /** What is missing in the organisation, and creating it. */
  readonly setup?: ConnectorSetup
  close(): Promise<void>
}
