import type { Tx } from '#src/database/database.ts'
import { takeLastSteps } from '#src/database/database.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import { NotFound } from '#src/kernel/errors.ts'
import { type CheckId, type CheckOnRecord, findCheck } from './check-store.ts'
import type { NumberedTerms } from './judgement.ts'
import { asFoundClaim, type CheckToReplay, judgeOtherwise, type Replay, replayCheck } from './replay.ts'
import { findPublished } from './rule-set-store.ts'
import { draftOrThrow, versionOrThrow } from './rule-set-use-cases.ts'

export interface ReplayReport extends Replay {
  readonly checkId: CheckId
  readonly ruleVersion: number
  readonly matcherVersion: number
  /** By other rules, on the same inputs. */
  readonly otherwise: { readonly rules: number | 'draft' } & ReturnType<typeof judgeOtherwise>
}

export type OtherRules = 'newest' | 'draft' | number

const toReplay = (check: CheckOnRecord): CheckToReplay => ({
  subject: check.subject,
  candidates: check.candidates.map(({ claim, ...scored }) => ({ ...scored, claim: asFoundClaim(claim) })),
  verdict: check.verdict,
  band: check.band,
  reasons: check.reasons,
  mirror: check.mirror,
  matcherVersion: check.matcherVersion,
  inputs: check.inputs,
  ruling: check.ruling,
  checkedOn: dayIn(check.checkedAt, 'UTC'),
})

export function createReplayUseCases() {
  /** @throws NotFound */
  async function getCheck(tx: Tx, checkId: CheckId): Promise<CheckOnRecord> {
    await takeLastSteps(tx)
    const check = await findCheck(tx, checkId)
    if (!check) throw new NotFound('The conflict check')
    return check
  }

  /** The document, and what people call it. */
  async function rulesNamed(
    tx: Tx,
    named: OtherRules,
  ): Promise<{ readonly name: number | 'draft'; readonly terms: Omit<NumberedTerms, 'asOf'> }> {
    if (named === 'draft') {
      const { document } = await draftOrThrow(tx)
      return { name: 'draft', terms: { version: 0, rules: document } }
    }
    const { version, document } =
      named === 'newest' ? await findPublished(tx) : await versionOrThrow(tx, named)
    return { name: version, terms: { version, rules: document } }
  }

  return {
    getCheck,

    /**
     * Judges a check again from what it kept, and by other rules. Nothing is changed.
     * @throws NotFound, Refused `no_draft`
     */
    async replay(tx: Tx, checkId: CheckId, others: OtherRules): Promise<ReplayReport> {
      const check = await getCheck(tx, checkId)
      const own = await rulesNamed(tx, check.ruleVersion)
      const other = await rulesNamed(tx, others)
      const kept = toReplay(check)
      const asOf = kept.checkedOn
      return {
        checkId,
        ruleVersion: check.ruleVersion,
        matcherVersion: check.matcherVersion,
        ...replayCheck({ ...own.terms, asOf }, kept),
        otherwise: { rules: other.name, ...judgeOtherwise({ ...other.terms, asOf }, kept) },
      }
    },
  }
}
export type ReplayUseCases = ReturnType<typeof createReplayUseCases>
