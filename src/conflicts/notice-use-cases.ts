import { asSystem, type Tx, takeLastSteps } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound } from '#src/kernel/errors.ts'
import type { DealId } from '#src/kernel/ids.ts'
import { readChecks, readDecisions } from './check-store.ts'
import { readRulesInForce } from './rule-set-store.ts'

export const createNoticeUseCases = () => ({
  /**
   * What a partner is told about its own registration: by the newest check, or by what people decided on it since.
   * @throws NotFound when it was never checked, or is somebody else's
   */
  async noticeOf(
    tx: Tx,
    actor: Actor,
    dealId: DealId,
  ): Promise<{ readonly conflict: boolean; readonly message: string }> {
    await takeLastSteps(tx)
    return asSystem(tx, async (system) => {
      const [check] = await readChecks(system, dealId)
      if (!check || (actor.kind === 'partner' && check.partnerId !== actor.partnerId)) {
        throw new NotFound('A conflict check of this registration')
      }
      const { rules } = await readRulesInForce(system)
      const [decision] = await readDecisions(system, dealId)
      const decided = decision?.checkId === check.id ? decision.decision : null
      if (decided === 'uphold') return { conflict: true, message: rules.texts.upheld }
      if (decided === 'override') return { conflict: false, message: rules.texts.clear }
      return { conflict: check.verdict !== 'clear', message: check.ruling?.told ?? rules.texts[check.band] }
    })
  },
})
export type NoticeUseCases = ReturnType<typeof createNoticeUseCases>
