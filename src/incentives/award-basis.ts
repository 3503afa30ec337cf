import { z } from 'zod'
import { idSchema } from '#src/kernel/ids.ts'
import { currencySchema, minorUnitsSchema, ratePpmSchema } from '#src/kernel/money.ts'

/**
 * as_stated: the products add up to the deal's amount; scaled: they do not, so they were scaled to it; whole: they do
 * not say how it divides, but all of them matched.
 */
export const divisions = ['as_stated', 'scaled', 'whole'] as const

/** Every step from the deal to the amount, in ids and figures, so that a person can follow it to the cent. */
export const awardBasisSchema = z
  .object({
    planVersionId: idSchema<'plan_version'>(),
    planLineId: z.string(),
    rule: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('percent'), ratePpm: ratePpmSchema }),
      z.object({ kind: z.literal('flat') }),
    ]),
    dealAmountMinor: minorUnitsSchema,
    dealCurrency: currencySchema,
    tierId: z.string().nullable(),
    registrationType: z.string().nullable(),
    /** The product families that matched, with their part of the deal's amount. */
    families: z.array(z.object({ familyId: z.string().nullable(), amountMinor: minorUnitsSchema })),
    division: z.enum(divisions),
    baseMinor: minorUnitsSchema,
    /** Currency of the award and of what follows. */
    currency: currencySchema,
    /** Of the whole deal: after the rate, rounded half to even once; or the flat amount. */
    grossMinor: minorUnitsSchema,
    capMinor: minorUnitsSchema.nullable(),
    cappedMinor: minorUnitsSchema,
    shareWeight: z.int(),
    shareTotal: z.int(),
    amountMinor: minorUnitsSchema,
  })
  .meta({ id: 'AwardBasis' })
export type AwardBasis = z.output<typeof awardBasisSchema>

/** What an entry of a deal's earnings was computed from: owed now, less posted before. */
export const differenceBasisSchema = z
  .object({
    outcome: z.enum(['open', 'won', 'lost']),
    outcomeRevision: z.int(),
    owedMinor: minorUnitsSchema,
    earlierMinor: minorUnitsSchema,
    differenceMinor: minorUnitsSchema,
    /** null: the plan line awards this payee nothing any more. */
    award: awardBasisSchema.nullable(),
  })
  .meta({ id: 'DifferenceBasis' })
export type DifferenceBasis = z.output<typeof differenceBasisSchema>

export const releaseBasisSchema = z
  .object({ releases: z.string(), dueOn: z.iso.date() })
  .meta({ id: 'ReleaseBasis' })
export type ReleaseBasis = z.output<typeof releaseBasisSchema>
