import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import type { Role } from '#src/kernel/actor.ts'
import { daySchema } from '#src/kernel/calendar.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema } from '#src/kernel/text.ts'
import { planDocumentSchema } from './plan.ts'
import type { PlanUseCases, VersionRow } from './plan-use-cases.ts'

const writers: readonly Role[] = ['administrator', 'finance']
const readers: readonly Role[] = [...writers, 'channel_manager', 'revenue_operations', 'approver', 'auditor']

const planSchema = z
  .object({
    id: idSchema<'incentive_plan'>(),
    programmeId: idSchema<'programme'>(),
    name: z.string(),
    createdAt: instantSchema,
  })
  .meta({ id: 'IncentivePlan' })

const versionSchema = z
  .object({
    id: idSchema<'plan_version'>(),
    planId: idSchema<'incentive_plan'>(),
    programmeId: idSchema<'programme'>(),
    number: z.int(),
    createdAt: instantSchema,
    document: planDocumentSchema,
    publications: z.array(z.object({ from: daySchema, at: instantSchema })),
  })
  .meta({ id: 'IncentivePlanVersion' })

const planParams = z.strictObject({ planId: idSchema<'incentive_plan'>() })
const versionParams = z.strictObject({ ...planParams.shape, versionId: idSchema<'plan_version'>() })
const answerVersion = ({ publications, ...version }: VersionRow) => ({
  ...version,
  publications: [...publications],
})

export const planRoutes = (plans: PlanUseCases) => [
  route({
    method: 'POST',
    path: '/api/v1/incentive-plans',
    summary: 'Create an incentive plan',
    tag: 'Incentives',
    access: writers,
    body: z.strictObject({ programmeId: idSchema<'programme'>(), name: lineSchema(120) }),
    answers: { 201: planSchema },
    handle: async ({ tx, actor, body }) => ({ status: 201, body: await plans.createPlan(tx, actor, body) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/incentive-plans',
    summary: 'List incentive plans',
    tag: 'Incentives',
    access: readers,
    query: z.strictObject({
      ...pageQuery.shape,
      programmeId: idSchema<'programme'>().optional(),
      sort: z.enum(['createdAt', '-createdAt']).default('-createdAt'),
    }),
    answers: { 200: pageOf(planSchema) },
    handle: async ({ tx, query }) => {
      const page = sortedPage(await plans.listPlans(tx, query, positionOf(query)), query)
      return { status: 200, body: { ...page, items: [...page.items] } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/incentive-plans/:planId/versions',
    summary: 'List the versions of an incentive plan, newest first',
    tag: 'Incentives',
    access: readers,
    params: planParams,
    answers: { 200: z.object({ items: z.array(versionSchema) }) },
    handle: async ({ tx, params }) => {
      const versions = await plans.listVersions(tx, params.planId)
      return { status: 200, body: { items: versions.map(answerVersion) } }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/incentive-plans/:planId/versions',
    summary: 'Add a version to an incentive plan',
    description: 'A version never changes; it does nothing until it is published.',
    tag: 'Incentives',
    access: writers,
    params: planParams,
    body: z.strictObject({ document: planDocumentSchema }),
    answers: { 201: versionSchema },
    handle: async ({ tx, actor, params, body }) => {
      const version = await plans.addVersion(tx, actor, params.planId, body.document)
      return { status: 201, body: answerVersion(version) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/incentive-plans/:planId/versions/:versionId/publish',
    summary: 'Put a plan version in force from a day on',
    description:
      'For deals approved from that day on; deals keep the version they were approved under. Of several published versions of a programme the one with the latest day is in force, of those of one day the one published last.',
    tag: 'Incentives',
    access: writers,
    params: versionParams,
    body: z.strictObject({ from: daySchema }),
    answers: { 200: versionSchema },
    handle: async ({ tx, actor, params, body }) => {
      const version = await plans.publish(tx, actor, params.planId, params.versionId, body.from)
      return { status: 200, body: answerVersion(version) }
    },
  }),
]
