import { sql } from 'kysely'
import { beforeAll } from 'vitest'
import type { Tx } from '#src/database/database.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { createEventBus, type EventOf } from '#src/kernel/events.ts'
import { newId, type PartnerId, type ProgrammeId } from '#src/kernel/ids.ts'
import { createPartnerUseCases } from '#src/partners/partner-use-cases.ts'
import { useDatabase } from './database.ts'

let db: ReturnType<typeof useDatabase>
export const system = systemActor('test')
export const changes: EventOf<'record_changed'>[] = []
export const clock = { now: new Date('2030-01-15T12:00:00Z') }
export const partners = createPartnerUseCases({
  events: createEventBus<Tx>({
    record_changed: [async (_tx, _actor, events) => void changes.push(...events)],
  }),
  clock: { now: () => clock.now },
})
export const admin: Actor = { kind: 'vendor', id: newId(), name: 'Vera', roles: ['administrator'] }
export const run = <T>(actor: Actor, work: (tx: Tx) => Promise<T>) => db.database.transact(actor, work)
export const partnerActor = (partnerId: PartnerId): Actor => ({
  kind: 'partner',
  id: newId(),
  name: 'Paula',
  roles: ['partner_administrator'],
  partnerId,
})
export const first = { limit: 50, sort: 'name', after: null } as const

export let acme: PartnerId
export let other: PartnerId
export let programmeId: ProgrammeId
export let gold: string
export let silver: string

/** Two partners and a programme with two tiers, in a database of the file. */
export function usePartners(): void {
  db = useDatabase()
  beforeAll(async () => {
    await run(admin, async (tx) => {
      acme = (await partners.createPartner(tx, admin, { name: 'Acme Resale', currency: 'EUR' })).id
      other = (await partners.createPartner(tx, admin, { name: 'Other Resale', currency: 'USD' })).id
      const created = { name: 'Resellers', timeZone: 'Europe/Berlin', currency: 'EUR' }
      programmeId = (await partners.createProgramme(tx, admin, created)).id
      gold = (await partners.createTier(tx, admin, programmeId, { name: 'Gold', rank: 2 })).id
      silver = (await partners.createTier(tx, admin, programmeId, { name: 'Silver', rank: 1 })).id
    })
  })
}

/** What was done to a record, the oldest first. */
export async function actionsOn(id: string): Promise<string[]> {
  const { rows } = await run(system, (tx) =>
    sql<{ action: string }>`select action from audit_entry where subject_id = ${id} order by id`.execute(tx),
  )
  return rows.map(({ action }) => action)
}
