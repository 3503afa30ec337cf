import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import type { Partner } from '#src/partners/partner.ts'
import type { Programme } from '#src/partners/programme.ts'
import { approveAutomatically } from './approval-step.ts'
import { checkAndClaim, resolveCustomersOf } from './claim-step.ts'
import { withContacts } from './contact-step.ts'
import type { Deal } from './deal.ts'
import type { DealDeps } from './deps-step.ts'
import { checkEligibility } from './eligibility.ts'
import { type DealChange, type JournalOptions, recordChanges } from './journal-step.ts'
import { requireNext } from './lookup-step.ts'
import { resumeClock, startClock } from './review-clock.ts'

/** A complete registration on its way to the vendor, for the first time or with an answer. */
export interface Registration {
  /** As locked; null when it is created in the same step. */
  readonly before: Deal | null
  readonly deal: Deal
  readonly programme: Programme
  readonly partner: Partner | undefined
  readonly answer?: string | null
}

/**
 * Takes registrations in: customer, gates, conflict check and claim, clock, automatic approval. A registration that
 * collides or is not eligible is stored all the same; it is what a person has to look at. Runs beyond the rows of one
 * partner, so call it as the system.
 */
export async function register(
  deps: DealDeps,
  tx: Tx,
  actor: Actor,
  registrations: readonly Registration[],
  options: JournalOptions = {},
): Promise<Deal[]> {
  const now = deps.clock.now()
  const deciders = await deciderNames(deps, tx, registrations)
  const unchecked = registrations.filter(({ deal }) => deal.conflict === null)
  const customers = await resolveCustomersOf(
    deps,
    tx,
    actor,
    unchecked.map(({ deal }) => deal),
  )
  const named = await withContacts(
    deps,
    tx,
    actor,
    unchecked.map(({ deal }, index) => ({ ...deal, customerId: customers[index] ?? null })),
  )
  const checked = await checkAndClaim(
    deps,
    tx,
    actor,
    unchecked.map(({ deal, programme }, index) => ({
      deal: named[index] ?? deal,
      programme,
      today: dayIn(now, programme.timeZone),
    })),
  )
  const verdicts = new Map(checked.map((deal) => [deal.id, deal]))
  const changes = registrations.map(({ before, deal, programme, partner, answer }): DealChange => {
    const answers = deal.status === 'returned'
    const current = verdicts.get(deal.id) ?? deal
    const after: Deal = {
      ...current,
      status: requireNext(deal, answers ? 'answer' : 'submit'),
      registeredAt: deal.registeredAt ?? now,
      ineligible: partner ? checkEligibility(partner, programme, deal.country) : ['not_a_member'],
      deciderId: programme.deciderId,
      deciderName: programme.deciderId ? (deciders.get(programme.deciderId) ?? null) : null,
      review: deal.review ? resumeClock(deal.review, now, programme) : startClock(now, programme),
    }
    return {
      before,
      after,
      kind: answers ? 'answered' : 'submitted',
      data: {
        conflict: after.conflict,
        ineligible: after.ineligible.join(', ') || null,
        answer: answer ?? null,
      },
      notices: [
        { kind: answers ? 'deal_answered' : 'deal_submitted', to: 'vendor' },
        ...(after.conflict === 'suspected' && verdicts.has(deal.id)
          ? [{ kind: 'conflict_found' as const, to: 'vendor' as const }]
          : []),
      ],
    }
  })
  const registered = await recordChanges(tx, actor, deps, changes, options)
  const approved = await approveAutomatically(
    deps,
    tx,
    registered.flatMap((deal, index) => {
      const registration = registrations[index]
      return registration
        ? [
            {
              deal,
              programme: registration.programme,
              partner: registration.partner,
              protectionDays: null,
              reason: null,
            },
          ]
        : []
    }),
    options,
  )
  return registered.map((deal) => approved.get(deal.id) ?? deal)
}

async function deciderNames(
  deps: DealDeps,
  tx: Tx,
  registrations: readonly Registration[],
): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  for (const id of new Set(registrations.flatMap(({ programme }) => programme.deciderId ?? []))) {
    const user = await deps.partners.findUser(tx, id)
    if (user) names.set(id, user.name)
  }
  return names
}
