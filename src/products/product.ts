/**
 * What the vendor sells: products and their families, as far as registrations, conflicts and incentives need them.
 * No prices here; partners may read all of it.
 */
import { z } from 'zod'
import { type Id, idSchema, type ProductId } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'

export type ProductFamilyId = Id<'product_family'>

export interface ProductFamily {
  readonly id: ProductFamilyId
  readonly name: string
  /** What rules and other systems call it; unique whatever its case. */
  readonly code: string
  readonly revision: number
}

export interface Product {
  readonly id: ProductId
  readonly familyId: ProductFamilyId
  readonly name: string
  readonly code: string
  /** No longer sold when false: what was registered stays, nothing new is. */
  readonly active: boolean
  readonly revision: number
}

const name = lineSchema(200)
const code = z
  .string()
  .trim()
  .regex(/^[\w.:/-]{1,64}$/, '1 to 64 letters, digits and _ . : / -')

export const familyInputSchema = z.strictObject({ name, code }).meta({ id: 'NewProductFamily' })
export type FamilyInput = z.infer<typeof familyInputSchema>
export const familyPatchSchema = familyInputSchema.partial().meta({ id: 'ProductFamilyPatch' })
export type FamilyPatch = z.infer<typeof familyPatchSchema>

export const productInputSchema = z
  .strictObject({ familyId: idSchema<'product_family'>(), name, code, active: z.boolean().optional() })
  .meta({ id: 'NewProduct' })
export type ProductInput = z.infer<typeof productInputSchema>
export const productPatchSchema = productInputSchema.partial().meta({ id: 'ProductPatch' })
export type ProductPatch = z.infer<typeof productPatchSchema>

export const productSorts = ['name', '-name', 'code', '-code', 'createdAt', '-createdAt'] as const
export type ProductSort = (typeof productSorts)[number]
