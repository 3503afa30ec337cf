import type { Actor } from './actor.ts'
import type { FieldValue } from './field-value.ts'

/** Field types that the mapping knows; a `reference` names another synced entity by our id. */
export type FieldType = 'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'choice' | 'money' | 'reference'

/** One line of an entity's field catalogue. */
export interface SyncedField {
  readonly name: string
  readonly label: string
  readonly type: FieldType
  /** May a CRM change it? Otherwise a mapping may only send it out. */
  readonly writable: boolean
  readonly choices?: readonly string[]
  readonly references?: string
  readonly maxLength?: number
}

/** Our side of one record, with canonical values. `revision` rises with every change. */
export interface LocalRecord {
  readonly id: string
  readonly revision: number
  readonly fields: Readonly<Record<string, FieldValue>>
  /** What inclusion conditions may ask for beyond the fields, for example status. */
  readonly facts: Readonly<Record<string, FieldValue>>
}

/** What became of one value that a CRM states. A fact may not be lost: `review` keeps both sides for a person. */
export type ApplyOutcome =
  | { readonly field: string; readonly kind: 'applied' }
  | { readonly field: string; readonly kind: 'review'; readonly code: string; readonly message: string }

/** What a capability offers to the sync engine. `Tx` is the database's transaction handle. */
export interface SyncedEntity<Tx> {
  readonly name: string
  readonly catalogue: readonly SyncedField[]
  /** One query for the whole batch, however large. */
  load(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, LocalRecord>>
  /** Ids of all records in their own order, those behind `after`: for walking through everything page by page. */
  listIds(tx: Tx, after: string | null, limit: number): Promise<readonly string[]>
  /**
   * States facts of a CRM in our records, in the caller's transaction and set by set: a page of thousand changes costs
   * a few statements. Each named field gets one outcome; never throws for a rule's "no".
   */
  applyMany(
    tx: Tx,
    actor: Actor,
    items: readonly RemoteFacts[],
  ): Promise<ReadonlyMap<string, readonly ApplyOutcome[]>>
}

/** Values that a CRM states about one of our records. */
export interface RemoteFacts {
  readonly id: string
  readonly changes: Readonly<Record<string, FieldValue>>
}
