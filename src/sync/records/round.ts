/**
 * One batch of records on its way, in either direction: read, merged, made, updated, sent and settled, under the lease of
 * the pass that brings it. Which records, and when, is decided by the passes; what a person wishes, by operations.
 */
import type { WriteCommand } from '#connectors/connector.ts'
import type { LocalRecord } from '#src/kernel/synced-entity.ts'
import type { MappedEntity, Workspace } from '../ground/workspace.ts'
import type { Link } from '../memory/link-store.ts'
import type { Mark } from '../memory/mark-store.ts'
import type { FieldMemory } from '../memory/merge.ts'
import type { Lease } from '../memory/slot-store.ts'

/** One batch of one entity, under a lease. */
export interface Round {
  readonly workspace: Workspace
  readonly mapped: MappedEntity
  readonly lease: Lease
  readonly signal: AbortSignal
}

/** Somebody changed a record of ours in the very moment in which theirs was applied: begin anew. */
export class RecordMoved extends Error {
  constructor() {
    super('A record changed while it was being merged')
    this.name = 'RecordMoved'
  }
}

/** A dirty record of ours that still exists. */
export interface Item {
  readonly mark: Mark
  readonly link: Link | null
  readonly local: LocalRecord
}

/** A write on its way: recorded in the link before the call, settled after it. */
export interface Outgoing {
  readonly mark: Mark
  readonly recordId: string
  readonly linkId: string
  readonly remoteId: string | null
  readonly creating: boolean
  /** Based on the mirror: when the CRM says that the record changed, it only has to be read. */
  readonly unread?: boolean
  /** The last word to a record that a deal moves away from: its link ends with it. */
  readonly parting?: boolean
  readonly command: WriteCommand
  /** Lines that this write carries. */
  readonly lines: readonly string[]
  /** Names this write in the memory of its fields. */
  readonly sentAt: string
  /** The link's memory with this write recorded as sent. */
  readonly memory: Readonly<Record<string, FieldMemory>>
}
