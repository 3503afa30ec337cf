/** How often an app may call: ten seconds rolling, a second for search, a day for the account. */
import type { RateLimit } from './faults.ts'

export interface RateLimits {
  /** Counts a call; answers the limit it exceeds, if any. */
  take(kind: 'api' | 'search'): RateLimit | null
  /** As the answers tell them; search answers none. */
  headers(isOauth: boolean): Readonly<Record<string, string>>
  readonly usedToday: () => number
  readonly dailyLimit: number
}

export function createRateLimits(options: {
  readonly tenSecondLimit: number
  readonly searchLimit: number
  readonly dailyLimit: number
  readonly now: () => Date
  /** A clock that nobody sets: windows pass even where the portal's own clock stands still. */
  readonly elapsedMs: () => number
}): RateLimits {
  const { tenSecondLimit, searchLimit, dailyLimit, elapsedMs } = options
  const calls: number[] = []
  const searches: number[] = []
  let day = ''
  let usedToday = 0

  function forget(window: number[], lengthMs: number): void {
    const since = elapsedMs() - lengthMs
    while ((window[0] ?? since + 1) <= since) window.shift()
  }

  function countToday(): void {
    const today = options.now().toISOString().slice(0, 10)
    if (today !== day) usedToday = 0
    day = today
    usedToday += 1
  }

  return {
    dailyLimit,
    usedToday: () => usedToday,
    take(kind) {
      countToday()
      if (usedToday > dailyLimit) return 'DAILY'
      const [window, lengthMs, limit, name] =
        kind === 'search'
          ? ([searches, 1_000, searchLimit, 'SECONDLY'] as const)
          : ([calls, 10_000, tenSecondLimit, 'TEN_SECONDLY_ROLLING'] as const)
      forget(window, lengthMs)
      if (window.length >= limit) return name
      window.push(elapsedMs())
      return null
    },
    headers(isOauth) {
      forget(calls, 10_000)
      const rolling = {
        'x-hubspot-ratelimit-max': String(tenSecondLimit),
        'x-hubspot-ratelimit-remaining': String(Math.max(0, tenSecondLimit - calls.length)),
        'x-hubspot-ratelimit-interval-milliseconds': '10000',
      }
      if (isOauth) return rolling
      return {
        ...rolling,
        'x-hubspot-ratelimit-daily': String(dailyLimit),
        'x-hubspot-ratelimit-daily-remaining': String(Math.max(0, dailyLimit - usedToday)),
      }
    },
  }
}

const names: Readonly<Record<RateLimit, string>> = {
  SECONDLY: 'secondly',
  TEN_SECONDLY_ROLLING: 'ten_secondly_rolling',
  DAILY: 'daily',
}

export const describeLimit = (limit: RateLimit) => `You have reached your ${names[limit]} limit.`
