import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { type Access, type Route, route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { vendorRoles } from '#src/kernel/actor.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema, textSchema } from '#src/kernel/text.ts'
import { type Customer, customerInputSchema, customerPatchSchema, customerSorts } from './customer.ts'
import type { CustomerUseCases } from './customer-use-cases.ts'

const readers: Access = vendorRoles
const editors: Access = ['administrator', 'channel_manager', 'revenue_operations']

const customerSchema = z
  .object({
    id: idSchema<'customer'>(),
    externalRef: z.string().nullable(),
    name: z.string(),
    nameKey: z.string().describe('The name without case, accents, punctuation and legal form'),
    domain: z.string().nullable(),
    country: z.string().nullable(),
    city: z.string().nullable(),
    postalCode: z.string().nullable(),
    phone: z.string().nullable(),
    mergedInto: idSchema<'customer'>().nullable().describe('The customer that this one turned out to be'),
    revision: z.int(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'Customer' })

const contactSchema = z
  .object({
    id: idSchema<'contact'>(),
    customerId: idSchema<'customer'>(),
    email: z.string(),
    firstName: z.string().nullable(),
    lastName: z.string(),
    phone: z.string().nullable(),
    revision: z.int(),
  })
  .meta({ id: 'Contact' })

const oneCustomer = z.strictObject({ customerId: idSchema<'customer'>() })
const reason = textSchema(2_000)
const one = (customer: Customer) => ({ body: customer, etag: customer.revision })
const tag = 'Customers'

const countryCode = z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 code such as DE')

/** For the vendor alone: no partner ever sees a customer of another one, so none sees any. */
export const customerRoutes = (customers: CustomerUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/customers',
    summary: 'List customers',
    tag,
    access: readers,
    query: z.strictObject({
      ...pageQuery.shape,
      sort: z.enum(customerSorts).default('name'),
      search: lineSchema(200).optional().describe('Part of the name'),
      domain: lineSchema(253).optional(),
      country: countryCode.optional(),
      externalRef: lineSchema(200).optional(),
      merged: z
        .enum(['true', 'false'])
        .optional()
        .describe('Only those merged into another, or only the others'),
    }),
    answers: { 200: pageOf(customerSchema) },
    handle: async ({ tx, query: { merged, ...query } }) => {
      const filter = { ...query, merged: merged === undefined ? undefined : merged === 'true' }
      const rows = await customers.listCustomers(tx, filter, positionOf(query))
      return { status: 200, body: sortedPage(rows, query) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/customers',
    summary: 'Create a customer',
    tag,
    access: editors,
    body: customerInputSchema,
    answers: { 201: customerSchema },
    handle: async ({ tx, actor, body }) => ({
      status: 201,
      ...one(await customers.createCustomer(tx, actor, body)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/customers/:customerId',
    summary: 'Read a customer',
    tag,
    access: readers,
    params: oneCustomer,
    answers: { 200: customerSchema },
    handle: async ({ tx, params }) => ({
      status: 200,
      ...one(await customers.getCustomer(tx, params.customerId)),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/customers/:customerId/contacts',
    summary: 'List the people of a customer that registrations named',
    tag,
    access: readers,
    params: oneCustomer,
    answers: { 200: z.object({ items: z.array(contactSchema) }) },
    handle: async ({ tx, params }) => {
      await customers.getCustomer(tx, params.customerId)
      return { status: 200, body: { items: [...(await customers.contactsOf(tx, params.customerId))] } }
    },
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/customers/:customerId',
    summary: 'Change a customer',
    description: 'Fields that are left out stay; null clears one.',
    tag,
    access: editors,
    params: oneCustomer,
    body: customerPatchSchema,
    answers: { 200: customerSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...one(await customers.updateCustomer(tx, actor, params.customerId, body, ifMatch)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/customers/:customerId/merge',
    summary: 'State that a customer is the same company as another',
    description: 'Its registrations and claims count for the other one from now on. Can be undone.',
    tag,
    access: editors,
    params: oneCustomer,
    body: z.strictObject({ into: idSchema<'customer'>(), reason }),
    answers: { 200: customerSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...one(await customers.mergeCustomers(tx, actor, params.customerId, body.into, body.reason, ifMatch)),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/customers/:customerId/unmerge',
    summary: 'Undo a merge',
    tag,
    access: editors,
    params: oneCustomer,
    body: z.strictObject({ reason }),
    answers: { 200: customerSchema },
    handle: async ({ tx, actor, params, body, ifMatch }) => ({
      status: 200,
      ...one(await customers.unmergeCustomer(tx, actor, params.customerId, body.reason, ifMatch)),
    }),
  }),
]
