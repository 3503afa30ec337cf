/** Contact persons of end customers: known by their e-mail address within the customer. Pure. */
import { z } from 'zod'
import type { CustomerId, Id } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'

export type ContactId = Id<'contact'>

export interface Contact {
  readonly id: ContactId
  readonly customerId: CustomerId
  /** In lower case; never changes, for it says who this is. */
  readonly email: string
  readonly firstName: string | null
  readonly lastName: string
  readonly phone: string | null
  readonly revision: number
}

/** Somebody as a registration names them. */
export interface NamedPerson {
  readonly customerId: CustomerId
  readonly email: string
  readonly name: string | null
  readonly phone: string | null
}

/** What may be said of a contact. */
export const contactFields = {
  firstName: lineSchema(100).nullable(),
  lastName: lineSchema(200),
  phone: lineSchema(50).nullable(),
}

export const isEmail = (text: string): boolean => z.email().safeParse(text).success

/** An e-mail address as contacts are told apart by it. */
export const emailKey = (email: string): string => email.trim().toLowerCase()

/** "Cora van Contact" and "Contact, Cora": what comes last, or before a comma, is the family's. */
export function splitName(name: string): Pick<Contact, 'firstName' | 'lastName'> {
  const text = name.trim().replaceAll(/\s+/g, ' ')
  const comma = text.indexOf(',')
  const [last, first] =
    comma > 0
      ? [text.slice(0, comma).trim(), text.slice(comma + 1).trim()]
      : [text.slice(text.lastIndexOf(' ') + 1), text.slice(0, Math.max(0, text.lastIndexOf(' ')))]
  return { firstName: first === '' ? null : first.slice(0, 100), lastName: last.slice(0, 200) }
}
