/** Service protection: requests in a sliding window of five minutes, and requests at the same time. */
import { DataverseError } from './errors.ts'
import type { ServiceLimit } from './faults.ts'

export const windowMs = 300_000
const penaltyMs = 5_000
const maxConcurrent = 52

const words: Readonly<Record<ServiceLimit, readonly [string, (limit: number) => string]>> = {
  requests: [
    '0x80072322',
    (limit) => `Number of requests exceeded the limit of ${limit} over time window of 300 seconds.`,
  ],
  'execution-time': [
    '0x80072321',
    () =>
      'Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.',
  ],
  concurrency: ['0x80072326', () => `Number of concurrent requests exceeded the limit of ${maxConcurrent}.`],
}

export function throttled(
  limit: ServiceLimit,
  retryAfterSeconds: number | null,
  requestLimit: number,
): DataverseError {
  const [code, message] = words[limit]
  const headers = retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) }
  return new DataverseError(429, code, message(requestLimit), headers)
}

export interface ServiceLimits {
  /** Counts a request, or throws where it is one too many. Call `leave` when it is over. */
  enter(): void
  leave(): void
  /** The headers that tell a caller how much is left. */
  headers(): Readonly<Record<string, string>>
}

export function createLimits(requestLimit: number, now: () => Date): ServiceLimits {
  const requests: number[] = []
  let running = 0
  let blockedUntil = 0
  return {
    enter() {
      running += 1
      const at = now().getTime()
      while (requests[0] !== undefined && requests[0] <= at - windowMs) requests.shift()
      if (running > maxConcurrent) throw throttled('concurrency', 5, requestLimit)
      if (requests.length >= requestLimit || blockedUntil > at) {
        const free = (requests[0] ?? at) + windowMs
        // Whoever does not wait as told waits longer.
        blockedUntil = blockedUntil > at ? blockedUntil + penaltyMs : Math.max(free, at + 1000)
        throw throttled('requests', Math.ceil((blockedUntil - at) / 1000), requestLimit)
      }
      requests.push(at)
    },
    leave() {
      running -= 1
    },
    headers: () => ({
      'x-ms-ratelimit-burst-remaining-xrm-requests': String(Math.max(0, requestLimit - requests.length)),
      'x-ms-ratelimit-time-remaining-xrm-requests': '1,200.00',
    }),
  }
}
