import { insist } from './patience.ts'
import type { World } from './world.ts'

const reason = 'Nobody else is at this customer; the CRM had only not been read for a while'

/** A person approves what does not approve itself, and decides suspicions first: no two registrations here collide. */
export async function approve({ site: { admin } }: World, dealId: string): Promise<void> {
  const path = `/api/v1/deals/${dealId}`
  const { status, conflict } = await insist(admin, 'GET', path)
  if (status === 'approved') return
  if (conflict === 'suspected' || conflict === 'under_review') {
    await insist(admin, 'POST', `${path}/conflict/decision`, { decision: 'override', reason })
  }
  await insist(admin, 'POST', `${path}/approve`, {})
}
