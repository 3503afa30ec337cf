import { expect, test } from 'vitest'
import { systemActor } from '#src/kernel/actor.ts'
import { createEventBus } from '#src/kernel/events.ts'
import { createPartnerUseCases } from '#src/partners/partner-use-cases.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
const system = systemActor('test')
const clock = { now: () => new Date('2030-01-15T12:00:00Z') }
const partners = createPartnerUseCases({ events: createEventBus({}), clock })

test('of several first starts at once one gets the administrator, later ones get nobody', async () => {
  const start = () => db.database.transact(system, (tx) => partners.bootstrapAdministrator(tx))
  const secrets = await Promise.all([start(), start(), start()])
  const made = secrets.filter((secret) => secret !== null)
  expect(made).toHaveLength(1)
  expect(await start()).toBeNull()
  const actor = await db.database.transact(system, (tx) => partners.authenticate(tx, made[0] ?? ''))
  expect(actor).toMatchObject({ kind: 'vendor', name: 'Administrator' })
})

test('the last administrator can neither be disabled nor lose the role', async () => {
  const first = { limit: 1, sort: 'name', after: null } as const
  const edit = (patch: Parameters<typeof partners.updateUser>[3]) =>
    db.database.transact(system, async (tx) => {
      const [user] = await partners.listUsers(tx, { role: 'administrator' }, first)
      return partners.updateUser(tx, system, user!.id, patch, null)
    })
  await expect(edit({ status: 'disabled' })).rejects.toMatchObject({ code: 'last_administrator' })
  await expect(edit({ roles: ['auditor'] })).rejects.toMatchObject({ code: 'last_administrator' })
  expect(await edit({ name: 'Ada' })).toMatchObject({ name: 'Ada', revision: 2 })
  await db.database.transact(system, (tx) =>
    partners.createUser(tx, system, { email: 'b@vendor.example', name: 'Bo', roles: ['administrator'] }),
  )
  expect(await edit({ status: 'disabled' })).toMatchObject({ status: 'disabled' })
})
