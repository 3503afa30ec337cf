import { recordAudit } from '#src/database/audit.ts'
import { type Tx, takeLastSteps } from '#src/database/database.ts'
import { type Actor, actorKey } from '#src/kernel/actor.ts'
import { NotFound, Refused } from '#src/kernel/errors.ts'
import type { DealId } from '#src/kernel/ids.ts'
import type { createCaseDecisionUseCases } from './case-decision-use-cases.ts'
import type { CaseDeps } from './case-deps-step.ts'
import {
  type ConflictDecision,
  type KeptCheck,
  type KeptDecision,
  keepDecision,
  readChecks,
  readDecisions,
  readLatestCheck,
} from './check-store.ts'
import { recordLabel } from './label-step.ts'

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
      const decidedAt = clock.now()
      const decidedBy = actorKey(actor)
      if ((await cases.decideDeal(tx, actor, dealId, decision, reason)) === 'no_case') {
        await keepDecision(tx, dealId, {
          checkId: check.checkId,
          decision,
          reason,
          decidedBy,
          decidedByName: actor.name,
          decidedAt,
        })
        await recordLabel(tx, { checkId: check.checkId, label: decision, decidedBy, decidedAt })
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
  }
}
