/** Wire forms that several routes of the sync engine share. Pure. */
import { z } from 'zod'
import type { Role } from '#src/kernel/actor.ts'
import { fieldValueSchema } from '#src/kernel/field-value.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema, textSchema } from '#src/kernel/text.ts'

export const tag = 'Sync'
export const actors = ['administrator', 'revenue_operations'] satisfies Role[]
export const readers = [...actors, 'channel_manager', 'auditor'] satisfies Role[]

/** Answers are read, never changed: what the use-cases give out as readonly goes out as it is. */
export const listOf = <Item extends z.ZodType>(item: Item) => z.array(item).readonly()

export const reasonSchema = textSchema(1_000).min(3)
export const entitySchema = z.string().regex(/^[a-z][a-z_]{0,59}$/)
export const remoteIdSchema = lineSchema(100)
export const connectionParams = z.strictObject({ connectionId: idSchema<'connection'>() })
export const itemParams = z.strictObject({ id: z.uuid() })

/** Which record, on which connection. */
export const recordFilter = {
  connectionId: idSchema<'connection'>().optional(),
  entity: entitySchema.optional(),
  recordId: z.uuid().optional(),
}

/** Our value of a field, or theirs in the same form. */
export const valueSchema = fieldValueSchema.nullable()
export const remoteFieldsSchema = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.null()]),
)
