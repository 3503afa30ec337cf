import type { AwardFacts } from '#src/incentives/award.ts'
import { flatRatePlan, type PlanDocument, type PlanLine, type PlanVersion } from '#src/incentives/plan.ts'
import { newId, type PartnerId } from '#src/kernel/ids.ts'

/** A deal over 12,345.67 USD, won on 2 March 2026 by one partner. */
export const wonDeal = (changes: Partial<AwardFacts> = {}): AwardFacts => ({
  dealId: newId<'deal'>(),
  outcome: 'won',
  outcomeRevision: 1,
  effectiveOn: '2026-03-02',
  postedOn: '2026-03-02',
  amountMinor: 1_234_567n,
  currency: 'USD',
  lines: [],
  partners: [{ partnerId: newId<'partner'>(), shareWeight: 1 }],
  tierId: null,
  registrationType: 'resale',
  planVersionId: newId<'plan_version'>(),
  hold: null,
  ...changes,
})

export const planLine = (changes: Partial<PlanLine> = {}): PlanLine => ({
  id: 'base',
  name: 'Base commission',
  when: { all: [] },
  pays: { kind: 'percent', ratePpm: 100_000 },
  families: null,
  tiers: null,
  cap: null,
  ...changes,
})

export const planDocument = (lines: readonly PlanLine[], holdbackDays = 30): PlanDocument => ({
  ...flatRatePlan(100_000, holdbackDays),
  lines: [...lines],
})

export const planVersion = (...lines: readonly PlanLine[]): PlanVersion => ({
  id: newId<'plan_version'>(),
  planId: newId<'incentive_plan'>(),
  programmeId: newId<'programme'>(),
  number: 1,
  document: planDocument(lines),
})

/** Partner ids in ascending order. */
export const partnerIds = (count: number): PartnerId[] =>
  Array.from({ length: count }, () => newId<'partner'>()).sort()
