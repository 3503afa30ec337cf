import { z } from 'zod'
import { decodeCursor, encodeCursor, pageQuery } from '#src/http/paging.ts'
import { type Route, route } from '#src/http/route.ts'
import { daySchema } from '#src/kernel/calendar.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { currencySchema, minorUnitsSchema } from '#src/kernel/money.ts'
import { listOf, readers } from '../operations/sync-wire.ts'
import { type Leak, leakKinds, totalsOf } from './leak.ts'
import { leakCsv } from './leak-csv.ts'
import type { LeakUseCases } from './leak-use-cases.ts'

const tag = 'Reports'

const filterQuery = z.strictObject({
  connectionId: idSchema<'connection'>().optional(),
  kind: z.enum(leakKinds).optional(),
  partnerId: z.uuid().optional(),
  currency: currencySchema.optional(),
  closesFrom: daySchema.optional(),
  closesTo: daySchema.optional(),
})

const text = z.string().nullable()
const leakSchema = z
  .object({
    kind: z.enum(leakKinds),
    connectionId: idSchema<'connection'>(),
    remoteId: z.string(),
    url: text,
    title: text,
    company: text.describe("The account's name in the CRM"),
    customerId: text,
    partnerId: text.describe('Whom the opportunity names'),
    partnerName: text,
    dealId: text.describe('The registration, where there is one'),
    registeredPartnerId: text,
    registeredPartnerName: text,
    outcome: text,
    closesOn: text,
    amountMinor: minorUnitsSchema.nullable(),
    currency: text,
  })
  .meta({ id: 'AttributionLeak' })

const reportSchema = z
  .object({
    totals: listOf(
      z.object({
        kind: z.enum(leakKinds),
        currency: text.describe('Null: opportunities without an amount'),
        count: z.int(),
        amountMinor: minorUnitsSchema,
      }),
    ),
    truncated: z.boolean().describe('There are more than one report holds: narrow it'),
    items: listOf(leakSchema),
    nextCursor: text,
  })
  .meta({ id: 'AttributionLeakReport' })

function pageOf(leaks: readonly Leak[], { limit, cursor }: { limit: number; cursor?: string | undefined }) {
  const start = cursor === undefined ? 0 : Number(decodeCursor(cursor, 1)[0])
  const from = Number.isSafeInteger(start) && start >= 0 ? start : 0
  const end = from + limit
  return {
    items: leaks.slice(from, end),
    nextCursor: end < leaks.length ? encodeCursor([String(end)]) : null,
  }
}

export const leakRoutes = (leaks: LeakUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/reports/attribution-leak',
    summary: "Show partners' business that is in the CRM and not registered, or not any more",
    description:
      'Deals won with customers or partners of ours without a registration, opportunities that name a partner without one, ' +
      'and registrations whose opportunity lost its partner. From what was read in the CRM last.',
    tag,
    access: readers,
    query: z.strictObject({ ...filterQuery.shape, ...pageQuery.shape }),
    answers: { 200: reportSchema },
    handle: async ({ tx, query }) => {
      const { leaks: found, truncated } = await leaks.report(tx, query)
      return { status: 200, body: { totals: totalsOf(found), truncated, ...pageOf(found, query) } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/reports/attribution-leak/csv',
    summary: 'The attribution leak report as CSV',
    tag,
    access: readers,
    query: filterQuery,
    answers: { 200: z.string() },
    contentType: 'text/csv; charset=utf-8',
    handle: async ({ tx, query }) => ({
      status: 200,
      body: leakCsv((await leaks.report(tx, query)).leaks),
      headers: { 'content-disposition': 'attachment; filename="attribution-leak.csv"' },
    }),
  }),
]
