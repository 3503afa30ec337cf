/** What several routes of conflicts send. */
import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import type { Role } from '#src/kernel/actor.ts'
import { companyPoints } from './company-likeness.ts'
import { winnerRules } from './rule-set.ts'
import { verdictReasons } from './verdict.ts'

/** Who may look at evidence: people of the vendor. */
export const conflictReaders = [
  'administrator',
  'channel_manager',
  'revenue_operations',
  'approver',
  'auditor',
] satisfies Role[]

export const versionNumber = z.coerce.number().int().min(1).max(2_147_483_647)

export const differenceSchema = z
  .object({
    path: z.string(),
    kind: z.enum(['added', 'removed', 'changed']),
    before: z.string().nullable().describe('As JSON'),
    after: z.string().nullable(),
  })
  .meta({ id: 'ConflictDifference' })

export const reasonsSchema = z.array(z.enum(verdictReasons)).readonly()

const sequenceSchema = z.codec(z.string().regex(/^\d{1,19}$/), z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (number) => number.toString(),
})

const evidenceSchema = z.object({
  point: z.enum([
    'customer',
    ...companyPoints,
    'families',
    'products',
    'window',
    'territory',
    'stage',
    'age',
  ]),
  speaks: z.enum(['for', 'against']),
  ours: z.string().nullable(),
  theirs: z.string().nullable(),
  points: z
    .int()
    .optional()
    .describe('Ten points make it ten times as likely, or unlikely, that the two companies are one'),
})

/** A company as it was compared. */
export const companySchema = z.object({
  name: z.string(),
  nameKey: z.string(),
  domain: z.string().nullable(),
  country: z.string().nullable(),
  city: z.string().nullable(),
  postalCode: z.string().nullish(),
  phone: z.string().nullish(),
  address: z.string().nullish(),
  identifiers: z.array(z.string()).readonly().optional(),
})
export const rangeSchema = z.object({ from: z.string().nullable(), to: z.string().nullable() })

const candidateSchema = z
  .object({
    kind: z.enum(['rival', 'own', 'direct', 'link', 'account']),
    key: z.enum(['customer', 'identifier', 'domain', 'name', 'spelling']),
    score: z.number(),
    band: z.enum(['strong', 'possible']).describe('strong: taken for the same company'),
    collides: z.boolean(),
    evidence: z.array(evidenceSchema).readonly(),
    claim: z.object({
      claimId: z.string().nullable(),
      source: z.enum(['registration', 'opportunity', 'account']),
      standing: z.string(),
      dealId: z.string().nullable(),
      connectionId: z.string().nullable(),
      remoteId: z.string().nullable(),
      partnerId: z.string().nullable(),
      customerId: z.string().nullable(),
      company: companySchema,
      familyIds: z.array(z.string()).readonly(),
      range: rangeSchema,
      amountMinor: z.string().nullable(),
      currency: z.string().nullable(),
      stage: z.string().nullable(),
      openedOn: z.string().nullable(),
      productIds: z.array(z.string()).readonly().optional(),
      registrationType: z.string().nullish(),
      registeredAt: z.string().nullish(),
    }),
  })
  .meta({ id: 'ConflictCandidate' })

export const bandSchema = z
  .enum(['clear', 'review', 'blocked'])
  .describe('review: a person looks; blocked: somebody else surely has it. Neither is approved by itself')

export const winnerSchema = z
  .object({
    by: z.enum(winnerRules),
    side: z.enum(['subject', 'partner', 'direct']),
    partnerId: z.string().nullable(),
    claimId: z.string().nullable(),
  })
  .nullable()
  .describe('Who should have it by the rules, if people find that it is one deal')

const listHitSchema = z.object({
  list: z.enum(['exclusion', 'named_account', 'house_account']),
  index: z.int(),
  score: z.number(),
  key: z.enum(['customer', 'identifier', 'domain', 'name', 'spelling']),
  evidence: z.array(evidenceSchema).readonly(),
  partnerId: z.string().nullable(),
  reason: z.string().nullable(),
  tell: z.string().nullable(),
})

const rulingSchema = z.object({
  winner: winnerSchema,
  listed: z.array(listHitSchema).readonly().describe('Entries of lists that mean this company'),
  told: z.string().describe('What the partner reads'),
})

export const checkSchema = z
  .object({
    id: z.string(),
    purpose: z.enum(['submit', 'question', 'watch']),
    dealId: z.string().nullable(),
    partnerId: z.string().nullable(),
    verdict: z.enum(['clear', 'suspected']),
    band: bandSchema,
    reasons: reasonsSchema,
    ruling: rulingSchema.nullable(),
    ruleVersion: z.int(),
    matcherVersion: z.int(),
    claimSeqHorizon: sequenceSchema,
    claimSeq: sequenceSchema.nullable(),
    mirror: z.enum(['none', 'fresh', 'stale']),
    checkedAt: instantSchema,
    durationMs: z.int(),
    candidates: z.array(candidateSchema).describe('The best of those found'),
    candidatesFound: z.int(),
  })
  .meta({ id: 'ConflictCheck' })
