import type { CompanyIdentity } from '#src/customers/company-identity.ts'
import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { TooMany } from '#src/kernel/errors.ts'
import { newId, type PartnerId } from '#src/kernel/ids.ts'
import { askedLately, keepChecks } from './check-store.ts'
import type { CheckSubject } from './claim.ts'
import { type Judgement, judgeClaims } from './judgement.ts'
import { type FindWins, readTerms, readWins, searchInTime } from './judgement-step.ts'
import { type QuestionLimit, questionLimits, questionRefusal } from './question-limit.ts'
import { conflictForPartner } from './verdict.ts'

export interface QuestionDeps {
  readonly clock: Clock
  readonly findWins: FindWins
}

export function createQuestionUseCases({ clock, findWins }: QuestionDeps) {
  return {
    /**
     * A partner asks before it registers. Nothing is claimed, so the answer may be outdated a moment later; it is coarse
     * by design, and every question is limited and on record, since enough of them would map the pipelines of others:
     * questions by the minute and day, answers that there is an overlap, and questions about one company, however it is
     * spelled.
     * @throws TooMany when the partner asked too often, whichever of its people did
     */
    async ask(
      tx: Tx,
      actor: Actor,
      question: { readonly company: CompanyIdentity; readonly familyIds: readonly string[] },
    ): Promise<ReturnType<typeof conflictForPartner>> {
      const startedAt = clock.now()
      const partnerId = actor.kind === 'partner' ? actor.partnerId : null
      const asked: CheckSubject = {
        ...question,
        dealId: null,
        partnerId,
        customerId: null,
        range: { from: dayIn(startedAt, 'UTC'), to: null },
      }
      const checkId = newId<'conflict_check'>()
      const { judged, answer } = await asSystem(tx, async (system) => {
        const terms = await readTerms(system, startedAt)
        const limits = questionLimits(terms.rules.questions)
        const general = limits.filter(({ counts }) => counts !== 'company')
        if (partnerId) await assertMayAsk(system, partnerId, startedAt, general, null)
        const { horizon, mirror, findings } = await searchInTime(system, [asked], startedAt)
        const [found] = findings
        if (!found) throw new Error('The search came back empty')
        const located = { ...asked, customerId: likelyCustomer(asked, found.claims) }
        const wins = await readWins(system, findWins, terms, [located])
        const judged = judgeClaims(terms, asked, found.claims, {
          mirror,
          gaps: found.gaps,
          wins: located.customerId === null ? [] : (wins.get(located.customerId) ?? []),
        })
        const companyKey = companyKeyOf(asked, judged)
        const aboutOne = limits.filter(({ counts }) => counts === 'company')
        if (partnerId) await assertMayAsk(system, partnerId, startedAt, aboutOne, companyKey)
        const durationMs = clock.now().getTime() - startedAt.getTime()
        await keepChecks(system, [
          {
            ...judged,
            checkId,
            purpose: 'question',
            subject: asked,
            horizon,
            claimSeq: null,
            companyKey,
            checkedAt: startedAt,
            durationMs,
          },
        ])
        return { judged, answer: conflictForPartner(terms.rules, judged) }
      })
      await recordAudit(tx, actor, [
        {
          action: 'conflict.asked',
          subject: { kind: 'conflict_check', id: checkId },
          partnerId,
          after: { company: question.company, familyIds: question.familyIds, verdict: judged.verdict },
        },
      ])
      return answer
    },
  }
}
export type QuestionUseCases = ReturnType<typeof createQuestionUseCases>

/** A question names no customer; the claims on the same domain or name do. */
const likelyCustomer = (
  { company }: CheckSubject,
  claims: Parameters<typeof judgeClaims>[2],
): CheckSubject['customerId'] =>
  claims.find(
    ({ customerId, company: { domain, nameKey } }) =>
      customerId !== null &&
      (company.domain === null ? nameKey === company.nameKey : domain === company.domain),
  )?.customerId ?? null

/** One company, whatever its spelling: what it was taken for, or else what it calls itself. */
function companyKeyOf({ company }: CheckSubject, { candidates }: Judgement): string {
  const same = candidates.find(({ band }) => band === 'strong')
  return same
    ? `claimed ${same.claim.customerId ?? same.claim.claimId}`
    : `${company.domain ?? company.nameKey}`
}

async function assertMayAsk(
  tx: Tx,
  partnerId: PartnerId,
  now: Date,
  limits: readonly QuestionLimit[],
  companyKey: string | null,
): Promise<void> {
  const refused = questionRefusal(limits, await askedLately(tx, partnerId, now, limits, companyKey), now)
  if (refused) throw new TooMany(refused.limit.refusal, refused.retryAfterS)
}
