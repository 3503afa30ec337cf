import type { CompanyIdentity } from '#src/customers/company-identity.ts'
import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx, takeLastSteps } from '#src/database/database.ts'
import { type Actor, actorKey } from '#src/kernel/actor.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import { NotFound, Refused, TooMany } from '#src/kernel/errors.ts'
import { type DealId, newId, type PartnerId } from '#src/kernel/ids.ts'
import type { createCaseDecisionUseCases } from './case-decision-use-cases.ts'
import type { CaseDeps } from './case-deps-step.ts'
import {
  askedLately,
  type ConflictDecision,
  type KeptCheck,
  type KeptDecision,
  keepChecks,
  keepDecision,
  readChecks,
  readDecisions,
  readLatestCheck,
} from './check-store.ts'
import type { CheckSubject } from './claim.ts'
import { findCandidates, keptOf } from './comparison.ts'
import { questionLimits, questionRefusal } from './question-limit.ts'
import { ruleVersion } from './score.ts'
import { searchClaims } from './search-store.ts'
import { conflictForPartner, judge } from './verdict.ts'

/** What a conflict decision does to the conflict state of the deal. */
export const decidedState = { override: 'overridden', uphold: 'upheld' } as const

/** Everything on a deal's conflict, for vendor eyes only. */
export interface ConflictCase {
  readonly dealId: DealId
  /** The newest first. */
  readonly checks: KeptCheck[]
  readonly decisions: KeptDecision[]
}

export function createCaseUseCases(
  { clock, events }: Pick<CaseDeps, 'clock' | 'events'>,
  cases: Pick<ReturnType<typeof createCaseDecisionUseCases>, 'decideDeal'>,
) {
  async function checksOf(tx: Tx, dealId: DealId): Promise<ConflictCase> {
    await takeLastSteps(tx)
    const checks = await readChecks(tx, dealId)
    if (checks.length === 0) throw new NotFound('A conflict check of this registration')
    return { dealId, checks, decisions: await readDecisions(tx, dealId) }
  }

  return {
    checksOf,

    /**
     * A person decides on the newest check of a deal alone; deals react to `conflict_decided`, and the open case that the
     * deal is in has it decided. Deciding anew replaces the decision, the older one stays on record.
     * @throws NotFound when the deal was never checked; Refused `no_conflict` when its newest check is clear, `appealed`
     */
    async decide(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      decision: ConflictDecision,
      reason: string,
    ): Promise<ConflictCase> {
      await takeLastSteps(tx)
      const check = await readLatestCheck(tx, dealId)
      if (!check) throw new NotFound('A conflict check of this registration')
      if (check.verdict === 'clear') {
        throw new Refused('no_conflict', 'The newest check of this registration is clear: nothing to decide')
      }
      if ((await cases.decideDeal(tx, actor, dealId, decision, reason)) === 'no_case') {
        await keepDecision(tx, dealId, {
          checkId: check.checkId,
          decision,
          reason,
          decidedBy: actorKey(actor),
          decidedByName: actor.name,
          decidedAt: clock.now(),
        })
        await recordAudit(tx, actor, [
          {
            action: `conflict.${decidedState[decision]}`,
            subject: { kind: 'deal', id: dealId },
            partnerId: check.partnerId,
            after: { checkId: check.checkId, decision },
            reason,
          },
        ])
      }
      await events.publish(tx, actor, [{ type: 'conflict_decided', dealId, verdict: decidedState[decision] }])
      return checksOf(tx, dealId)
    },

    /**
     * A partner asks before it registers. Nothing is claimed, so the answer may be outdated a moment later; it is coarse
     * by design, and every question is limited and on record, since enough of them would map the pipelines of others.
     * @throws TooMany when the partner asked too often, whichever of its people did
     */
    async ask(
      tx: Tx,
      actor: Actor,
      question: { readonly company: CompanyIdentity; readonly familyIds: readonly string[] },
    ): Promise<ReturnType<typeof conflictForPartner>> {
      const startedAt = clock.now()
      const partnerId = actor.kind === 'partner' ? actor.partnerId : null
      const subject: CheckSubject = {
        ...question,
        dealId: null,
        partnerId,
        customerId: null,
        range: { from: dayIn(startedAt, 'UTC'), to: null },
      }
      const checkId = newId<'conflict_check'>()
      const verdict = await asSystem(tx, async (system) => {
        if (partnerId) await assertMayAsk(system, partnerId, startedAt)
        const { horizon, mirror, findings } = await searchClaims(system, [subject], startedAt)
        const { claims = [], complete = true } = findings[0] ?? {}
        const ranked = findCandidates(subject, claims)
        const judged = judge({ candidates: ranked, mirror, complete })
        const durationMs = clock.now().getTime() - startedAt.getTime()
        await keepChecks(system, [
          {
            checkId,
            purpose: 'question',
            subject,
            ...judged,
            ruleVersion,
            horizon,
            claimSeq: null,
            mirror,
            candidates: keptOf(ranked),
            candidatesFound: ranked.length,
            checkedAt: startedAt,
            durationMs,
          },
        ])
        return judged.verdict
      })
      await recordAudit(tx, actor, [
        {
          action: 'conflict.asked',
          subject: { kind: 'conflict_check', id: checkId },
          partnerId,
          after: { company: question.company, familyIds: question.familyIds, verdict },
        },
      ])
      return conflictForPartner({ verdict })
    },
  }
}

async function assertMayAsk(tx: Tx, partnerId: PartnerId, now: Date): Promise<void> {
  const refusal = questionRefusal(await askedLately(tx, partnerId, now, questionLimits), now)
  if (!refusal) return
  throw new TooMany(`Your organisation may ask ${refusal.most} times a ${refusal.name}`, refusal.retryAfterS)
}
