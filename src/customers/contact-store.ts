import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { CustomerId } from '#src/kernel/ids.ts'
import type { Contact } from './contact.ts'

const columns = sql`id, customer_id, email, first_name, last_name, phone, revision`

export async function readContacts(tx: Tx, ids: readonly string[]): Promise<readonly Contact[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<Contact>`
    select ${columns} from contact where id = any(${ids}::uuid[])`.execute(tx)
  return rows
}

export async function listContactIds(
  tx: Tx,
  after: string | null,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from contact where ${after}::uuid is null or id > ${after}::uuid order by id limit ${limit}`.execute(
    tx,
  )
  return rows.map(({ id }) => id)
}

/** Locked until the end of the transaction, in the order of their ids. */
export async function lockContacts(tx: Tx, ids: readonly string[]): Promise<readonly Contact[]> {
  const { rows } = await sql<Contact>`
    select ${columns} from contact where id = any(${ids}::uuid[]) order by id for update`.execute(tx)
  return rows
}

export async function contactsOfCustomer(tx: Tx, customerId: CustomerId): Promise<readonly Contact[]> {
  const { rows } = await sql<Contact>`
    select ${columns} from contact where customer_id = ${customerId} order by last_name, id`.execute(tx)
  return rows
}

const fromRows = (rows: readonly Omit<Contact, 'revision'>[]) => sql`
  jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as given (
    "id" uuid, "customerId" uuid, "email" text, "firstName" text, "lastName" text, "phone" text)`

/** Those of the people who are known, by customer and e-mail address. */
export async function findContacts(
  tx: Tx,
  people: readonly Pick<Contact, 'customerId' | 'email'>[],
): Promise<readonly Contact[]> {
  if (people.length === 0) return []
  const { rows } = await sql<Contact>`
    select ${columns} from contact
    where (customer_id, email) in (
      select "customerId", email from jsonb_to_recordset(${JSON.stringify(people)}::jsonb)
        as given ("customerId" uuid, email text))`.execute(tx)
  return rows
}

/**
 * Who these people are, by customer and e-mail address: as they were known, else as they are inserted now. Somebody whom
 * another transaction inserts at the same time is left out; once this returns, `findContacts` finds them.
 */
export async function findOrInsertContacts(
  tx: Tx,
  rows: readonly Omit<Contact, 'revision'>[],
): Promise<readonly Pick<Contact, 'id' | 'customerId' | 'email'>[]> {
  if (rows.length === 0) return []
  const found = await sql<Pick<Contact, 'id' | 'customerId' | 'email'>>`
    with given as (select * from ${fromRows(rows)}), inserted as (
      insert into contact (id, customer_id, email, first_name, last_name, phone)
      select id, "customerId", email, "firstName", "lastName", phone from given order by "customerId", email
      on conflict (customer_id, email) do nothing returning id, customer_id, email
    )
    select id, customer_id, email from inserted
    union all
    select contact.id, contact.customer_id, contact.email
    from given join contact on contact.customer_id = "customerId" and contact.email = given.email`.execute(tx)
  return found.rows
}

/** Writes rows that the caller holds locked; customer and e-mail address stay. */
export async function updateContacts(tx: Tx, rows: readonly Omit<Contact, 'revision'>[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    update contact set first_name = given."firstName", last_name = given."lastName", phone = given.phone,
      revision = revision + 1, updated_at = clock_timestamp()
    from ${fromRows(rows)} where contact.id = given.id`.execute(tx)
}
