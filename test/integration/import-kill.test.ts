import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { runNode } from '#test/support/child.ts'
import { useDealWorld } from '#test/support/deal-world.ts'
import { useImports } from '#test/support/imports.ts'

const world = useDealWorld()
const imports = useImports(world)

/** A worker of its own that applies imports of customers until it is killed. */
const worker = (url: string) => `
  import { createCustomerUseCases } from '#src/customers/customer-use-cases.ts'
  import { openDatabase } from '#src/database/database.ts'
  import { createAppliers } from '#src/imports/apply-use-cases.ts'
  import { createImportWork } from '#src/imports/work-use-cases.ts'
  const database = openDatabase({ url: ${JSON.stringify(url)} })
  const events = { publish: async () => undefined }
  const appliers = createAppliers({ clock: { now: () => new Date() }, customers: createCustomerUseCases({ events }) })
  const work = createImportWork({ database, appliers, log: console, ring: () => undefined })
  console.log('working')
  await work.drainImports(new AbortController().signal)
  await database.close()
`

test('workers that are killed again and again apply each row exactly once', async () => {
  const count = 4_000
  const rows = Array.from({ length: count }, (_, index) => `killed-${index},Killed ${index} werke,Kiel`)
  const { id } = await imports.receive('customers', `external_ref,name,city\n${rows.join('\n')}`)
  let kills = 0
  for (let state = 'waiting'; state !== 'done'; ) {
    const before = (await imports.current(id)).rows.created
    const run = runNode(['-e', worker(world.db.url)])
    await run.firstLine
    // Killed while it is in the middle of something, after it got a little further.
    for (;;) {
      const now = await imports.current(id)
      state = now.state
      if (state === 'done' || now.rows.created > before + 400) break
      await delay(5)
    }
    if (state !== 'done') {
      run.process.kill('SIGKILL')
      kills += 1
    }
    await run.ended
  }
  expect(kills).toBeGreaterThan(2)
  expect((await imports.current(id)).rows).toEqual({
    read: count,
    created: count,
    updated: 0,
    unchanged: 0,
    invalid: 0,
  })
  const { rows: stored } = await imports.asSystem((tx) =>
    sql<{ rows: number; keys: number; trails: number }>`
      select count(*)::int as rows, count(distinct external_ref)::int as keys,
        (select count(*)::int from audit_entry where action = 'customer.created') as trails
      from customer where external_ref like 'killed-%'`.execute(tx),
  )
  expect(stored).toEqual([{ rows: count, keys: count, trails: count }])
})
