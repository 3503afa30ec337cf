/** How good answers are, by what is known to be right. Pure. */

export interface Figures {
  readonly precision: number
  readonly recall: number
  readonly f1: number
  /** Mean of the F1 of "the same" and of "not the same", as far as either occurs. */
  readonly macroF1: number
  /** The highest recall of any threshold whose precision is at least 0.95. */
  readonly recallAt95: number
}

/**
 * `right`: the answer is what was expected. In a file of pairs the answer is always "these two", so `right` is the label;
 * in a registry it is the right company. `expected`: there is a right company at all.
 */
export interface Answer {
  readonly score: number
  readonly right: boolean
  readonly expected: boolean
}

/** The figures when answers from `threshold` on count. */
export function figuresAt(answers: readonly Answer[], threshold: number): Figures {
  let given = 0
  let rightGiven = 0
  let rightlyNone = 0
  let expected = 0
  for (const answer of answers) {
    if (answer.expected) expected += 1
    if (answer.score >= threshold) {
      given += 1
      if (answer.right) rightGiven += 1
    } else if (!answer.expected) rightlyNone += 1
  }
  const none = answers.length - given
  const unexpected = answers.length - expected
  const f1 = harmonic(share(rightGiven, given), share(rightGiven, expected))
  const f1None = harmonic(share(rightlyNone, none), share(rightlyNone, unexpected))
  const macroF1 = expected === 0 ? f1None : unexpected === 0 ? f1 : (f1 + f1None) / 2
  return {
    precision: share(rightGiven, given),
    recall: share(rightGiven, expected),
    f1,
    macroF1,
    recallAt95: recallAt(answers, 0.95),
  }
}

/** The threshold with the best figure on these very answers: a favour to whoever is measured so. */
export function bestThreshold(answers: readonly Answer[], of: 'f1' | 'macroF1'): number {
  const expected = answers.filter((answer) => answer.expected).length
  let best = { value: -1, threshold: Number.POSITIVE_INFINITY }
  for (const { threshold, given, right, rightlyNone } of sweep(answers)) {
    const f1 = (2 * right) / Math.max(1, given + expected)
    const none = answers.length - given + (answers.length - expected)
    const value = of === 'f1' ? f1 : (f1 + (2 * rightlyNone) / Math.max(1, none)) / 2
    if (value > best.value) best = { value, threshold }
  }
  return best.threshold
}

function recallAt(answers: readonly Answer[], precision: number): number {
  const expected = answers.filter((answer) => answer.expected).length
  let best = 0
  for (const { given, right } of sweep(answers)) {
    if (given > 0 && right / given >= precision) best = Math.max(best, share(right, expected))
  }
  return best
}

/** What each threshold would give, from the highest score down; equal scores stand or fall together. */
function* sweep(answers: readonly Answer[]) {
  const ranked = [...answers].filter(({ score }) => score > 0).sort((a, b) => b.score - a.score)
  let given = 0
  let right = 0
  let rightlyNone = answers.filter((answer) => !answer.expected).length
  for (const [index, answer] of ranked.entries()) {
    given += 1
    if (answer.right) right += 1
    if (!answer.expected) rightlyNone -= 1
    if (ranked[index + 1]?.score !== answer.score) {
      yield { threshold: answer.score, given, right, rightlyNone }
    }
  }
}

/** Of answers said to be about as sure as this, how many are right? Only where scores are meant as percentages. */
export function calibrationOf(answers: readonly Answer[]) {
  const bounds = [1, 10, 30, 50, 70, 90, 97, 100.1]
  return bounds.slice(0, -1).flatMap((from, index) => {
    const to = bounds[index + 1] ?? 100
    const within = answers.filter(({ score }) => score >= from && score < to)
    if (within.length === 0) return []
    return [
      {
        said: round(sum(within.map(({ score }) => score)) / within.length / 100),
        held: round(within.filter(({ right }) => right).length / within.length),
        of: within.length,
      },
    ]
  })
}

export const figuresByHalf = (
  answers: readonly Answer[],
  halves: readonly string[],
  threshold: number,
): Readonly<Record<string, Figures>> =>
  Object.fromEntries(
    [...new Set(halves)]
      .sort()
      .reverse()
      .map((half) => [
        half,
        rounded(
          figuresAt(
            answers.filter((_, index) => halves[index] === half),
            threshold,
          ),
        ),
      ]),
  )

export const rounded = (figures: Figures): Figures => ({
  precision: round(figures.precision),
  recall: round(figures.recall),
  f1: round(figures.f1),
  macroF1: round(figures.macroF1),
  recallAt95: round(figures.recallAt95),
})

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
const harmonic = (a: number, b: number): number => (a + b === 0 ? 0 : (2 * a * b) / (a + b))
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const round = (value: number): number => Math.round(value * 10_000) / 10_000
