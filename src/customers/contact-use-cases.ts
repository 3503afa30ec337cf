import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { EventBus } from '#src/kernel/events.ts'
import { type CustomerId, newId } from '#src/kernel/ids.ts'
import { type Contact, type ContactId, emailKey, isEmail, type NamedPerson, splitName } from './contact.ts'
import { contactsOfCustomer, findContacts, findOrInsertContacts } from './contact-store.ts'

const keyOf = ({ customerId, email }: Pick<Contact, 'customerId' | 'email'>): string =>
  `${customerId} ${email}`

/** People at end customers. Partners see what they typed, never whom it was taken for. */
export const createContactUseCases = (deps: { readonly events: EventBus<Tx> }) => ({
  /**
   * The contact that each of these people is, in their order; who is new is made. What is known of somebody is not
   * overwritten by what another registration says. Null where nothing but an unreadable address was given.
   */
  resolveContacts: (
    tx: Tx,
    actor: Actor,
    people: readonly (NamedPerson | null)[],
  ): Promise<readonly (ContactId | null)[]> =>
    asSystem(tx, async (system) => {
      const keyed = people.map((person) => {
        const email = person ? emailKey(person.email) : ''
        return person && isEmail(email) ? { ...person, email } : null
      })
      const named = new Map(keyed.flatMap((person) => (person ? [[keyOf(person), person] as const] : [])))
      const planned = [...named.values()].map(({ customerId, email, name, phone }) => ({
        id: newId<'contact'>(),
        customerId,
        email,
        phone,
        ...splitName(name?.trim() || email.slice(0, email.indexOf('@'))),
      }))
      const known = new Map(
        (await findOrInsertContacts(system, planned)).map((contact) => [keyOf(contact), contact.id]),
      )
      // Somebody else named the same person in this very moment.
      if (known.size < planned.length) {
        for (const contact of await findContacts(system, planned)) known.set(keyOf(contact), contact.id)
      }
      const made = planned.filter((contact) => known.get(keyOf(contact)) === contact.id)
      await recordAudit(
        system,
        actor,
        made.map((contact) => ({
          action: 'contact.created',
          subject: { kind: 'contact', id: contact.id },
          after: contact,
        })),
      )
      await deps.events.publish(
        system,
        actor,
        made.map(({ id }) => ({
          type: 'record_changed',
          entity: 'contact',
          id,
          priority: 'live',
          isNew: true,
        })),
      )
      return keyed.map((person) => (person ? (known.get(keyOf(person)) ?? null) : null))
    }),

  contactsOf: (tx: Tx, customerId: CustomerId): Promise<readonly Contact[]> =>
    contactsOfCustomer(tx, customerId),
})
