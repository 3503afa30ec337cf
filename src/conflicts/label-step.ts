import type { Tx } from '#src/database/database.ts'
import { NotFound } from '#src/kernel/errors.ts'
import { type CheckId, findCheck } from './check-store.ts'
import type { Label } from './label-quality.ts'
import { insertLabel } from './label-store.ts'
import { findVersion } from './rule-set-store.ts'
import type { VerdictBand } from './verdict.ts'

interface Decided {
  readonly checkId: CheckId
  readonly decidedBy: string
  readonly decidedAt: Date
}

/** A person said whether a check met a conflict, or whether one claim is of the same company. */
export type NewLabel = Decided &
  (
    | { readonly label: Extract<Label, 'uphold' | 'override'> }
    | {
        readonly label: Extract<Label, 'same_company' | 'different_company'>
        readonly claimId: string
      }
  )

/**
 * Keeps a decision as a label with the score and the band that people were shown; a claim that the check did not show
 * counts as called clear. In the unit of work that decides, so that neither is there without the other.
 * @throws NotFound for the check
 */
export async function recordLabel(tx: Tx, decision: NewLabel): Promise<void> {
  const check = await findCheck(tx, decision.checkId)
  if (!check) throw new NotFound('The conflict check')
  const { ruleVersion, matcherVersion, candidates } = check
  const { checkId, decidedBy, decidedAt, label } = decision
  const base = { checkId, label, ruleVersion, matcherVersion, decidedBy, decidedAt }
  if (!('claimId' in decision)) {
    const score = candidates.find(({ collides }) => collides)?.score ?? null
    await insertLabel(tx, { ...base, claimId: null, score, band: check.band })
    return
  }
  const { claimId } = decision
  const shown = candidates.find(({ claim }) => claim.claimId === claimId)
  const rules = await findVersion(tx, ruleVersion)
  const blockedFrom = rules?.document.sameDeal.company.blockedFrom ?? 100
  const band: VerdictBand =
    shown?.band !== 'strong' ? 'clear' : shown.score >= blockedFrom ? 'blocked' : 'review'
  await insertLabel(tx, { ...base, claimId, score: shown?.score ?? null, band })
}
