import { z } from 'zod'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { instantSchema } from '#src/http/codecs.ts'
import { route } from '#src/http/route.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema, textSchema } from '#src/kernel/text.ts'
import type { ConflictUseCases } from './conflict-use-cases.ts'
import { checkSchema, conflictReaders } from './conflict-wire.ts'

const caseSchema = z
  .object({
    dealId: z.string(),
    checks: z.array(checkSchema),
    decisions: z.array(
      z.object({
        id: z.string(),
        checkId: z.string(),
        decision: z.enum(['override', 'uphold']),
        reason: z.string(),
        decidedBy: z.string(),
        decidedByName: z.string(),
        decidedAt: instantSchema,
      }),
    ),
  })
  .meta({ id: 'ConflictCase' })

const questionSchema = z
  .strictObject({
    company: z.strictObject({
      name: lineSchema(300),
      domain: lineSchema(500).optional(),
      email: z.email().max(320).optional(),
      country: lineSchema(100).optional(),
      city: lineSchema(200).optional(),
      postalCode: lineSchema(20).optional(),
      phone: lineSchema(50).optional(),
    }),
    /** None means all products. */
    familyIds: z.array(z.uuid()).max(100).optional(),
  })
  .meta({ id: 'ConflictQuestion' })

const dealParams = z.strictObject({ dealId: idSchema<'deal'>() })

export const conflictRoutes = (conflicts: ConflictUseCases) => [
  route({
    method: 'GET',
    path: '/api/v1/deals/:dealId/conflict',
    summary: 'Conflict checks of a deal with all evidence, and the decisions on them',
    tag: 'Conflicts',
    access: conflictReaders,
    params: dealParams,
    answers: { 200: caseSchema },
    handle: async ({ tx, params }) => ({
      status: 200,
      body: await conflicts.checksOf(tx, params.dealId),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/deals/:dealId/conflict/decision',
    summary: 'Override a suspected conflict, or uphold it',
    tag: 'Conflicts',
    access: ['administrator', 'channel_manager'],
    params: dealParams,
    body: z.strictObject({
      decision: z.enum(['override', 'uphold']),
      reason: textSchema(2_000).min(10),
    }),
    answers: { 200: caseSchema },
    handle: async ({ tx, actor, params, body }) => ({
      status: 200,
      body: await conflicts.decide(tx, actor, params.dealId, body.decision, body.reason),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/conflict-checks',
    summary: 'Ask whether a registration would overlap with other activity',
    description:
      'Says only whether there is an overlap. Nothing is reserved. Questions are recorded, and how often a partner may ask (30 a minute, 500 a day, about one company 10 a day, until 20 overlaps a day) is part of the conflict rules (429 with Retry-After beyond).',
    tag: 'Conflicts',
    access: ['partner_administrator', 'partner_seller'],
    body: questionSchema,
    answers: { 200: z.object({ conflict: z.boolean(), message: z.string() }).meta({ id: 'ConflictAnswer' }) },
    handle: async ({ tx, actor, body }) => ({
      status: 200,
      body: await conflicts.ask(tx, actor, {
        company: identifyCompany(body.company),
        familyIds: body.familyIds ?? [],
      }),
    }),
  }),
]
