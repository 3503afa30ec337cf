import { outcomesOf, outcomesWithoutRecord, readStated } from '#src/customers/stated-fields.ts'
import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { EventBus } from '#src/kernel/events.ts'
import type { ApplyOutcome, LocalRecord, SyncedEntity, SyncedField } from '#src/kernel/synced-entity.ts'
import {
  applyPartnerPatch,
  type Partner,
  partnerPatchSchema,
  partnerStatuses,
  sameDetails,
} from './partner.ts'
import {
  listPartnerIds,
  lockPartners,
  type PartnerWrite,
  readPartners,
  updatePartners,
} from './partner-store.ts'

const address = (name: keyof Partner, label: string, maxLength: number): SyncedField => ({
  name,
  label,
  type: 'text',
  writable: true,
  maxLength,
})

/** A CRM may correct name and address; standing in our programmes is ours to say. */
export const partnerCatalogue: readonly SyncedField[] = [
  address('name', 'Name', 300),
  address('domain', 'Web domain', 253),
  address('country', 'Country (ISO 3166, two letters)', 2),
  address('city', 'City', 200),
  { name: 'externalRef', label: 'External reference', type: 'text', writable: false, maxLength: 200 },
  { name: 'tier', label: 'Tiers, by programme', type: 'text', writable: false, maxLength: 1_000 },
  { name: 'status', label: 'Status', type: 'choice', writable: false, choices: partnerStatuses },
]

const { name, domain, country, city } = partnerPatchSchema.shape
const writable = { name: name.unwrap(), domain, country, city }

/** Partner organisations as the sync engine sees them. Values are kept in normal form, so read them back after applying. */
export function createPartnerEntity(deps: { readonly events: EventBus<Tx> }): SyncedEntity<Tx> {
  return {
    name: 'partner',
    catalogue: partnerCatalogue,

    load: async (tx, ids) => new Map((await readPartners(tx, ids)).map((row) => [row.id, toLocal(row)])),
    listIds: listPartnerIds,

    async applyMany(tx, actor, items) {
      const ids = items.map(({ id }) => id)
      const before = new Map((await lockPartners(tx, ids)).map((row) => [String(row.id), row]))
      const outcomes = new Map<string, readonly ApplyOutcome[]>()
      const written: PartnerWrite[] = []
      for (const { id, changes } of items) {
        const partner = before.get(id)
        if (!partner) {
          outcomes.set(id, outcomesWithoutRecord(changes, 'partner'))
          continue
        }
        const stated = readStated(changes, writable)
        const { details, issues } = applyPartnerPatch(partner, stated.patch)
        outcomes.set(id, outcomesOf(stated, issues))
        if (!sameDetails(partner, details)) written.push({ id: partner.id, ...details })
      }
      await updatePartners(tx, written)
      const after = await readPartners(
        tx,
        written.map(({ id }) => id),
      )
      const trace = after.map((partner) => ({
        action: 'partner.updated',
        subject: { kind: 'partner', id: partner.id },
        partnerId: partner.id,
        before: before.get(partner.id),
        after: partner,
      }))
      await recordAudit(tx, actor, trace)
      const changed = after.map(
        ({ id }) => ({ type: 'record_changed', entity: 'partner', id, priority: 'live' }) as const,
      )
      await deps.events.publish(tx, actor, changed)
      return outcomes
    },
  }
}

const toLocal = (partner: Partner): LocalRecord => {
  const { id, revision, name, domain, country, city, externalRef, status, memberships } = partner
  const tier = memberships.map(({ tierName }) => tierName).join(', ') || null
  return {
    id,
    revision,
    fields: { name, domain, country, city, externalRef, tier, status },
    facts: { status },
  }
}
