import { z } from 'zod'
import { businessCalendarSchema, defaultCalendar, timeZoneSchema } from '#src/kernel/calendar.ts'
import { checkCondition, conditionSchema, type Fact } from '#src/kernel/condition.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import { idSchema, type ProgrammeId } from '#src/kernel/ids.ts'
import { currencySchema } from '#src/kernel/money.ts'
import { lineSchema } from '#src/kernel/text.ts'

/** What happens to protection at its end while a linked opportunity is still open. */
export const lapseRules = ['keep_while_open', 'lapse'] as const

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
  name: lineSchema(200),
  timeZone: timeZoneSchema,
  calendar: businessCalendarSchema,
  currency: currencySchema,
  protectionDays: days,
  extensionDays: days,
  lapseRule: z.enum(lapseRules),
  reviewTargetBusinessDays: z.int().min(1).max(260),
  reviewOverdueBusinessDays: z.int().min(1).max(260),
  appealBusinessDays: z
    .int()
    .min(1)
    .max(260)
    .describe('How long a partner may appeal the decision of a conflict'),
  autoApproval: conditionSchema
    .nullable()
    .describe('A registration that meets it is approved at once; null: a person decides each one'),
  eligibility: z
    .strictObject({
      tierIds: z.array(z.uuid()).min(1).max(100).nullable(),
      countries: countries.min(1).nullable(),
    })
    .describe('Who may register; null means every tier, every country'),
  deciderId: idSchema<'user'>()
    .nullable()
    .describe('The vendor user who decides unless a rule says otherwise'),
  registrationTypes: z
    .array(z.string().regex(/^[a-z][a-z0-9_]{0,49}$/, 'lower case letters, digits and _'))
    .min(1)
    .max(50),
})
export type ProgrammeRules = Readonly<z.infer<typeof programmeRulesSchema>>

export interface Programme extends ProgrammeRules {
  readonly id: ProgrammeId
  readonly revision: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export const defaultRules: Omit<ProgrammeRules, 'name' | 'timeZone' | 'currency'> = {
  calendar: defaultCalendar,
  protectionDays: 90,
  extensionDays: 30,
  lapseRule: 'keep_while_open',
  reviewTargetBusinessDays: 2,
  reviewOverdueBusinessDays: 5,
  appealBusinessDays: 10,
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
  .meta({ id: 'NewProgramme' })
export type ProgrammeInput = z.infer<typeof programmeInputSchema>

export const programmePatchSchema = programmeRulesSchema.partial().meta({ id: 'ProgrammePatch' })
export type ProgrammePatch = z.infer<typeof programmePatchSchema>

/** The rules after a change; what `patch` does not name stays. */
export function applyRules(rules: ProgrammeRules, patch: ProgrammePatch): ProgrammeRules {
  const said = Object.entries(patch).filter(([, value]) => value !== undefined)
  return { ...rules, ...Object.fromEntries(said) }
}

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
    name: lineSchema(100),
    rank: z.int().min(0).max(1_000),
  })
  .meta({ id: 'NewTier' })
export type TierInput = z.infer<typeof tierInputSchema>
export const tierPatchSchema = tierInputSchema.partial().meta({ id: 'TierPatch' })
export type TierPatch = z.infer<typeof tierPatchSchema>

export const programmeSorts = ['name', '-name', 'createdAt', '-createdAt'] as const
export type ProgrammeSort = (typeof programmeSorts)[number]
