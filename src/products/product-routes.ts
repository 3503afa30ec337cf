import { z } from 'zod'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Access, type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { partnerRoles, vendorRoles } from '#src/kernel/actor.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'
import {
  familyInputSchema,
  familyPatchSchema,
  productInputSchema,
  productPatchSchema,
  productSorts,
} from './product.ts'
import type { ProductUseCases } from './product-use-cases.ts'

const everyone: Access = [...vendorRoles, ...partnerRoles]
const editors: Access = ['administrator', 'revenue_operations']

const familySchema = z
  .object({ id: idSchema<'product_family'>(), name: z.string(), code: z.string(), revision: z.int() })
  .meta({ id: 'ProductFamily' })
const productSchema = z
  .object({
    id: idSchema<'product'>(),
    familyId: idSchema<'product_family'>(),
    name: z.string(),
    code: z.string(),
    active: z.boolean().describe('false: no longer sold; what was registered stays'),
    revision: z.int(),
  })
  .meta({ id: 'Product' })

const oneFamily = z.strictObject({ familyId: idSchema<'product_family'>() })
const oneProduct = z.strictObject({ productId: idSchema<'product'>() })
const one = <Row extends { readonly revision: number }>(row: Row) => ({ body: row, etag: row.revision })
const listQuery = {
  ...pageQuery.shape,
  sort: z.enum(productSorts).default('name'),
  search: lineSchema(200).optional().describe('Part of the name or code'),
  code: lineSchema(64).optional(),
}
const tag = 'Products'

export const productRoutes = (products: ProductUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/product-families',
    summary: 'List product families',
    tag,
    access: everyone,
    query: z.strictObject(listQuery),
    answers: { 200: pageOf(familySchema) },
    handle: async ({ tx, query }) => {
      const rows = await products.listFamilies(tx, query, positionOf(query))
      return { status: 200, body: sortedPage(rows, query) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/product-families',
    summary: 'Create a product family',
    tag,
    access: editors,
    body: familyInputSchema,
    answers: { 201: familySchema },
    handle: async ({ tx, actor, body }) => ({
      status: 201,
      ...one(await products.createFamily(tx, actor, body)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/product-families/:familyId',
    summary: 'Read a product family',
    tag,
    access: everyone,
    params: oneFamily,
    answers: { 200: familySchema },
    handle: async ({ tx, params }) => ({
      status: 200,
      ...one(await products.getFamily(tx, params.familyId)),
    }),
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/product-families/:familyId',
    summary: 'Change a product family',
    tag,
    access: editors,
    params: oneFamily,
    body: familyPatchSchema,
    answers: { 200: familySchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...one(await products.updateFamily(tx, actor, params.familyId, body, ifMatch)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/products',
    summary: 'List products',
    tag,
    access: everyone,
    query: z.strictObject({
      ...listQuery,
      familyId: idSchema<'product_family'>().optional(),
      active: z.enum(['true', 'false']).optional(),
    }),
    answers: { 200: pageOf(productSchema) },
    handle: async ({ tx, query: { active, ...query } }) => {
      const filter = { ...query, active: active === undefined ? undefined : active === 'true' }
      const rows = await products.listProducts(tx, filter, positionOf(query))
      return { status: 200, body: sortedPage(rows, query) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/products',
    summary: 'Create a product',
    tag,
    access: editors,
    body: productInputSchema,
    answers: { 201: productSchema },
    handle: async ({ tx, actor, body }) => ({
      status: 201,
      ...one(await products.createProduct(tx, actor, body)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/products/:productId',
    summary: 'Read a product',
    tag,
    access: everyone,
    params: oneProduct,
    answers: { 200: productSchema },
    handle: async ({ tx, params }) => ({
      status: 200,
      ...one(await products.getProduct(tx, params.productId)),
    }),
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/products/:productId',
    summary: 'Change a product, or take it off sale',
    tag,
    access: editors,
    params: oneProduct,
    body: productPatchSchema,
    answers: { 200: productSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...one(await products.updateProduct(tx, actor, params.productId, body, ifMatch)),
    }),
  }),
]
