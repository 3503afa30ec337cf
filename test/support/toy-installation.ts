import type { Tx } from '#src/database/database.ts'
import type { Deal } from '#src/deals/deal.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound } from '#src/kernel/errors.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { ConnectionId, DealId } from '#src/kernel/ids.ts'
import type { ApplyOutcome, LocalRecord, RemoteFacts, SyncedEntity } from '#src/kernel/synced-entity.ts'
import type { PublishedMapping, SyncConnection } from '#src/sync/ground/engine.ts'
import type { DealsPort } from '#src/sync/operations/operation-deps.ts'
import { sampleDeal } from './deals.ts'

export interface ToyEntity extends SyncedEntity<Tx> {
  readonly records: Map<string, LocalRecord>
  put(id: string, fields: Record<string, FieldValue>): void
  /** What this capability does not take over: it keeps its own value and asks for a person. */
  refuses: (field: string, value: FieldValue) => boolean
  /** Tells the engines of one installation what one of them changed here; one alone knows. */
  changed: (tx: Tx, actor: Actor, ids: readonly string[]) => Promise<void>
}

/** A capability in memory: enough to drive the engine without any rules of deals. */
export function toyEntity(name: string): ToyEntity {
  const records = new Map<string, LocalRecord>()
  return {
    name,
    catalogue: [],
    records,
    refuses: () => false,
    changed: async () => undefined,
    put(id, fields) {
      const before = records.get(id)
      const merged = { ...before?.fields, ...fields }
      records.set(id, {
        id,
        revision: (before?.revision ?? 0) + 1,
        fields: merged,
        facts: { status: merged['status'] ?? null, phase: 'approved' },
      })
    },
    load: async (_tx, ids) =>
      new Map(ids.flatMap((id) => (records.has(id) ? [[id, records.get(id)!] as const] : []))),
    listIds: async (_tx, after, limit) =>
      [...records.keys()]
        .toSorted()
        .filter((id) => after === null || id > after)
        .slice(0, limit),
    async applyMany(tx, actor, items: readonly RemoteFacts[]) {
      const outcomes = new Map(
        items.map(({ id, changes }) => {
          const outcomes = Object.entries(changes).map(([field, value]): ApplyOutcome => {
            if (this.refuses(field, value))
              return { field, kind: 'review', code: 'unexpected', message: 'Not so' }
            this.put(id, { [field]: value })
            return { field, kind: 'applied' }
          })
          return [id, outcomes]
        }),
      )
      await this.changed(
        tx,
        actor,
        items.map(({ id }) => id),
      )
      return outcomes
    },
  }
}

/** What connections of one installation share. */
export interface ToyInstallation {
  readonly entities: ReadonlyMap<string, ToyEntity>
  readonly connections: Map<ConnectionId, SyncConnection>
  readonly published: Map<ConnectionId, Map<string, PublishedMapping>>
  /** Where deals go that were fixed to a connection. */
  readonly homes: Map<string, ConnectionId>
}

/** What rerouting and adopting ask of deals, on toy deals; nothing but their ids and homes is looked at. */
export function toyDeals({ entities, homes }: ToyInstallation): DealsPort {
  const dealOf = (id: string): Deal =>
    sampleDeal({ id: id as DealId, crmConnectionId: homes.get(id) ?? null })
  return {
    crmHomesOf: async (_tx, ids) => new Map(ids.map((id) => [id, homes.get(id) ?? null])),
    async moveToConnection(_tx, _actor, dealId, _revision, { connectionId }) {
      const before = dealOf(dealId)
      if (!entities.get('deal')?.records.has(dealId)) throw new NotFound('The deal')
      homes.set(dealId, connectionId)
      return { before, after: dealOf(dealId) }
    },
    getDeal: async (_tx, id) => dealOf(id),
    adopt: async () => {
      throw new Error('Toys are not adopted')
    },
    setReviewHold: async (_tx, _actor, id) => dealOf(id),
  }
}

export const createToyInstallation = (): ToyInstallation => ({
  entities: new Map(['partner', 'customer', 'contact', 'deal'].map((name) => [name, toyEntity(name)])),
  connections: new Map(),
  published: new Map(),
  homes: new Map(),
})
