/**
 * Incentive plans: what a won deal earns its partners, as data, in immutable versions published from a day on.
 * This folder works out awards with their explanation and posts differences to the ledger. It must not decide whether a
 * deal is won, nor pay anything out.
 */
import { z } from 'zod'
import { always, checkCondition, conditionSchema, type Fact } from '#src/kernel/condition.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import type { Id, PlanVersionId, ProgrammeId } from '#src/kernel/ids.ts'
import { currencySchema, minorUnitsSchema, ratePpmSchema } from '#src/kernel/money.ts'
import { lineSchema } from '#src/kernel/text.ts'

export type PlanId = Id<'incentive_plan'>

/** What the condition of a plan line may ask for; it is asked once per product family of the deal. */
export const awardFacts: readonly Fact[] = [
  { name: 'tierId', type: 'reference' },
  { name: 'familyId', type: 'reference' },
  { name: 'registrationType', type: 'text' },
  { name: 'country', type: 'text' },
  { name: 'currency', type: 'text' },
  { name: 'amount', type: 'money' },
  { name: 'effectiveOn', type: 'date' },
]

const positiveMinorSchema = minorUnitsSchema.refine((amount) => amount > 0n, { message: 'more than zero' })
const moneySchema = z.strictObject({ amountMinor: positiveMinorSchema, currency: currencySchema })

/** percent: of the amount in the matching product families; flat: once per deal that has a matching one. */
const payoutRuleSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('percent'), ratePpm: ratePpmSchema.min(1) }),
  z.strictObject({ kind: z.literal('flat'), ...moneySchema.shape }),
])

export const planLineSchema = z
  .strictObject({
    /** Stays the same from version to version: what was posted is compared by it. */
    id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'lower case letters, digits, - and _'),
    name: lineSchema(120),
    when: conditionSchema.describe('Over the award facts; an empty "all" always holds'),
    pays: payoutRuleSchema,
    /** Product families and tiers by id; null means all, also a deal that names none. */
    families: z.array(z.uuid()).min(1).max(500).nullable(),
    tiers: z.array(z.uuid()).min(1).max(100).nullable(),
    /** Most that the line awards per deal, before the split between partners. */
    cap: moneySchema.nullable(),
  })
  .meta({ id: 'PlanLine' })
export type PlanLine = z.infer<typeof planLineSchema>

/** Lines add up: each that matches pays on its own. */
export const planDocumentSchema = z
  .strictObject({
    schema: z.literal(1),
    lines: z.array(planLineSchema).min(1).max(200),
    /** Days after the outcome until an award is payable. */
    holdbackDays: z.int().min(0).max(730),
    /** A percentage is rounded once per plan line, on its base; stated so that it can be read. */
    rounding: z.literal('half_even'),
    /** Splits give the cents that are left to the largest remainders; they lose none. */
    splitRounding: z.literal('largest_remainder'),
  })
  .meta({ id: 'PlanDocument' })
export type PlanDocument = z.infer<typeof planDocumentSchema>

export interface PlanVersion {
  readonly id: PlanVersionId
  readonly planId: PlanId
  readonly programmeId: ProgrammeId
  /** 1, 2, 3 ... within its plan. */
  readonly number: number
  readonly document: PlanDocument
}

/** Problems that the schema alone does not see. */
export function checkPlanDocument(document: PlanDocument): FieldIssue[] {
  const seen = new Set<string>()
  return document.lines.flatMap((line, index) => {
    const at = `/lines/${index}`
    const issues = checkCondition(line.when, awardFacts, `${at}/when`)
    if (seen.has(line.id)) {
      issues.push({ path: `${at}/id`, code: 'repeated', message: `"${line.id}" names another line too` })
    }
    seen.add(line.id)
    if (line.pays.kind === 'flat' && line.cap && line.cap.currency !== line.pays.currency) {
      const message = 'The cap of a flat amount is in the currency of that amount'
      issues.push({ path: `${at}/cap/currency`, code: 'other_currency', message })
    }
    return issues
  })
}

/** The smallest plan: one percentage for everything. */
export const flatRatePlan = (ratePpm: number, holdbackDays: number): PlanDocument => ({
  schema: 1,
  lines: [
    {
      id: 'base',
      name: 'Base commission',
      when: always,
      pays: { kind: 'percent', ratePpm },
      families: null,
      tiers: null,
      cap: null,
    },
  ],
  holdbackDays,
  rounding: 'half_even',
  splitRounding: 'largest_remainder',
})
