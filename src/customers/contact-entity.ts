import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { EventBus } from '#src/kernel/events.ts'
import type { ApplyOutcome, LocalRecord, SyncedEntity, SyncedField } from '#src/kernel/synced-entity.ts'
import { type Contact, contactFields } from './contact.ts'
import { listContactIds, lockContacts, readContacts, updateContacts } from './contact-store.ts'
import { outcomesOf, outcomesWithoutRecord, readStated } from './stated-fields.ts'

const text = (name: string, label: string, maxLength: number, writable: boolean): SyncedField => ({
  name,
  label,
  type: 'text',
  writable,
  maxLength,
})

/** A CRM may correct names and numbers; the e-mail address says who it is. */
export const contactCatalogue: readonly SyncedField[] = [
  text('name', 'Full name', 301, false),
  text('firstName', 'First name', 100, true),
  text('lastName', 'Last name', 200, true),
  text('email', 'E-mail address', 320, false),
  text('phone', 'Phone', 50, true),
  { name: 'customer', label: 'Customer', type: 'reference', references: 'customer', writable: false },
]

/** Contact persons as the sync engine sees them. */
export const createContactEntity = (deps: { readonly events: EventBus<Tx> }): SyncedEntity<Tx> => ({
  name: 'contact',
  catalogue: contactCatalogue,

  load: async (tx, ids) => new Map((await readContacts(tx, ids)).map((row) => [row.id, toLocal(row)])),
  listIds: listContactIds,

  async applyMany(tx, actor, items) {
    const ids = items.map(({ id }) => id)
    const before = new Map((await lockContacts(tx, ids)).map((row) => [String(row.id), row]))
    const outcomes = new Map<string, readonly ApplyOutcome[]>()
    const written: Contact[] = []
    for (const { id, changes } of items) {
      const contact = before.get(id)
      if (!contact) {
        outcomes.set(id, outcomesWithoutRecord(changes, 'contact'))
        continue
      }
      const stated = readStated(changes, contactFields)
      outcomes.set(id, outcomesOf(stated, []))
      const after = { ...contact, ...stated.patch }
      if (Object.keys(stated.patch).some((field) => field in contact && isChanged(contact, after, field))) {
        written.push(after)
      }
    }
    await updateContacts(tx, written)
    await recordAudit(
      tx,
      actor,
      written.map((contact) => ({
        action: 'contact.updated',
        subject: { kind: 'contact', id: contact.id },
        before: before.get(contact.id),
        after: contact,
      })),
    )
    await deps.events.publish(
      tx,
      actor,
      written.map(({ id }) => ({ type: 'record_changed', entity: 'contact', id, priority: 'live' })),
    )
    return outcomes
  },
})

const isChanged = (before: Contact, after: Contact, field: string): boolean =>
  before[field as keyof Contact] !== after[field as keyof Contact]

const toLocal = ({ id, revision, customerId, ...contact }: Contact): LocalRecord => {
  const { firstName, lastName, email, phone } = contact
  const name = firstName === null ? lastName : `${firstName} ${lastName}`
  return {
    id,
    revision,
    fields: { name, firstName, lastName, email, phone, customer: customerId },
    facts: {},
  }
}
