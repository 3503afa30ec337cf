import { v7 } from 'uuid'
import { z } from 'zod'

/** A UUIDv7 that names one kind of record; kinds do not mix. */
export type Id<Kind extends string> = string & { readonly __kind: Kind }

export type PartnerId = Id<'partner'>
export type ProgrammeId = Id<'programme'>
export type UserId = Id<'user'>
export type CustomerId = Id<'customer'>
export type ProductId = Id<'product'>
export type DealId = Id<'deal'>
export type ConnectionId = Id<'connection'>
export type PlanVersionId = Id<'plan_version'>

/** Time-ordered, so that rows land at the end of their indexes. */
export const newId = <Kind extends string>(): Id<Kind> => v7() as Id<Kind>

/** Wire schema of an id: the same text on both sides, so it may stand in answers too. */
export const idSchema = <Kind extends string>() => z.uuid() as unknown as z.ZodType<Id<Kind>, string>
