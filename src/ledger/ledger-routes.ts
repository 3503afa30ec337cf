import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { decodeCursor, pageOf, pageQuery, toPage } from '#src/http/paging.ts'
import { route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import type { Role } from '#src/kernel/actor.ts'
import { daySchema } from '#src/kernel/calendar.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { currencySchema, minorUnitsSchema } from '#src/kernel/money.ts'
import { accountKinds, entryKinds } from './ledger.ts'
import { listBalances, listEntries } from './ledger-use-cases.ts'

/** Who may read the books; a partner's people see their own. */
const readers: readonly Role[] = [
  'administrator',
  'finance',
  'auditor',
  'partner_administrator',
  'partner_finance',
]

export const periodSchema = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'a month such as 2026-03')

const accountSchema = z
  .object({ kind: z.enum(accountKinds), partnerId: idSchema<'partner'>().nullable() })
  .nullable()
  .describe("null: an account of the vendor's that you do not see")

const entrySchema = z
  .object({
    id: idSchema<'ledger_entry'>(),
    postedAt: instantSchema,
    effectiveOn: daySchema,
    period: periodSchema,
    kind: z.enum(entryKinds),
    cause: z.string(),
    partnerId: idSchema<'partner'>().nullable(),
    dealId: idSchema<'deal'>().nullable(),
    planVersionId: idSchema<'plan_version'>().nullable(),
    planLine: z.string().nullable(),
    adjusts: idSchema<'ledger_entry'>().nullable(),
    reverses: idSchema<'ledger_entry'>().nullable(),
    basis: z.record(z.string(), z.unknown()).describe('What the amount was computed from'),
    contentHash: z.string(),
    postings: z.array(
      z.object({
        debit: accountSchema,
        credit: accountSchema,
        amountMinor: minorUnitsSchema,
        currency: currencySchema,
      }),
    ),
  })
  .meta({ id: 'LedgerEntry' })

const balanceSchema = z
  .object({
    kind: z.enum(accountKinds),
    partnerId: idSchema<'partner'>().nullable(),
    currency: currencySchema,
    balanceMinor: minorUnitsSchema.describe('Credits less debits: positive is owed to the owner'),
  })
  .meta({ id: 'LedgerAccount' })

export const ledgerRoutes = () => [
  route({
    method: 'GET',
    path: '/api/v1/ledger/entries',
    summary: 'List ledger entries',
    tag: 'Ledger',
    access: readers,
    query: z.strictObject({
      ...pageQuery.shape,
      partnerId: idSchema<'partner'>().optional(),
      dealId: idSchema<'deal'>().optional(),
      period: periodSchema.optional(),
      kind: z.enum(entryKinds).optional(),
      sort: z.enum(['postedAt', '-postedAt']).default('-postedAt'),
    }),
    answers: { 200: pageOf(entrySchema) },
    handle: async ({ tx, query }) => {
      const page = sortedPage(await listEntries(tx, query, positionOf(query)), query)
      const items = page.items.map((entry) => ({ ...entry, postings: [...entry.postings] }))
      return { status: 200, body: { ...page, items } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/ledger/accounts',
    summary: 'List ledger accounts with their balances',
    tag: 'Ledger',
    access: readers,
    query: z.strictObject({
      ...pageQuery.shape,
      partnerId: idSchema<'partner'>().optional(),
      kind: z.enum(accountKinds).optional(),
    }),
    answers: { 200: pageOf(balanceSchema) },
    handle: async ({ tx, query: { limit, cursor, ...filter } }) => {
      const rows = await listBalances(tx, filter, {
        after: cursor ? readPlace(cursor) : null,
        limit: limit + 1,
      })
      const page = toPage(rows, limit, ({ partnerId, currency, kind }) => [
        partnerId ?? noPartner,
        currency,
        kind,
      ])
      return { status: 200, body: { ...page, items: [...page.items] } }
    },
  }),
]

const noPartner = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

function readPlace(cursor: string): [string, string, string] {
  const [partner = '', currency = '', kind = ''] = decodeCursor(cursor, 3)
  return [z.uuid().safeParse(partner).success ? partner : noPartner, currency, kind]
}
