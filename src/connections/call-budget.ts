import { nextHour } from './call-tally.ts'
import type { Usage } from './connection.ts'

/** Above this share of the CRM's daily allowance bulk work waits, so that people's changes still get through. */
const bulkShare = 0.8
/** Above this share nothing of ours is worth the last calls: other systems live off the same allowance. */
const stopShare = 0.98

/** What the CRM said counts until the next full hour: then one call goes through and learns anew. */
function shareAt(usage: Usage | null, now: Date): number {
  if (!usage || usage.limit <= 0 || now >= nextHour(usage.at)) return 0
  return usage.used / usage.limit
}

export const leavesRoomForBulk = (usage: Usage | null, now: Date): boolean => shareAt(usage, now) <= bulkShare

/** When calls may go on; null while there is room. */
export const exhaustedUntil = (usage: Usage | null, now: Date): Date | null =>
  usage && shareAt(usage, now) >= stopShare ? nextHour(usage.at) : null
