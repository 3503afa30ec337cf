import type { FieldValue } from '#src/kernel/field-value.ts'
import { toMoneyValue } from '#src/kernel/money.ts'
import type { Deal } from './deal.ts'

/** What else a programme's automatic approval may ask for, beside the registration itself. */
export interface ApprovalContext {
  readonly tierName: string | null
  readonly partnerStatus: string
  /** Codes of the product families of all lines. */
  readonly familyCodes: readonly string[]
}

/** The facts that partners/programme.ts lists as `dealFacts`, of one registration. */
export function approvalFactsOf(deal: Deal, context: ApprovalContext): Readonly<Record<string, FieldValue>> {
  const { amountMinor, currency } = deal
  const codes = [...new Set(context.familyCodes)].sort()
  return {
    amount: amountMinor !== null && currency !== null ? toMoneyValue({ amountMinor, currency }) : null,
    country: deal.country,
    registrationType: deal.registrationType,
    tier: context.tierName,
    conflict: deal.conflict,
    productFamilies: codes.length > 0 ? codes.join(', ') : null,
    productFamilyCount: String(codes.length),
    partnerStatus: context.partnerStatus,
  }
}
