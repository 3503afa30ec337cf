/** How often a partner may ask, so that nobody maps the pipeline of others by asking. Pure. */
import type { RuleSet } from './rule-set.ts'

const minuteS = 60
const dayS = 86_400

/** What counts towards a limit: every question, answers that there is an overlap, or questions about one company. */
export type QuestionCount = 'questions' | 'overlaps' | 'company'

export interface QuestionLimit {
  readonly counts: QuestionCount
  readonly most: number
  /** Counts back from now. */
  readonly withinS: number
  readonly refusal: string
}

export function questionLimits(limits: RuleSet['questions']): readonly QuestionLimit[] {
  const { perMinute, perDay, overlapsPerDay, perCompanyPerDay } = limits
  return [
    {
      counts: 'questions',
      most: perMinute,
      withinS: minuteS,
      refusal: `Your organisation may ask ${perMinute} times a minute`,
    },
    {
      counts: 'questions',
      most: perDay,
      withinS: dayS,
      refusal: `Your organisation may ask ${perDay} times a day`,
    },
    {
      counts: 'overlaps',
      most: overlapsPerDay,
      withinS: dayS,
      refusal: `Your organisation was told of ${overlapsPerDay} overlaps within a day: register what you have, or ask again later`,
    },
    {
      counts: 'company',
      most: perCompanyPerDay,
      withinS: dayS,
      refusal: `Your organisation may ask ${perCompanyPerDay} times a day about one company`,
    },
  ]
}

/** What a partner asked within a limit's time. */
export interface AskedLately {
  readonly count: number
  readonly oldestAt: Date | null
}

/** Whether one more question is one too many, and after how many seconds it is not. `asked` is in the order of `limits`. */
export function questionRefusal(
  limits: readonly QuestionLimit[],
  asked: readonly AskedLately[],
  now: Date,
): { readonly limit: QuestionLimit; readonly retryAfterS: number } | null {
  const waits = limits.flatMap((limit, index) => {
    const { count, oldestAt } = asked[index] ?? { count: 0, oldestAt: null }
    if (count < limit.most || oldestAt === null) return []
    const freeInMs = oldestAt.getTime() + limit.withinS * 1_000 - now.getTime()
    return [{ limit, retryAfterS: Math.max(1, Math.ceil(freeInMs / 1_000)) }]
  })
  return waits.sort((a, b) => b.retryAfterS - a.retryAfterS)[0] ?? null
}
