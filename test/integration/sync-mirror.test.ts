import { expect, test } from 'vitest'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { useDatabase } from '#test/support/database.ts'
import { toySync } from '#test/support/toy-sync.ts'

const db = useDatabase()

test('a poll that looks back writes down only what may have changed since', async () => {
  // Its clock is behind ours, so that what it stamps now was long ago.
  const simulator = await startSalesforceSimulator({ now: () => new Date(Date.now() - 120_000) })
  const sync = await toySync(db.database, db.url, simulator)
  const [id = '', other = ''] = simulator.insertMany('Account', [{ Name: 'Same' }, { Name: 'Other' }])
  const versions = async () => {
    const rows = await sync.rows<{ remoteId: string; version: string; name: string; deleted: boolean }>(
      `select remote_id, xmin::text as version, content ->> 'Name' as name, deleted_at is not null as deleted
       from mirror_record where connection_id = $id`,
    )
    return new Map(rows.map(({ remoteId, ...row }) => [remoteId, row]))
  }
  await sync.poll()
  const first = await versions()
  await sync.poll()
  expect(await versions()).toEqual(first)
  simulator.update('Account', other, { Name: 'Changed' })
  await sync.poll()
  const second = await versions()
  expect(second.get(id)).toEqual(first.get(id))
  expect(second.get(other)).toMatchObject({ name: 'Changed' })
  simulator.remove('Account', id)
  await sync.poll()
  expect((await versions()).get(id)).toMatchObject({ deleted: true })
  simulator.undelete('Account', id)
  await sync.poll()
  expect((await versions()).get(id)).toMatchObject({ deleted: false, name: 'Same' })
  await simulator.close()
})

test('within a minute of its last change a record is written down with every reading', async () => {
  const simulator = await startSalesforceSimulator()
  const sync = await toySync(db.database, db.url, simulator)
  simulator.insert('Account', { Name: 'Fresh' })
  const version = () =>
    sync.rows('select xmin::text as version, read_at from mirror_record where connection_id = $id')
  await sync.poll()
  const first = await version()
  await sync.poll()
  expect(await version()).not.toEqual(first)
  await simulator.close()
})
