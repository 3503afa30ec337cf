/** What counts as the same deal, who wins, and what partners are told: plain configuration, as people edit it. Pure. */
import { z } from 'zod'
import type { FieldIssue } from '#src/kernel/errors.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { lineSchema, textSchema } from '#src/kernel/text.ts'
import { candidateFrom, strongFrom } from './company-likeness.ts'

/** Entries that one list of companies may have; each check looks all of them up in memory. */
const mostListed = 5_000
const scoreSchema = z.int().min(0).max(100)
const daysSchema = z.int().min(1).max(3_650)
const stageSchema = lineSchema(200)

/** `review`: a person looks. `blocked`: kept, and surely somebody else's until a person says otherwise. */
export const effectSchema = z.enum(['review', 'blocked'])

/** A company of a list: everything given is looked for, and one of them is enough. */
const listedCompanySchema = z
  .strictObject({
    name: lineSchema(300).optional(),
    domain: lineSchema(500).optional(),
    country: lineSchema(100).optional().describe('ISO code or English name; helps to tell names apart'),
    customerId: idSchema<'customer'>().optional(),
  })
  .refine(({ name, domain, customerId }) => (name ?? domain ?? customerId) !== undefined, {
    message: 'a name, a domain or a customer',
  })
export type ListedCompany = z.infer<typeof listedCompanySchema>

/** Who wins, in the order in which these are asked: the first one that knows an answer recommends. */
export const winnerRules = [
  'named_account',
  'house_account',
  'incumbent',
  'direct_opportunity',
  'active_customer',
  'first_registration',
] as const
export type WinnerRule = (typeof winnerRules)[number]

export const ruleSetSchema = z
  .strictObject({
    schema: z.literal(1),
    sameDeal: z.strictObject({
      company: z
        .strictObject({ shownFrom: scoreSchema, reviewFrom: scoreSchema, blockedFrom: scoreSchema })
        .describe(
          'Scores: below `shownFrom` a company is no candidate, from `reviewFrom` it is taken for the same one, from `blockedFrom` it surely is',
        ),
      products: z
        .enum(['product', 'family', 'any'])
        .describe('What both must be about; who names no product asks for all of them'),
      windows: z.enum(['overlap', 'any']).describe('Whether the days that both ask for must overlap'),
      territory: z
        .enum(['any', 'same_country'])
        .describe('Whether both must be in one country; an unknown country is taken for the same'),
    }),
    winner: z.strictObject({
      order: z.array(z.enum(winnerRules)).min(1).max(winnerRules.length).readonly(),
    }),
    directOpportunities: z
      .strictObject({
        effect: effectSchema,
        blockedStages: z.array(stageSchema).max(100).readonly(),
        ignoredStages: z.array(stageSchema).max(100).readonly(),
        ignoredAfterDays: daysSchema
          .nullable()
          .describe('Open for longer, it counts no more; null: it counts always'),
      })
      .describe('Opportunities of the direct team in a CRM, by their stage there and their age'),
    renewals: z.strictObject({
      types: z.array(lineSchema(100)).max(50).readonly().describe('Registration types that are renewals'),
      effect: effectSchema,
    }),
    activeCustomers: z
      .strictObject({ withinDays: daysSchema.nullable(), effect: effectSchema })
      .describe('Another partner won there within so many days; null: that does not matter'),
    namedAccounts: z.strictObject({
      effect: effectSchema,
      accounts: z
        .array(z.strictObject({ partnerId: idSchema<'partner'>(), company: listedCompanySchema }))
        .max(mostListed)
        .readonly()
        .describe("Customers that are one partner's own"),
    }),
    houseAccounts: z.strictObject({
      effect: effectSchema,
      accounts: z
        .array(z.strictObject({ company: listedCompanySchema, owner: lineSchema(200).optional() }))
        .max(mostListed)
        .readonly()
        .describe('Customers of the direct team'),
    }),
    exclusions: z
      .array(
        z.strictObject({
          company: listedCompanySchema,
          reason: textSchema(500).describe('For the vendor'),
          tell: textSchema(500).describe('For the partner'),
        }),
      )
      .max(mostListed)
      .readonly()
      .describe('Customers that nobody may register'),
    questions: z
      .strictObject({
        perMinute: z.int().min(1).max(1_000),
        perDay: z.int().min(1).max(100_000),
        overlapsPerDay: z.int().min(1).max(10_000).describe('Answers that there is an overlap'),
        perCompanyPerDay: z.int().min(1).max(1_000).describe('About one company, in whatever spelling'),
      })
      .describe('How often one partner may ask before it registers'),
    texts: z
      .strictObject({
        clear: textSchema(500),
        review: textSchema(500),
        blocked: textSchema(500),
        upheld: textSchema(500),
        asked: textSchema(500).describe('To a question that met something'),
      })
      .describe('What partners read. They are the same for everybody and name nobody'),
  })
  .meta({ id: 'ConflictRules' })
export type RuleSet = z.infer<typeof ruleSetSchema>
export type SameDeal = RuleSet['sameDeal']

const overlapText = 'This may overlap with other activity and is reviewed before a decision.'

/** What a new installation starts with, as its version 1. */
export const defaultRuleSet: RuleSet = {
  schema: 1,
  sameDeal: {
    company: { shownFrom: candidateFrom, reviewFrom: strongFrom, blockedFrom: 90 },
    products: 'family',
    windows: 'overlap',
    territory: 'any',
  },
  winner: { order: [...winnerRules] },
  directOpportunities: { effect: 'review', blockedStages: [], ignoredStages: [], ignoredAfterDays: null },
  renewals: { types: ['renewal'], effect: 'review' },
  activeCustomers: { withinDays: null, effect: 'review' },
  namedAccounts: { effect: 'blocked', accounts: [] },
  houseAccounts: { effect: 'blocked', accounts: [] },
  exclusions: [],
  questions: { perMinute: 30, perDay: 500, overlapsPerDay: 20, perCompanyPerDay: 10 },
  texts: {
    clear: 'No overlapping activity was found.',
    review: overlapText,
    blocked: overlapText,
    upheld: 'This overlaps with other activity and cannot be protected.',
    asked: overlapText,
  },
}

export interface RuleIssue extends FieldIssue {
  readonly severity: 'error' | 'warning'
}

/** What stands against publishing a document that has the right shape; `path` is a JSON pointer into it. */
export function checkRuleSet(rules: RuleSet): RuleIssue[] {
  return [...checkThresholds(rules), ...checkOrder(rules), ...checkStages(rules), ...checkLists(rules)]
}

function checkThresholds({ sameDeal: { company } }: RuleSet): RuleIssue[] {
  const { shownFrom, reviewFrom, blockedFrom } = company
  const path = '/sameDeal/company'
  const issues: RuleIssue[] = []
  const add = (name: string, severity: RuleIssue['severity'], code: string, message: string) =>
    issues.push({ path: `${path}/${name}`, severity, code, message })
  if (shownFrom > reviewFrom) {
    add('reviewFrom', 'error', 'thresholds_crossed', `must be at least shownFrom, ${shownFrom}`)
  }
  if (reviewFrom > blockedFrom) {
    add('blockedFrom', 'error', 'thresholds_crossed', `must be at least reviewFrom, ${reviewFrom}`)
  }
  if (reviewFrom > 95) {
    add('reviewFrom', 'warning', 'misses_spellings', 'hardly anything but the very same spelling is found')
  }
  return issues
}

function checkOrder({ winner: { order } }: RuleSet): RuleIssue[] {
  return order.flatMap((rule, index) =>
    order.indexOf(rule) === index
      ? []
      : [
          {
            path: `/winner/order/${index}`,
            severity: 'error' as const,
            code: 'repeated',
            message: `"${rule}" is asked already`,
          },
        ],
  )
}

function checkStages({ directOpportunities: { blockedStages, ignoredStages } }: RuleSet): RuleIssue[] {
  const ignored = new Set(ignoredStages.map(stageKey))
  return blockedStages.flatMap((stage, index) =>
    ignored.has(stageKey(stage))
      ? [
          {
            path: `/directOpportunities/blockedStages/${index}`,
            severity: 'error' as const,
            code: 'contradiction',
            message: `"${stage}" is ignored as well`,
          },
        ]
      : [],
  )
}

function checkLists({ namedAccounts, houseAccounts }: RuleSet): RuleIssue[] {
  const house = new Set(houseAccounts.accounts.map(({ company }) => JSON.stringify(company)))
  return namedAccounts.accounts.flatMap(({ company }, index) =>
    house.has(JSON.stringify(company))
      ? [
          {
            path: `/namedAccounts/accounts/${index}`,
            severity: 'warning' as const,
            code: 'contradiction',
            message: 'is a house account as well; the order of the winner rules decides',
          },
        ]
      : [],
  )
}

/** Stages are compared as people read them. */
export const stageKey = (stage: string): string => stage.trim().toLowerCase()

export const isPublishable = (issues: readonly RuleIssue[]): boolean =>
  issues.every(({ severity }) => severity !== 'error')
