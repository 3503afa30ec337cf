/** How often a partner may ask; each limit counts back from now. */
export const questionLimits = [
  { most: 30, withinS: 60, name: 'minute' },
  { most: 500, withinS: 86_400, name: 'day' },
] as const

/** What a partner asked within a limit's time. */
export interface AskedLately {
  readonly count: number
  readonly oldestAt: Date | null
}

/** Whether one more question is one too many, and after how many seconds it is not. */
export function questionRefusal(
  asked: readonly AskedLately[],
  now: Date,
): { readonly most: number; readonly name: string; readonly retryAfterS: number } | null {
  const waits = questionLimits.flatMap(({ most, withinS, name }, index) => {
    const { count, oldestAt } = asked[index] ?? { count: 0, oldestAt: null }
    if (count < most || oldestAt === null) return []
    const freeInMs = oldestAt.getTime() + withinS * 1_000 - now.getTime()
    return [{ most, name, retryAfterS: Math.max(1, Math.ceil(freeInMs / 1_000)) }]
  })
  return waits.sort((a, b) => b.retryAfterS - a.retryAfterS)[0] ?? null
}
