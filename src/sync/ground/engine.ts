/**
 * What every part of the engine stands on: the ports to connections, entities and conflicts, the workspace that one pass
 * works with, marks for what changed, and what a fault of a connection means for it. It moves no record.
 */
import type { Connector } from '#connectors/connector.ts'
import type { MappingDocument } from '#mappings/document.ts'
import type { MirrorRow } from '#src/conflicts/claim.ts'
import type { Connection } from '#src/connections/connection.ts'
import type { Database, Tx } from '#src/database/database.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import type { Priority } from '#src/kernel/events.ts'
import type { ConnectionId, CustomerId } from '#src/kernel/ids.ts'
import type { SyncedEntity } from '#src/kernel/synced-entity.ts'
import type { LinkState } from '../memory/link-store.ts'

/** A connection with where its records can be looked at. */
export interface SyncConnection extends Connection {
  readonly instanceUrl: string | null
}

export interface PublishedMapping {
  readonly entity: string
  readonly versionId: string
  readonly document: MappingDocument
}

/** What the engine asks of the connections capability. */
export interface ConnectionsPort {
  /** Those that may work now. */
  activeConnections(tx: Tx): Promise<readonly SyncConnection[]>
  publishedMappings(tx: Tx, id: ConnectionId): Promise<readonly PublishedMapping[]>
  /** Entities that a person lets rest. */
  pausedMappings(
    tx: Tx,
    id: ConnectionId,
  ): Promise<readonly { readonly entity: string; readonly reason: string; readonly since: Date }[]>
  quarantinedFields(
    tx: Tx,
    id: ConnectionId,
  ): Promise<readonly { readonly entity: string; readonly remoteField: string }[]>
  quarantineField(
    tx: Tx,
    id: ConnectionId,
    entity: string,
    remoteField: string,
    reason: string,
  ): Promise<void>
  releaseField(tx: Tx, id: ConnectionId, entity: string, remoteField: string): Promise<void>
  pauseConnection(
    tx: Tx,
    id: ConnectionId,
    pause: { readonly until: Date | null; readonly reason: string; readonly attention: boolean },
  ): Promise<void>
}

/** Connectors by connection; each call of one passes the connection's own gate. */
export interface ConnectorsPort {
  /** What calls as `repair` or `bulk` leaves room for what is more urgent; `live` unless said. */
  connectorFor(connection: SyncConnection, priority?: Priority): Promise<Connector>
  /** Is there enough of the limits left for work of this urgency? */
  mayRun(id: ConnectionId, priority: Priority): boolean
}

/** Records that we do not own, so that conflict detection sees the direct pipeline. */
export interface MirrorPort {
  recordMirror(tx: Tx, rows: readonly MirrorRow[]): Promise<void>
  forgetMirror(
    tx: Tx,
    connectionId: ConnectionId,
    source: 'opportunity' | 'account',
    remoteIds: readonly string[] | null,
  ): Promise<void>
  setMirrorState(
    tx: Tx,
    connectionId: ConnectionId,
    object: string,
    change: {
      readonly required?: boolean
      readonly complete?: boolean
      readonly refreshedAt?: Date
      readonly maxAgeS?: number
    },
  ): Promise<void>
}

export interface LinkNews {
  readonly entity: string
  readonly recordId: string
  readonly connectionId: ConnectionId
  readonly state: LinkState
  readonly remoteId: string | null
  /** Deep link for people. */
  readonly url: string | null
}

/** Two customers of ours that share a record from now on; `into` was there first. */
export interface AccountMerge {
  readonly from: CustomerId
  readonly into: CustomerId
}

export interface SyncLog {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface Engine {
  readonly database: Database
  readonly connections: ConnectionsPort
  readonly connectors: ConnectorsPort
  readonly mirror: MirrorPort
  readonly entities: ReadonlyMap<string, SyncedEntity<Tx>>
  /** Where each of these deals goes, working or not; one that can go nowhere is left out. */
  homesOfDeals(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, ConnectionId>>
  /** Tells the capabilities what became of their links, in the same transaction. */
  linksChanged(tx: Tx, actor: Actor, news: readonly LinkNews[]): Promise<void>
  /** A CRM made one account of several: the customers of ours that they stand for are one company. */
  accountsMerged(tx: Tx, actor: Actor, merges: readonly AccountMerge[]): Promise<void>
  /** A connection was read completely for the first time: deals that were approved before it was there may go over. */
  dealsWanted(tx: Tx, actor: Actor): Promise<void>
  /** Something a person has to look at came up. */
  reviewsOpened(tx: Tx, actor: Actor, count: number, connection: SyncConnection): Promise<void>
  readonly logger: SyncLog
  random(): number
}

/** The least urgent work that there is room for. */
export function leastUrgent({ connectors }: Pick<Engine, 'connectors'>, id: ConnectionId): Priority {
  if (connectors.mayRun(id, 'bulk')) return 'bulk'
  return connectors.mayRun(id, 'repair') ? 'repair' : 'live'
}

export const syncActor = systemActor('sync')
