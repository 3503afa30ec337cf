import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { awardBasisSchema } from '#src/incentives/award-basis.ts'
import { daySchema } from '#src/kernel/calendar.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { currencySchema, minorUnitsSchema } from '#src/kernel/money.ts'
import { lineSchema, textSchema } from '#src/kernel/text.ts'
import type { Deal, DealShare } from './deal.ts'
import { titleOf } from './deal.ts'
import {
  conflictStates,
  crmStates,
  dealStatuses,
  outcomeStandings,
  outcomes,
  rejectionCodes,
} from './deal-status.ts'

const country = z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 code such as DE')
const amount = minorUnitsSchema.refine((minor) => minor >= 0n, { message: 'not below zero' })

const detailShapes = {
  companyName: lineSchema(300),
  domain: lineSchema(500).nullable(),
  country: country.nullable(),
  city: lineSchema(200).nullable(),
  contactName: lineSchema(200).nullable(),
  contactEmail: z.email().max(320).nullable(),
  contactPhone: lineSchema(50).nullable(),
  need: textSchema(10_000).nullable(),
  amountMinor: amount.nullable().describe('Minor units as decimal text: "123450" is 1,234.50 EUR'),
  currency: currencySchema.nullable(),
  expectedCloseDate: daySchema.nullable(),
  products: z
    .array(z.strictObject({ productId: idSchema<'product'>(), amountMinor: amount.nullable().optional() }))
    .max(100),
  registrationType: lineSchema(50).nullable(),
  notes: textSchema(10_000).nullable(),
}

/** What may be said of a registration; each field may be left out. */
export const detailsSchema = z.strictObject(detailShapes).partial()

export const draftSchema = z
  .strictObject({
    ...detailsSchema.shape,
    companyName: detailShapes.companyName,
    programmeId: idSchema<'programme'>(),
    partnerId: idSchema<'partner'>().optional().describe('For the vendor only: who registers'),
    submit: z.boolean().optional().describe('Submit at once; all that a submission needs must be there'),
  })
  .meta({ id: 'DealDraft' })

export const dealPatchSchema = detailsSchema.meta({ id: 'DealPatch' })

export const importRowSchema = z
  .strictObject({
    ref: lineSchema(200),
    partnerId: idSchema<'partner'>(),
    programmeId: idSchema<'programme'>(),
    details: z.strictObject({ ...detailsSchema.shape, companyName: detailShapes.companyName }),
    status: z.enum(dealStatuses).exclude(['draft', 'returned']),
    registeredAt: instantSchema.nullable(),
    registeredBy: lineSchema(200).nullable(),
    approvedOn: daySchema.nullable(),
    approvedBy: lineSchema(200).nullable(),
    protectedUntil: daySchema.nullable(),
    decisionCode: z.enum(rejectionCodes).nullable(),
    outcome: z.enum(outcomes),
    outcomeOn: daySchema.nullable(),
    crmRemoteId: lineSchema(200).nullable(),
  })
  .meta({ id: 'DealImportRow' })

const issueSchema = z.object({ path: z.string(), code: z.string(), message: z.string() })

export const importResultSchema = z
  .object({
    ref: z.string(),
    status: z.enum(['created', 'updated', 'unchanged', 'invalid']),
    dealId: idSchema<'deal'>().nullable(),
    issues: z.array(issueSchema),
  })
  .meta({ id: 'DealImportResult' })

export const dealSchema = z
  .object({
    id: idSchema<'deal'>(),
    number: z.string(),
    title: z.string(),
    partnerId: idSchema<'partner'>(),
    programmeId: idSchema<'programme'>(),
    externalRef: z.string().nullable(),
    submitterName: z.string(),
    companyName: z.string(),
    domain: z.string().nullable(),
    country: z.string().nullable(),
    city: z.string().nullable(),
    contactName: z.string().nullable(),
    contactEmail: z.string().nullable(),
    contactPhone: z.string().nullable(),
    need: z.string().nullable(),
    amountMinor: minorUnitsSchema.nullable(),
    currency: z.string().nullable(),
    expectedCloseDate: z.string().nullable(),
    products: z.array(
      z.object({
        productId: idSchema<'product'>(),
        familyId: z.string(),
        amountMinor: minorUnitsSchema.nullable(),
      }),
    ),
    registrationType: z.string().nullable(),
    notes: z.string().nullable(),
    status: z.enum(dealStatuses),
    conflict: z.enum(conflictStates).nullable().describe('Null until the first check'),
    ineligible: z.array(z.string()),
    registeredAt: instantSchema.nullable(),
    attempt: z.int(),
    previousAttemptId: idSchema<'deal'>().nullable(),
    deciderName: z.string().nullable(),
    review: z
      .object({
        startedAt: instantSchema,
        targetAt: instantSchema,
        overdueAt: instantSchema,
        pausedAt: instantSchema.nullable(),
      })
      .nullable(),
    decision: z
      .object({
        at: instantSchema,
        by: z.string().nullable(),
        code: z.string().nullable(),
        reason: z.string().nullable(),
      })
      .nullable(),
    protection: z
      .object({ from: z.string(), until: z.string(), kept: z.boolean() })
      .nullable()
      .describe('Both days are protected, in the time zone of the programme'),
    outcome: z.enum(outcomes),
    outcomeOn: z.string().nullable(),
    stage: z.string().nullable(),
    changeRequested: z.boolean(),
    revision: z.int(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
    vendor: z
      .object({
        customerId: idSchema<'customer'>().nullable(),
        contactId: idSchema<'contact'>().nullable(),
        deciderId: z.string().nullable(),
        outcomeRevision: z.int(),
        outcomeStanding: z.enum(outcomeStandings),
        reviewHold: z.string().nullable(),
        planVersionId: idSchema<'plan_version'>().nullable(),
        tierId: z.string().nullable(),
        provenance: z
          .object({
            source: z.string(),
            importedAt: z.string(),
            registeredBy: z.string().nullable(),
            approvedBy: z.string().nullable(),
          })
          .nullable(),
        crm: z.object({
          state: z.enum(crmStates),
          connectionId: idSchema<'connection'>().nullable(),
          remoteId: z.string().nullable(),
          url: z.string().nullable(),
        }),
      })
      .optional()
      .describe('In answers to the vendor only'),
  })
  .meta({ id: 'Deal' })

export type DealAnswer = z.output<typeof dealSchema>

/** A deal as it leaves us: the vendor's part is there for the vendor alone. */
export function toAnswer(deal: Deal, forPartner: boolean): DealAnswer {
  const { protectedFrom, protectedUntil, decidedAt } = deal
  const answer = {
    id: deal.id,
    number: deal.number,
    title: titleOf(deal),
    partnerId: deal.partnerId,
    programmeId: deal.programmeId,
    externalRef: deal.externalRef,
    submitterName: deal.submitterName,
    companyName: deal.companyName,
    domain: deal.domain,
    country: deal.country,
    city: deal.city,
    contactName: deal.contactName,
    contactEmail: deal.contactEmail,
    contactPhone: deal.contactPhone,
    need: deal.need,
    amountMinor: deal.amountMinor,
    currency: deal.currency,
    expectedCloseDate: deal.expectedCloseDate,
    products: [...deal.products],
    registrationType: deal.registrationType,
    notes: deal.notes,
    status: deal.status,
    conflict: deal.conflict,
    ineligible: [...deal.ineligible],
    registeredAt: deal.registeredAt,
    attempt: deal.attempt,
    previousAttemptId: deal.previousAttemptId,
    deciderName: deal.deciderName,
    review: deal.review,
    decision: decidedAt
      ? { at: decidedAt, by: deal.decidedBy, code: deal.decisionCode, reason: deal.decisionReason }
      : null,
    protection:
      protectedFrom !== null && protectedUntil !== null
        ? { from: protectedFrom, until: protectedUntil, kept: deal.protectionKept }
        : null,
    outcome: deal.outcome,
    outcomeOn: deal.outcomeOn,
    stage: deal.stage,
    changeRequested: deal.changeRequested,
    revision: deal.revision,
    createdAt: deal.createdAt,
    updatedAt: deal.updatedAt,
  }
  if (forPartner) return answer
  return {
    ...answer,
    vendor: {
      customerId: deal.customerId,
      contactId: deal.contactId,
      deciderId: deal.deciderId,
      outcomeRevision: deal.outcomeRevision,
      outcomeStanding: deal.outcomeStanding,
      reviewHold: deal.reviewHold,
      planVersionId: deal.planVersionId,
      tierId: deal.tierId,
      provenance: deal.provenance,
      crm: {
        state: deal.crmState,
        connectionId: deal.crmConnectionId,
        remoteId: deal.crmRemoteId,
        url: deal.crmUrl,
      },
    },
  }
}

export const eventSchema = z
  .object({
    id: z.string(),
    recordedAt: instantSchema,
    kind: z.string(),
    visibility: z.enum(['public', 'internal']),
    actorKind: z.enum(['vendor', 'partner', 'connection', 'system']),
    actorName: z.string(),
    data: z.record(z.string(), z.string().nullable()),
  })
  .meta({ id: 'DealEvent' })

/** Amounts of one payee by one plan line, with the arithmetic behind what is owed. */
export const earningsSchema = z
  .object({
    earned: z.boolean().describe('false: what a win today would earn'),
    promised: z.boolean().describe('false: not approved yet, so by the plan of today'),
    awards: z.array(
      z.object({
        payeeId: idSchema<'partner'>(),
        planLineId: z.string(),
        currency: z.string(),
        amountMinor: minorUnitsSchema,
        basis: awardBasisSchema,
      }),
    ),
    holds: z.array(z.object({ planLineId: z.string().nullable(), reason: z.string(), detail: z.string() })),
    posted: z.array(
      z.object({
        payeeId: idSchema<'partner'>(),
        planLineId: z.string(),
        currency: z.string(),
        earnedMinor: minorUnitsSchema,
      }),
    ),
    pending: z.array(
      z.object({
        payeeId: idSchema<'partner'>(),
        planLineId: z.string(),
        currency: z.string(),
        dueOn: z.string(),
        remainingMinor: minorUnitsSchema,
        held: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'DealEarnings' })

export const shareSchema = z.object({
  partnerId: idSchema<'partner'>(),
  shareWeight: z.int().min(1).max(1_000_000),
})

export const changeRequestSchema = z
  .object({
    id: idSchema<'deal_change_request'>(),
    dealId: idSchema<'deal'>(),
    changes: z
      .object({
        companyName: z.string(),
        domain: z.string().nullable(),
        country: z.string().nullable(),
        city: z.string().nullable(),
        amountMinor: minorUnitsSchema.nullable(),
        currency: z.string().nullable(),
        products: z.array(
          z.object({
            productId: idSchema<'product'>(),
            familyId: z.string(),
            amountMinor: minorUnitsSchema.nullable(),
          }),
        ),
      })
      .partial(),
    reason: z.string(),
    requestedBy: z.string(),
    requestedAt: instantSchema,
    status: z.enum(['open', 'accepted', 'declined', 'withdrawn']),
    decidedBy: z.string().nullable(),
    decidedAt: instantSchema.nullable(),
    decisionReason: z.string().nullable(),
  })
  .meta({ id: 'DealChangeRequest' })

/** Mutable copies, as schemas want them. */
export const asShares = (shares: readonly DealShare[]) => shares.map((share) => ({ ...share }))
export const asIssues = (issues: readonly FieldIssue[]) => issues.map((issue) => ({ ...issue }))
