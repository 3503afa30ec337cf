import { z } from 'zod'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { instantSchema } from '#src/http/codecs.ts'
import { route } from '#src/http/route.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema, textSchema } from '#src/kernel/text.ts'
import type { ConflictUseCases } from './conflict-use-cases.ts'

const sequenceSchema = z.codec(z.string().regex(/^\d{1,19}$/), z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (number) => number.toString(),
})

const evidenceSchema = z.object({
  point: z.enum([
    'customer',
    'identifier',
    'domain',
    'name',
    'legal_form',
    'number',
    'country',
    'city',
    'postal_code',
    'phone',
    'address',
    'families',
    'window',
  ]),
  speaks: z.enum(['for', 'against']),
  ours: z.string().nullable(),
  theirs: z.string().nullable(),
  points: z
    .int()
    .optional()
    .describe('Ten points make it ten times as likely, or unlikely, that the two companies are one'),
})

const candidateSchema = z
  .object({
    kind: z.enum(['rival', 'own', 'direct', 'link', 'account']),
    key: z.enum(['customer', 'identifier', 'domain', 'name', 'spelling']),
    score: z.number().describe('How likely the two companies are one, in percent'),
    band: z.enum(['strong', 'possible']),
    collides: z.boolean(),
    evidence: z.array(evidenceSchema),
    claim: z.object({
      claimId: z.string().nullable(),
      source: z.enum(['registration', 'opportunity', 'account']),
      standing: z.string(),
      dealId: z.string().nullable(),
      connectionId: z.string().nullable(),
      remoteId: z.string().nullable(),
      partnerId: z.string().nullable(),
      customerId: z.string().nullable(),
      company: z.object({
        name: z.string(),
        nameKey: z.string(),
        domain: z.string().nullable(),
        country: z.string().nullable(),
        city: z.string().nullable(),
        postalCode: z.string().nullable().optional(),
        phone: z.string().nullable().optional(),
        address: z.string().nullable().optional(),
        identifiers: z.array(z.string()).optional(),
      }),
      familyIds: z.array(z.string()),
      range: z.object({ from: z.string().nullable(), to: z.string().nullable() }),
      amountMinor: z.string().nullable(),
      currency: z.string().nullable(),
      stage: z.string().nullable(),
      openedOn: z.string().nullable(),
    }),
  })
  .meta({ id: 'ConflictCandidate' })

const caseSchema = z
  .object({
    dealId: z.string(),
    checks: z.array(
      z.object({
        id: z.string(),
        purpose: z.enum(['submit', 'question', 'watch']),
        partnerId: z.string().nullable(),
        verdict: z.enum(['clear', 'suspected']),
        reasons: z.array(z.enum(['candidate', 'mirror_stale', 'too_many'])),
        ruleVersion: z.int(),
        claimSeqHorizon: sequenceSchema,
        claimSeq: sequenceSchema.nullable(),
        mirror: z.enum(['none', 'fresh', 'stale']),
        checkedAt: instantSchema,
        durationMs: z.int(),
        /** The best of those found. */
        candidates: z.array(candidateSchema),
        candidatesFound: z.int(),
      }),
    ),
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
    access: ['administrator', 'channel_manager', 'revenue_operations', 'approver', 'auditor'],
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
      'Says only whether there is an overlap. Nothing is reserved. Questions are recorded, and a partner may ask 30 a minute and 500 a day (429 with Retry-After beyond).',
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
