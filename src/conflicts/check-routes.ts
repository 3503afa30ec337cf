import { z } from 'zod'
import { type Route, route } from '#src/http/route.ts'
import { daySchema } from '#src/kernel/calendar.ts'
import { idSchema } from '#src/kernel/ids.ts'
import type { ConflictUseCases } from './conflict-use-cases.ts'
import {
  bandSchema,
  checkSchema,
  companySchema,
  conflictReaders,
  differenceSchema,
  rangeSchema,
  reasonsSchema,
  winnerSchema,
} from './conflict-wire.ts'

const gapSchema = z.enum(['too_many', 'cut_off', 'damaged'])

const recordSchema = z
  .object({
    ...checkSchema.shape,
    subject: z.object({
      dealId: z.string().nullable(),
      partnerId: z.string().nullable(),
      customerId: z.string().nullable(),
      company: companySchema,
      familyIds: z.array(z.string()).readonly(),
      productIds: z.array(z.string()).readonly().optional(),
      registrationType: z.string().nullish(),
      registeredAt: z.string().nullish(),
      range: rangeSchema,
    }),
    inputs: z
      .object({
        asOf: daySchema,
        gaps: z.array(gapSchema).readonly(),
        wins: z
          .array(
            z.object({
              dealId: z.string(),
              partnerId: z.string(),
              wonOn: daySchema,
              familyIds: z.array(z.string()).readonly(),
            }),
          )
          .readonly(),
      })
      .nullable()
      .describe('What was looked at beside the candidates; null of a check made before it was kept'),
  })
  .meta({ id: 'ConflictCheckRecord' })

const answerSchema = z.object({
  verdict: z.enum(['clear', 'suspected']),
  band: bandSchema,
  reasons: reasonsSchema,
  winner: winnerSchema,
  told: z.string(),
})
const differencesSchema = z.array(differenceSchema).readonly()

const replaySchema = z
  .object({
    checkId: z.string(),
    ruleVersion: z.int(),
    matcherVersion: z.int(),
    same: z.boolean().describe('The same answer came out of the same inputs'),
    differences: differencesSchema,
    replayed: answerSchema,
    rescored: z
      .object({ matcherVersion: z.int(), ruling: answerSchema, differences: differencesSchema })
      .describe('The companies compared anew by the comparison of today, under the rules of then'),
    otherwise: z
      .object({
        rules: z.union([z.literal('draft'), z.int()]),
        ruling: answerSchema,
        differences: differencesSchema,
      })
      .describe('By other rules. Claims that were no candidates then are not looked for'),
  })
  .meta({ id: 'ConflictReplay' })

const shareSchema = z
  .object({ value: z.number(), from: z.number(), to: z.number() })
  .nullable()
  .describe('With the range in which it lies in 19 of 20 cases')
const bandQualitySchema = z.object({
  labelled: z.int(),
  right: z.int(),
  precision: shareSchema,
  recall: shareSchema,
})
const qualitySchema = z.object({
  labelled: z.int(),
  bands: z.object({
    blocked: bandQualitySchema,
    review: bandQualitySchema,
    flagged: bandQualitySchema,
    clear: bandQualitySchema,
  }),
  words: z.string().describe('How far these figures carry'),
})
const versionQualitySchema = z
  .object({
    ruleVersion: z.int().nullable().describe('Null: all versions together'),
    matcherVersion: z.int().nullable(),
    conflicts: qualitySchema,
    companies: qualitySchema,
  })
  .meta({ id: 'ConflictQuality' })

const checkParams = z.strictObject({ checkId: idSchema<'conflict_check'>() })

/** Single checks as proof: their record, the same again, and how often people agreed. */
export const checkRoutes = (conflicts: ConflictUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path: '/api/v1/conflict-checks/:checkId',
    summary: 'Show a conflict check with everything that it was decided by',
    tag: 'Conflicts',
    access: conflictReaders,
    params: checkParams,
    answers: { 200: recordSchema },
    handle: async ({ tx, params }) => ({ status: 200, body: await conflicts.getCheck(tx, params.checkId) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/conflict-checks/:checkId/replay',
    summary: 'Judge a conflict check again from what it kept, and by other rules',
    description:
      'By the rules it went by the answer must be the same; `differences` says what is not. `otherwise` is what the newest rules, the draft or a version named would say. Nothing is changed.',
    tag: 'Conflicts',
    access: conflictReaders,
    params: checkParams,
    body: z.strictObject({
      rules: z.union([z.enum(['newest', 'draft']), z.int().min(1)]).default('newest'),
    }),
    answers: { 200: replaySchema },
    handle: async ({ tx, params, body }) => ({
      status: 200,
      body: await conflicts.replay(tx, params.checkId, body.rules),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/deals/:dealId/conflict-notice',
    summary: 'What a partner is told about the conflict check of its registration',
    description: 'Whether there is an overlap, in words that are the same for everybody; never with whom.',
    tag: 'Conflicts',
    access: ['partner_administrator', 'partner_seller', ...conflictReaders],
    params: z.strictObject({ dealId: idSchema<'deal'>() }),
    answers: { 200: z.object({ conflict: z.boolean(), message: z.string() }).meta({ id: 'ConflictNotice' }) },
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      body: await conflicts.noticeOf(tx, actor, params.dealId),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/conflict-quality',
    summary: 'How often the bands of conflict checks were right, by what people decided',
    description:
      'Precision and recall of each band on decisions (uphold, override) and on companies (same, different): for all versions of the rules together, then for each.',
    tag: 'Conflicts',
    access: conflictReaders,
    query: z.strictObject({ since: daySchema.optional() }),
    answers: { 200: z.object({ items: z.array(versionQualitySchema).readonly() }) },
    handle: async ({ tx, query }) => ({
      status: 200,
      body: {
        items: await conflicts.quality(tx, query.since === undefined ? null : new Date(query.since)),
      },
    }),
  }),
]
