/** How often the bands were right, as far as people's decisions tell. Pure. */
import type { VerdictBand } from './verdict.ts'

/** `uphold`/`override`: was it a conflict? `same_company`/`different_company`: was this candidate the company? */
export const labels = ['uphold', 'override', 'same_company', 'different_company'] as const
export type Label = (typeof labels)[number]

export interface LabelCount {
  readonly ruleVersion: number
  readonly matcherVersion: number
  readonly band: VerdictBand
  readonly label: Label
  readonly count: number
}

/** A share with the range in which it lies in 19 of 20 cases; null when nothing was counted. */
export interface Share {
  readonly value: number
  readonly from: number
  readonly to: number
}

export interface BandQuality {
  readonly labelled: number
  /** Labelled ones that people found to be what the band says. */
  readonly right: number
  readonly precision: Share | null
  /** Of all that people found to be so, how many the band had. */
  readonly recall: Share | null
}

export interface Quality {
  readonly labelled: number
  /** `flagged` is `review` and `blocked` together. */
  readonly bands: Readonly<Record<VerdictBand | 'flagged', BandQuality>>
  /** How far these figures carry. */
  readonly words: string
}

export interface VersionQuality {
  /** Null: of all versions. */
  readonly ruleVersion: number | null
  readonly matcherVersion: number | null
  /** Was it a conflict? */
  readonly conflicts: Quality
  /** Was it the same company? */
  readonly companies: Quality
}

/** All versions together first, then each, the newest first. */
export function measureQuality(counts: readonly LabelCount[]): readonly VersionQuality[] {
  const versions = Map.groupBy(
    counts,
    ({ ruleVersion, matcherVersion }) => `${ruleVersion} ${matcherVersion}`,
  )
  const each = [...versions.values()].flatMap((own) => {
    const [first] = own
    return first ? [measure(own, first.ruleVersion, first.matcherVersion)] : []
  })
  return [measure(counts, null, null), ...each]
}

const measure = (
  counts: readonly LabelCount[],
  ruleVersion: number | null,
  matcherVersion: number | null,
): VersionQuality => ({
  ruleVersion,
  matcherVersion,
  conflicts: qualityOf(counts, 'uphold', 'override'),
  companies: qualityOf(counts, 'same_company', 'different_company'),
})

const bandsOf = {
  blocked: ['blocked'],
  review: ['review'],
  flagged: ['blocked', 'review'],
  clear: ['clear'],
} as const satisfies Readonly<Record<VerdictBand | 'flagged', readonly VerdictBand[]>>

function qualityOf(counts: readonly LabelCount[], yes: Label, no: Label): Quality {
  const countOf = (label: Label, bands: readonly VerdictBand[]) =>
    counts.reduce((sum, one) => sum + (one.label === label && bands.includes(one.band) ? one.count : 0), 0)
  const all = ['blocked', 'review', 'clear'] as const
  const bandQuality = (name: keyof typeof bandsOf): BandQuality => {
    const [right, wrong] = name === 'clear' ? [no, yes] : [yes, no]
    const hits = countOf(right, bandsOf[name])
    const labelled = hits + countOf(wrong, bandsOf[name])
    return {
      labelled,
      right: hits,
      precision: shareOf(hits, labelled),
      recall: shareOf(hits, countOf(right, all)),
    }
  }
  const labelled = countOf(yes, all) + countOf(no, all)
  const bands = {
    blocked: bandQuality('blocked'),
    review: bandQuality('review'),
    flagged: bandQuality('flagged'),
    clear: bandQuality('clear'),
  }
  return { labelled, bands, words: wordsFor(labelled, bands.clear.labelled) }
}

/** Fewer labels than these say next to nothing about a share. */
const tellingFrom = 30

function wordsFor(labelled: number, clearLabelled: number): string {
  if (labelled === 0) return 'Nobody has decided anything yet.'
  const few =
    labelled < tellingFrom
      ? `Only ${labelled} decided: too few for a share to mean much; look at the ranges.`
      : `${labelled} decided.`
  const unseen =
    clearLabelled < tellingFrom
      ? 'What was called clear is hardly ever looked at, so recall counts only what people came upon and is an upper bound.'
      : 'Recall counts only what people decided on.'
  return `${few} ${unseen}`
}

const normal95 = 1.96

/** With the interval of Wilson, which is honest for small counts too. */
export function shareOf(hits: number, of: number): Share | null {
  if (of === 0) return null
  const value = hits / of
  const z2 = normal95 ** 2
  const middle = (value + z2 / (2 * of)) / (1 + z2 / of)
  const half = (normal95 / (1 + z2 / of)) * Math.sqrt((value * (1 - value)) / of + z2 / (4 * of * of))
  const round = (share: number) => Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 10_000
  return { value: round(value), from: round(middle - half), to: round(middle + half) }
}
