import type { VendorAnswers } from '../wire/failed-call.ts'
import { statusTable, statusWaitMs } from './fault-table.ts'
import { faultOfError, readError } from './faults.ts'

/** How the answers of HubSpot are to be read. */
export const hubspotAnswers: VendorAnswers = {
  name: 'HubSpot',
  changing: new Set(['write']),
  statedFault({ status, text, retryAfter, now }) {
    if (status === null || status < 300 || text === null) return null
    const stated = readError(parseJson(text))
    return stated && faultOfError(stated, { now, httpStatus: status, retryAfter })
  },
  statuses: statusTable,
  waitsMs: statusWaitMs,
  /** The day's count of calls; search and OAuth apps are not told it. */
  usageOf(headers) {
    const limit = Number(headers.get('x-hubspot-ratelimit-daily') ?? Number.NaN)
    const left = Number(headers.get('x-hubspot-ratelimit-daily-remaining') ?? Number.NaN)
    return limit > 0 && left >= 0 && left <= limit ? { used: limit - left, limit } : null
  },
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
