import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { holdReasons } from './award.ts'
import type { IncentiveUseCases } from './incentive-use-cases.ts'

const heldSchema = z
  .object({
    dealId: idSchema<'deal'>(),
    outcomeRevision: z.int(),
    planVersionId: idSchema<'plan_version'>().nullable(),
    evaluatedAt: instantSchema,
    holds: z.array(
      z.object({
        planLineId: z.string().nullable().describe('null: everything of the deal waits'),
        reason: z.enum(holdReasons),
        detail: z.string(),
      }),
    ),
  })
  .meta({ id: 'EarningsOnHold' })

export const incentiveRoutes = (incentives: Pick<IncentiveUseCases, 'listHeldDeals'>) => [
  route({
    method: 'GET',
    path: '/api/v1/earnings-on-hold',
    summary: 'List deals whose earnings wait, with the reasons',
    tag: 'Incentives',
    access: ['administrator', 'finance', 'channel_manager', 'revenue_operations', 'approver', 'auditor'],
    query: z.strictObject({ ...pageQuery.shape, sort: z.enum(['dealId', '-dealId']).default('dealId') }),
    answers: { 200: pageOf(heldSchema) },
    handle: async ({ tx, query }) => {
      const page = sortedPage(await incentives.listHeldDeals(tx, positionOf(query)), query)
      const items = page.items.map(({ holds, ...deal }) => ({ ...deal, holds: [...holds] }))
      return { status: 200, body: { ...page, items } }
    },
  }),
]
