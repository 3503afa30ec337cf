/** The time that a `Retry-After` header states, in seconds or as a date (RFC 9110, 10.2.3). */
export function readRetryAfter(text: string | null, now: Date): Date | undefined {
  if (text === null || text.trim() === '') return undefined
  const seconds = Number(text)
  if (Number.isFinite(seconds)) return seconds >= 0 ? later(now, seconds * 1000) : undefined
  const date = new Date(text)
  return date > now ? date : undefined
}

export const later = (now: Date, waitMs: number): Date => new Date(now.getTime() + waitMs)
