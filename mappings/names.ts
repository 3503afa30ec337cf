import { z } from 'zod'

/** Never a name that every object answers to, such as "constructor": names are looked up in plain records. */
const plain = (name: string) => !(name in Object.prototype)

/** A field of ours; custom fields have dots in their names. */
export const localNameSchema = z
  .string()
  .regex(/^[a-zA-Z][\w.]{0,79}$/, 'a field name')
  .refine(plain, 'a field name')

/** A field of the CRM's, by its API name. */
export const remoteNameSchema = z
  .string()
  .regex(/^_?[a-zA-Z][\w.]{0,126}$/, 'the API name of a field')
  .refine(plain, 'the API name of a field')

/** A scalar that the CRM holds. */
export const remoteScalarSchema = z.union([z.string().max(1_000), z.number(), z.boolean()])
