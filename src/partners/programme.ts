/**
 * Partner organisations: who they are, the programmes and tiers they belong to, their people and API tokens.
 * This folder knows nothing of deals; what it asks of them is a list of facts (`dealFacts`) that conditions may name.
 */
import { z } from 'zod'
import {
  type BusinessCalendar,
  businessCalendarSchema,
  defaultCalendar,
  timeZoneSchema,
} from '#src/kernel/calendar.ts'
import { type Condition, checkCondition, conditionSchema, type Fact } from '#src/kernel/condition.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import { idSchema, type ProgrammeId, type UserId } from '#src/kernel/ids.ts'
import { currencySchema } from '#src/kernel/money.ts'

/** What happens to protection at its end while a linked opportunity is still open. */
export const lapseRules = ['keep_while_open', 'lapse'] as const

export interface Programme {
  readonly id: ProgrammeId
  readonly name: string
  readonly timeZone: string
  readonly calendar: BusinessCalendar
  readonly currency: string
  readonly protectionDays: number
  readonly extensionDays: number
  readonly lapseRule: (typeof lapseRules)[number]
  readonly reviewTargetBusinessDays: number
  readonly reviewOverdueBusinessDays: number
  /** A registration that meets it is approved at once; null: a person decides each one. */
  readonly autoApproval: Condition | null
  /** Who may register; null means every tier, every country. */
  readonly eligibility: {
    readonly tierIds: readonly string[] | null
    readonly countries: readonly string[] | null
  }
  /** The vendor user who decides unless a rule says otherwise. */
  readonly deciderId: UserId | null
  readonly registrationTypes: readonly string[]
  readonly revision: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A level of a programme; a higher rank stands above a lower one. */
export interface Tier {
  readonly id: string
  readonly programmeId: ProgrammeId
  readonly name: string
  readonly rank: number
  readonly revision: number
}

/**
 * What a condition on a deal may ask for; whoever evaluates one supplies every fact. `productFamilies` are the codes of
 * all lines, sorted and joined with ", "; `tier` is the name of the partner's tier in the programme.
 */
export const dealFacts: readonly Fact[] = [
  { name: 'amount', type: 'money' },
  { name: 'country', type: 'text' },
  { name: 'registrationType', type: 'choice' },
  { name: 'tier', type: 'text' },
  { name: 'conflict', type: 'choice', choices: ['clear', 'suspected'] },
  { name: 'productFamilies', type: 'text' },
  { name: 'productFamilyCount', type: 'number' },
  { name: 'partnerStatus', type: 'choice', choices: ['active', 'suspended', 'ended'] },
]

const days = z.int().min(1).max(3_650)
const countries = z.array(z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 code such as DE')).max(300)

/** Everything that an administrator sets. */
export const programmeRulesSchema = z.strictObject({
  name: z.string().trim().min(1).max(200),
  timeZone: timeZoneSchema,
  calendar: businessCalendarSchema,
  currency: currencySchema,
  protectionDays: days,
  extensionDays: days,
  lapseRule: z.enum(lapseRules),
  reviewTargetBusinessDays: z.int().min(1).max(260),
  reviewOverdueBusinessDays: z.int().min(1).max(260),
  autoApproval: conditionSchema.nullable(),
  eligibility: z.strictObject({
    tierIds: z.array(z.uuid()).min(1).max(100).nullable(),
    countries: countries.min(1).nullable(),
  }),
  deciderId: idSchema<'user'>().nullable(),
  registrationTypes: z
    .array(z.string().regex(/^[a-z][a-z0-9_]{0,49}$/, 'lower case letters, digits and _'))
    .min(1)
    .max(50),
})
export type ProgrammeRules = z.infer<typeof programmeRulesSchema>

export const defaultRules: Omit<ProgrammeRules, 'name' | 'timeZone' | 'currency'> = {
  calendar: defaultCalendar,
  protectionDays: 90,
  extensionDays: 30,
  lapseRule: 'keep_while_open',
  reviewTargetBusinessDays: 2,
  reviewOverdueBusinessDays: 5,
  autoApproval: null,
  eligibility: { tierIds: null, countries: null },
  deciderId: null,
  registrationTypes: ['resale'],
}

/** The rules of a new programme: name, time zone and currency must be said, the rest has defaults. */
export const programmeInputSchema = z
  .strictObject({
    ...programmeRulesSchema.partial().shape,
    name: programmeRulesSchema.shape.name,
    timeZone: programmeRulesSchema.shape.timeZone,
    currency: programmeRulesSchema.shape.currency,
  })
  .meta({ id: 'ProgrammeInput' })
export type ProgrammeInput = z.infer<typeof programmeInputSchema>

export const programmePatchSchema = programmeRulesSchema.partial().meta({ id: 'ProgrammePatch' })
export type ProgrammePatch = z.infer<typeof programmePatchSchema>

/** What is wrong with the rules of a programme, as far as they can be judged alone. */
export function checkProgrammeRules(rules: ProgrammeRules): FieldIssue[] {
  const issues: FieldIssue[] = []
  if (rules.reviewOverdueBusinessDays < rules.reviewTargetBusinessDays) {
    issues.push({
      path: '/reviewOverdueBusinessDays',
      code: 'before_target',
      message: 'A review cannot be overdue before its target',
    })
  }
  if (new Set(rules.registrationTypes).size !== rules.registrationTypes.length) {
    issues.push({ path: '/registrationTypes', code: 'repeated', message: 'A type stands twice' })
  }
  if (rules.autoApproval) issues.push(...checkCondition(rules.autoApproval, dealFacts, '/autoApproval'))
  return issues
}

export const tierInputSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    rank: z.int().min(0).max(1_000),
  })
  .meta({ id: 'TierInput' })
export type TierInput = z.infer<typeof tierInputSchema>
export const tierPatchSchema = tierInputSchema.partial().meta({ id: 'TierPatch' })
export type TierPatch = z.infer<typeof tierPatchSchema>
