import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { minorUnitsSchema } from '#src/kernel/money.ts'
import { textSchema } from '#src/kernel/text.ts'
import { type CaseDecision, caseCauses, caseStatuses, closedAs, labelWords, partyOutcomes } from './case.ts'

const dealId = idSchema<'deal'>()
const label = z.enum(labelWords)

const shares = z
  .array(z.strictObject({ partnerId: idSchema<'partner'>(), shareWeight: z.int().min(1).max(1_000_000) }))
  .min(2)
  .max(20)
const close = z
  .boolean()
  .default(true)
  .describe('Reject or cancel the registrations that give way; false: they stay, and cannot be approved')
const someDeals = z
  .array(dealId)
  .min(1)
  .max(200)
  .nullable()
  .default(null)
  .describe('Which of the deals in question; all of them if absent')

const upholdSchema = z.strictObject({ kind: z.literal('uphold'), dealIds: someDeals, close })
const overrideSchema = z.strictObject({ kind: z.literal('override'), dealIds: someDeals })
const transferSchema = z.strictObject({
  kind: z.literal('transfer'),
  fromDealId: dealId,
  toDealId: dealId,
  close,
})
const splitSchema = z.strictObject({
  kind: z.literal('split'),
  dealId: dealId.describe('The deal that stays, and is paid out to several partners'),
  shares,
})
const mergeSchema = z.strictObject({
  kind: z.literal('merge_customers'),
  customerId: idSchema<'customer'>(),
  into: idSchema<'customer'>(),
})
const apartSchema = z.strictObject({ kind: z.literal('keep_apart') })

const said = {
  reason: textSchema(2_000).min(10).describe('For the vendor alone'),
  message: textSchema(2_000).optional().describe('What the partners concerned are told; name nobody in it'),
  labels: z
    .array(z.strictObject({ dealId, claimId: z.uuid(), sameCompany: label, sameDeal: label }))
    .max(500)
    .default([])
    .describe('What the candidates were, as a person knows it'),
}

export const decisionSchema = z
  .strictObject({
    decision: z.discriminatedUnion('kind', [
      upholdSchema,
      overrideSchema,
      transferSchema,
      splitSchema,
      mergeSchema,
      apartSchema,
    ]),
    ...said,
  })
  .meta({ id: 'ConflictCaseDecision' })

export const answerSchema = z
  .strictObject({
    grant: z
      .discriminatedUnion('kind', [upholdSchema, overrideSchema, transferSchema, splitSchema, apartSchema])
      .nullable()
      .describe('What holds instead; null: the appeal is declined and the decision stands'),
    ...said,
  })
  .meta({ id: 'ConflictAppealAnswer' })

export const toInput = ({ decision, reason, message, labels }: z.output<typeof decisionSchema>) => ({
  decision: decision satisfies CaseDecision,
  reason,
  message: message ?? null,
  labels,
})

const money = { amountMinor: minorUnitsSchema.nullable(), currency: z.string().nullable() }

const registrationSchema = z
  .object({
    dealId,
    number: z.string(),
    companyName: z.string(),
    partnerId: z.string(),
    partnerName: z.string().nullable(),
    customerId: z.string().nullable(),
    status: z.string(),
    conflict: z.string().nullable(),
    phase: z.enum(['pending', 'approved', 'ended']),
    registeredAt: instantSchema.nullable(),
    protectedFrom: z.string().nullable(),
    protectedUntil: z.string().nullable(),
    ...money,
  })
  .meta({ id: 'ConflictCaseRegistration' })

const heard = {
  message: z.string().nullable(),
  decidedAt: instantSchema.nullable(),
  appealUntil: instantSchema.nullable(),
  appealedAt: instantSchema.nullable(),
  appealText: z.string().nullable(),
  answer: z.enum(['granted', 'declined']).nullable(),
  answerMessage: z.string().nullable(),
  answeredAt: instantSchema.nullable(),
}

const partySchema = z.object({
  dealId,
  partnerId: z.string(),
  claimId: z.string(),
  inQuestion: z.boolean().describe('The decision is about it; the others are what it met'),
  isOpen: z.boolean(),
  joinedAt: instantSchema,
  outcome: z.enum(partyOutcomes).nullable(),
  ...heard,
  registration: registrationSchema.nullable(),
})

const summary = {
  id: idSchema<'conflict_case'>(),
  number: z.string(),
  programmeId: z.string(),
  status: z.enum(caseStatuses),
  cause: z.enum(caseCauses).describe('What brought it up'),
  assigneeId: z.string().nullable(),
  assigneeName: z.string().nullable(),
  clockStartedAt: instantSchema,
  targetAt: instantSchema,
  overdueAt: instantSchema,
  decidedAt: instantSchema.nullable(),
  decidedByName: z.string().nullable(),
  appealUntil: instantSchema.nullable(),
  closedAt: instantSchema.nullable(),
  closedAs: z.enum(closedAs).nullable(),
  joinedInto: idSchema<'conflict_case'>().nullable(),
  revision: z.int(),
  createdAt: instantSchema,
  updatedAt: instantSchema,
  deals: z.array(partySchema),
}

export const caseSummarySchema = z.object(summary).meta({ id: 'ConflictCaseSummary' })

const claimSchema = z
  .object({
    claimId: z.string(),
    source: z.enum(['registration', 'opportunity', 'account']),
    standing: z.enum(['pending', 'held', 'contested', 'closed']),
    dealId: z.string().nullable(),
    partnerId: z.string().nullable(),
    connectionId: z.string().nullable(),
    remoteId: z.string().nullable(),
    companyName: z.string(),
    stage: z.string().nullable(),
    openedOn: z.string().nullable(),
    ageDays: z.int().nullable().describe('Of an opportunity, since it was opened'),
    seenAt: instantSchema,
    ...money,
  })
  .meta({ id: 'ConflictCaseClaim' })

/** A candidate as its check had it; the words are those of the rules of that day. */
const candidateSchema = z.object({
  kind: z.string(),
  key: z.string(),
  score: z.number(),
  band: z.string(),
  collides: z.boolean(),
  evidence: z.array(
    z.object({
      point: z.string(),
      speaks: z.string(),
      ours: z.string().nullable(),
      theirs: z.string().nullable(),
    }),
  ),
  claim: z.object({
    claimId: z.string().nullable(),
    source: z.string(),
    standing: z.string(),
    dealId: z.string().nullable(),
    partnerId: z.string().nullable(),
    customerId: z.string().nullable(),
    remoteId: z.string().nullable(),
    company: z.object({ name: z.string(), domain: z.string().nullable(), country: z.string().nullable() }),
    stage: z.string().nullable(),
    openedOn: z.string().nullable(),
    amountMinor: z.string().nullable(),
    currency: z.string().nullable(),
  }),
})

const checkSchema = z
  .object({
    id: z.string(),
    dealId,
    purpose: z.string(),
    verdict: z.string(),
    reasons: z.array(z.string()),
    ruleVersion: z.number(),
    mirror: z.string(),
    checkedAt: instantSchema,
    candidates: z.array(candidateSchema),
  })
  .meta({ id: 'ConflictCaseCheck' })

export const caseDetailSchema = z
  .object({
    ...summary,
    claims: z.array(claimSchema),
    decisions: z.array(
      z.object({
        id: z.string(),
        kind: z.string(),
        isFinal: z.boolean().describe('It answers an appeal'),
        detail: z.record(z.string(), z.unknown()),
        reason: z.string(),
        message: z.string().nullable(),
        decidedBy: z.string(),
        decidedByName: z.string(),
        decidedAt: instantSchema,
      }),
    ),
    labels: z.array(
      z.object({
        decisionId: z.string(),
        dealId,
        claimId: z.string(),
        checkId: z.string(),
        ruleVersion: z.number(),
        candidateKind: z.string(),
        matchKey: z.string(),
        score: z.string().describe('As the check had shown it'),
        band: z.string(),
        collides: z.boolean(),
        sameCompany: label,
        sameDeal: label,
        stated: z.boolean().describe('A person said so; otherwise it follows from the decision'),
      }),
    ),
    timeline: z.array(
      z.object({
        at: instantSchema,
        kind: z.string(),
        dealId: z.string().nullable(),
        by: z.string().nullable(),
        data: z.record(z.string(), z.string().nullable()),
        registration: registrationSchema.nullable(),
        opportunity: claimSchema.nullable(),
        check: checkSchema.nullable(),
      }),
    ),
  })
  .meta({ id: 'ConflictCaseDetail' })

/** What a partner sees: its own deals, the vendor's text, its appeal. Nothing of who else is there. */
export const ownCaseSchema = z
  .object({
    id: idSchema<'conflict_case'>(),
    revision: z.int(),
    deals: z.array(
      z.object({
        dealId,
        number: z.string().nullable(),
        since: instantSchema,
        status: z.enum(['under_review', 'decided', 'appealed', 'closed']),
        outcome: z.enum(['not_granted', 'taken_back', 'shared', 'goes_on', 'ended']).nullable(),
        mayAppeal: z.boolean(),
        ...heard,
      }),
    ),
  })
  .meta({ id: 'OwnConflictCase' })
