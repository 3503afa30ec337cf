/**
 * A check judged again from what it kept: by the rules it went by, which must give the same answer, and by others, to show
 * what they would say. Pure: no claim is looked up, so what happened since changes nothing.
 */
import { canonicalJson } from '#src/kernel/canonical-json.ts'
import type { CheckSubject, FoundClaim } from './claim.ts'
import { type Difference, differencesOf } from './differences.ts'
import { type CheckInputs, type Judgement, judgeClaims, type NumberedTerms } from './judgement.ts'
import type { ListHit } from './listed-accounts.ts'
import { type Candidate, matcherVersion } from './score.ts'
import { judge, type MirrorState, type Ruling, type SearchGap, type VerdictReason } from './verdict.ts'

/** A check as it is kept. `inputs` and `listed` are null of one that was made before they were kept. */
export interface CheckToReplay extends Pick<Ruling, 'verdict' | 'band' | 'reasons'> {
  readonly subject: CheckSubject
  readonly candidates: readonly Candidate[]
  readonly mirror: MirrorState
  readonly matcherVersion: number
  readonly inputs: CheckInputs | null
  readonly ruling: (Pick<Ruling, 'winner' | 'told'> & { readonly listed: readonly ListHit[] }) | null
  /** In UTC. */
  readonly checkedOn: string
}

export interface Replay {
  /** The same answer came out of the same inputs. */
  readonly same: boolean
  readonly differences: readonly Difference[]
  readonly replayed: Ruling
  /** The companies compared anew by the comparison of today, under the rules of then. */
  readonly rescored: {
    readonly matcherVersion: number
    readonly ruling: Ruling
    readonly differences: readonly Difference[]
  }
}

/** @param terms the rules that the check went by */
export function replayCheck(terms: NumberedTerms, check: CheckToReplay): Replay {
  const inputs = inputsOf(check)
  const then = { ...terms, asOf: inputs.asOf }
  const { subject, candidates, mirror, ruling } = check
  const replayed = judge(then, {
    subject,
    candidates,
    mirror,
    gaps: inputs.gaps,
    wins: inputs.wins,
    listed: ruling?.listed ?? [],
  })
  const answer = differencesOf(storedAnswer(check), ruling ? plain(replayed) : plain(coarse(replayed)))
  const anew = compareAnew(then, check)
  const rescoring = differencesOf(
    plain({ candidates: byClaim(candidates), listed: ruling?.listed ?? [] }),
    plain({ candidates: byClaim(anew.candidates), listed: anew.listed }),
  )
  const rescored = { matcherVersion, ruling: rulingOf(anew), differences: rescoring }
  // Scores of an older comparison cannot be made again; those of the present one must come out alike.
  const comparable = check.matcherVersion === matcherVersion && ruling !== null
  const differences = comparable ? [...answer, ...rescoring] : answer
  return { same: differences.length === 0, differences, replayed, rescored }
}

/** What other rules would say of the same claims, on the same day. Claims that were no candidates then are not looked for. */
export function judgeOtherwise(
  terms: NumberedTerms,
  check: CheckToReplay,
): { readonly ruling: Ruling; readonly differences: readonly Difference[] } {
  const anew = rulingOf(compareAnew({ ...terms, asOf: inputsOf(check).asOf }, check))
  return {
    ruling: anew,
    differences: differencesOf(storedAnswer(check), plain(check.ruling ? anew : coarse(anew))),
  }
}

const compareAnew = (terms: NumberedTerms, check: CheckToReplay): Judgement => {
  const { gaps, wins } = inputsOf(check)
  const claims = check.candidates.map(({ claim }) => claim)
  return judgeClaims(terms, check.subject, claims, { mirror: check.mirror, gaps, wins })
}

const inputsOf = ({ inputs, reasons, checkedOn }: CheckToReplay): CheckInputs =>
  inputs ?? { asOf: checkedOn, gaps: reasons.filter(isGap), wins: [] }

const isGap = (reason: VerdictReason): reason is SearchGap & VerdictReason =>
  reason === 'too_many' || reason === 'cut_off' || reason === 'damaged'

function storedAnswer(check: CheckToReplay): unknown {
  const { verdict, band, reasons, ruling } = check
  if (!ruling) return plain(coarse(check))
  return plain({ verdict, band, reasons, winner: ruling.winner, told: ruling.told })
}

/** What a check said before there were bands. */
const coarse = ({ verdict, reasons }: Pick<Ruling, 'verdict' | 'reasons'>) => ({ verdict, reasons })

const rulingOf = ({ verdict, band, reasons, winner, told }: Ruling): Ruling => ({
  verdict,
  band,
  reasons,
  winner,
  told,
})

const byClaim = (candidates: readonly Candidate[]) =>
  Object.fromEntries(candidates.map(({ claim, ...scored }) => [claim.claimId ?? '', scored]))

/** As it would come out of the database. */
const plain = (value: unknown): unknown => JSON.parse(canonicalJson(value))

/** A claim as it was kept, with its amount as a number again. */
export const asFoundClaim = (
  kept: Omit<FoundClaim, 'amountMinor'> & { readonly amountMinor: string | null },
): FoundClaim => ({ ...kept, amountMinor: kept.amountMinor === null ? null : BigInt(kept.amountMinor) })
