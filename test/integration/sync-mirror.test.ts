import { expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
import { knownRecords } from '#src/sync/memory/mirror-store.ts'
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

test('a record is known as it is now by its time of change, if it was read well after that and is not ours since', async () => {
  const simulator = await startSalesforceSimulator({ now: () => new Date(Date.now() - 120_000) })
  const sync = await toySync(db.database, db.url, simulator)
  const [id = '', other = ''] = simulator.insertMany('Account', [{ Name: 'One' }, { Name: 'Other' }])
  await sync.poll()
  const seen = await sync.rows<{ id: string; modifiedAt: string; fields: string[] }>(
    `select remote_id as id, modified_at, array(select jsonb_object_keys(content)) as fields
     from mirror_record where connection_id = $id and object = 'Account' order by remote_id = '${other}'`,
  )
  const fields = seen[0]?.fields ?? []
  const known = async (asked = seen, of = fields) => [
    ...(await sync.run((tx) => knownRecords(tx, sync.connection.id, 'Account', of, asked))),
  ]
  expect((await known()).sort()).toEqual([id, other].sort())
  expect(await known(seen.map((record) => ({ ...record, modifiedAt: '2026-01-01T00:00:00.000Z' })))).toEqual(
    [],
  )
  expect(await known(seen, [...fields, 'Another'])).toEqual([])
  expect(await known([{ id: '001unknown', modifiedAt: seen[0]?.modifiedAt ?? '', fields }])).toEqual([])
  const change = (assignment: string, of: string) =>
    sync.rows(
      `update mirror_record set ${assignment} where connection_id = $id and remote_id = '${of}' returning 1`,
    )
  await change(`read_at = modified_at::timestamptz + interval '59 seconds'`, other)
  expect(await known()).toEqual([id])
  await change('deleted_at = clock_timestamp()', id)
  expect(await known()).toEqual([])
  await simulator.close()
})

test('a record that we wrote since it was read, or write at the moment, is not known', async () => {
  const simulator = await startSalesforceSimulator({ now: () => new Date(Date.now() - 120_000) })
  const sync = await toySync(db.database, db.url, simulator)
  const remoteId = simulator.insert('Account', { Name: 'Ours' })
  await sync.poll()
  const [seen] = await sync.rows<{ id: string; modifiedAt: string }>(
    `select remote_id as id, modified_at from mirror_record where connection_id = $id`,
  )
  const known = async () =>
    seen && (await sync.run((tx) => knownRecords(tx, sync.connection.id, 'Account', [], [seen]))).size
  await sync.rows(
    `insert into link (id, connection_id, entity, record_id, object, remote_id, state)
     values ('${newId()}', $id, 'customer', '${newId()}', 'Account', '${remoteId}', 'active') returning 1`,
  )
  const writes = (assignment: string) =>
    sync.rows(`update link set ${assignment} where connection_id = $id returning 1`)
  expect(await known()).toBe(1)
  await writes('written_at = clock_timestamp()')
  expect(await known()).toBe(0)
  await writes(`written_at = clock_timestamp() - interval '1 hour'`)
  expect(await known()).toBe(1)
  await writes('writing_at = clock_timestamp()')
  expect(await known()).toBe(0)
  await simulator.close()
})
