import { sql } from 'kysely'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import type { ImportId } from '#src/imports/import.ts'
import { Refused } from '#src/kernel/errors.ts'
import { useDealWorld } from '#test/support/deal-world.ts'
import { bytesOf, people, useImports } from '#test/support/imports.ts'
import { query } from '#test/support/sql.ts'

const world = useDealWorld()
const imports = useImports(world)
afterEach(() => {
  imports.between.onBatch = null
})

const customers = (prefix: string, count: number) =>
  `external_ref,name,city\n${Array.from({ length: count }, (_, index) => `${prefix}-${index},${prefix} ${index} ${'abcdefghij'[index % 10]}works,Kiel\n`).join('')}`

/** How often each key of this prefix stands in the table; exactly once is what everybody wants. */
const timesIn = async (table: string, prefix: string) =>
  imports.asSystem(async (tx) => {
    const { rows } = await sql<{ rows: number; keys: number }>`
      select count(*)::int as rows, count(distinct external_ref)::int as keys
      from ${sql.table(table)} where external_ref like ${`${prefix}-%`}`.execute(tx)
    return rows[0]
  })

describe('an import that is interrupted goes on where it was, each row exactly once,', () => {
  test('when the process is asked to stop between batches', async () => {
    const { id } = await imports.receive('customers', customers('stop', 1_000))
    const stop = new AbortController()
    let batches = 0
    imports.between.onBatch = () => {
      batches += 1
      if (batches === 2) stop.abort()
    }
    await imports.drain(stop.signal)
    const halfway = await imports.current(id)
    expect(halfway.state).toBe('running')
    expect(halfway.rows.created).toBeGreaterThan(0)
    expect(halfway.rows.created).toBeLessThan(1_000)
    expect(await timesIn('customer', 'stop')).toEqual({
      rows: halfway.rows.created,
      keys: halfway.rows.created,
    })
    await imports.drain()
    expect(await imports.current(id)).toMatchObject({ state: 'done', rows: { created: 1_000, unchanged: 0 } })
    expect(await timesIn('customer', 'stop')).toEqual({ rows: 1_000, keys: 1_000 })
  })

  test('when the database connection dies inside a batch', async () => {
    const { id } = await imports.receive('customers', customers('kill', 1_000))
    let batches = 0
    imports.between.onBatch = async (_rows, tx) => {
      batches += 1
      if (batches !== 3) return
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
      await query(world.db.url, 'select pg_terminate_backend($1)', [rows[0]?.pid])
    }
    await imports.drain().catch(() => undefined)
    const halfway = await imports.current(id)
    expect(halfway).toMatchObject({ state: 'running', problem: expect.stringContaining('tried again') })
    expect(await timesIn('customer', 'kill')).toEqual({
      rows: halfway.rows.created,
      keys: halfway.rows.created,
    })
    expect(imports.rung.at(-1)).toBe('imports')
    await imports.asSystem((tx) => sql`update import set retry_at = clock_timestamp()`.execute(tx))
    await imports.drain()
    expect(await imports.current(id)).toMatchObject({
      state: 'done',
      problem: null,
      rows: { created: 1_000, unchanged: 0 },
    })
    expect(await timesIn('customer', 'kill')).toEqual({ rows: 1_000, keys: 1_000 })
  })

  test('when several workers are at it together', async () => {
    const { id } = await imports.receive('customers', customers('many', 1_500))
    await Promise.all(Array.from({ length: 4 }, () => imports.drain()))
    await imports.drain()
    expect(await imports.current(id)).toMatchObject({ state: 'done', rows: { created: 1_500, unchanged: 0 } })
    expect(await timesIn('customer', 'many')).toEqual({ rows: 1_500, keys: 1_500 })
  })
})

test('one row in twenty is bad: the good ones are in, each bad one is named by line and column', async () => {
  const bad = (index: number) => index % 20 === 7
  const rows = Array.from({ length: 600 }, (_, index) => {
    const company = `Tal ${index} ${'abcdefghij'[index % 10]}werke,tal${index}.de`
    return `five-${index},Nordwind IT,${company},${bad(index) ? 'Atlantis' : 'DE'},withdrawn,2025-01-01`
  })
  const file = `external_ref,partner,company_name,company_domain,company_country,status,registered_at\n${rows.join('\n')}`
  const { id, rows: counts } = await imports.run('deals', file)
  expect(counts).toEqual({ read: 600, created: 570, updated: 0, unchanged: 0, invalid: 30 })
  const report = await imports.reportOf(id)
  expect(report.map(({ line, issues }) => [line, issues.map(({ column }) => column)])).toEqual(
    rows.flatMap((_, index) => (bad(index) ? [[index + 2, ['company_country']]] : [])),
  )
  expect(await timesIn('deal', 'five')).toEqual({ rows: 570, keys: 570 })
  const again = await imports.run('deals', file)
  expect(again.rows).toEqual({ read: 600, created: 0, updated: 0, unchanged: 570, invalid: 30 })
  const corrected = await imports.run('deals', file.replaceAll('Atlantis', 'DE'))
  expect(corrected.rows).toEqual({ read: 600, created: 30, updated: 0, unchanged: 570, invalid: 0 })
})

test('a row that breaks a whole batch is found and told apart; a refusal keeps its words', async () => {
  const { id } = await imports.receive('customers', customers('poison', 300))
  imports.between.onBatch = (rows) => {
    const has = (key: string) => rows.some(({ cells }) => cells.get('external_ref') === key)
    if (has('poison-42')) throw new TypeError('a fault of ours')
    if (has('poison-250')) throw new Refused('not_now', 'This one is not welcome')
  }
  await imports.drain()
  expect(await imports.current(id)).toMatchObject({ state: 'done', rows: { created: 298, invalid: 2 } })
  expect(
    (await imports.reportOf(id)).map(({ line, issues }) => [line, issues[0]?.code, issues[0]?.message]),
  ).toEqual([
    [44, 'internal_error', 'Something went wrong on our side; it has been logged'],
    [252, 'refused', 'This one is not welcome'],
  ])
  expect(imports.entries.some(({ level }) => level === 'error')).toBe(true)
})

test('a database that takes no batch is asked less and less often, and the import fails in the end', async () => {
  const { id } = await imports.receive('customers', customers('locked', 3))
  const locked = Object.assign(new pg.DatabaseError('canceling statement due to lock timeout', 1, 'error'), {
    code: '55P03',
  })
  imports.between.onBatch = () => {
    throw locked
  }
  const waits: number[] = []
  for (let failure = 1; failure <= 35; failure += 1) {
    await imports.drain()
    const { rows } = await imports.asSystem((tx) =>
      sql<{ wait: number | null }>`
        update import set retry_at = clock_timestamp() - interval '1 second'
        from (select retry_at - clock_timestamp() as wait from import where id = ${id}) before
        where id = ${id} and retry_at is not null
        returning round(extract(epoch from wait))::int as wait`.execute(tx),
    )
    if (rows[0]) waits.push(rows[0].wait ?? 0)
  }
  expect(waits.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60])
  expect(await imports.current(id)).toMatchObject({
    state: 'failed',
    problem: expect.stringContaining('failed too often'),
    rows: { created: 0 },
  })
})

test('imports run in the order in which they came, so that partners are there before their deals', async () => {
  const partners = Array.from({ length: 250 }, (_, index) => `order-${index},Order ${index},EUR`).join('\n')
  const deals = Array.from(
    { length: 250 },
    (_, index) => `order-${index},order-${index},Customer ${index},withdrawn,2025-01-01`,
  ).join('\n')
  await imports.receive('partners', `external_ref,name,currency\n${partners}`)
  const { id } = await imports.receive(
    'deals',
    `external_ref,partner,company_name,status,registered_at\n${deals}`,
  )
  await Promise.all([imports.drain(), imports.drain()])
  await imports.drain()
  expect((await imports.current(id)).rows).toMatchObject({ created: 250, invalid: 0 })
})

test('live work gets its turn while an import runs', async () => {
  const rows = Array.from(
    { length: 1_500 },
    (_, index) => `turn-${index},Nordwind IT,Turn ${index},turn${index}x.de,submitted,2026-01-05`,
  )
  const header = 'external_ref,partner,company_name,company_domain,status,registered_at'
  const { id } = await imports.receive('deals', `${header}\n${rows.join('\n')}`)
  const live: Promise<string>[] = []
  imports.between.onBatch = () => {
    if (live.length === 0) live.push(world.submit().then(async () => (await imports.current(id)).state))
  }
  await imports.drain()
  expect(await Promise.all(live)).toEqual(['running'])
})

describe('a cancelled import', () => {
  const cancel = (id: ImportId) =>
    world.run(people.operations, (tx) => imports.imports.cancelImport(tx, people.operations, id))

  test('stops behind the batch in hand; what is in stays', async () => {
    const { id } = await imports.receive('customers', customers('cancel', 1_000))
    const cancelled: Promise<unknown>[] = []
    imports.between.onBatch = () => {
      if (cancelled.length === 0) cancelled.push(cancel(id))
    }
    await imports.drain()
    await Promise.all(cancelled)
    const { state, rows, endedAt } = await imports.current(id)
    expect([state, endedAt instanceof Date]).toEqual(['cancelled', true])
    expect(rows.created).toBeGreaterThan(0)
    expect(rows.created).toBeLessThan(1_000)
    expect(await timesIn('customer', 'cancel')).toEqual({ rows: rows.created, keys: rows.created })
    await imports.drain()
    expect((await imports.current(id)).rows).toEqual(rows)
    expect(await imports.asSystem((tx) => waiting(tx, id))).toBe(0)
    expect(await traceOf(id)).toEqual(['import.received', 'import.cancelled'])
  })

  test('cannot be cancelled once it is done, and may be cancelled twice', async () => {
    const { id } = await imports.receive('customers', customers('twice', 2))
    expect((await cancel(id)).state).toBe('cancelled')
    expect((await cancel(id)).state).toBe('cancelled')
    const done = await imports.run('customers', customers('twice', 2))
    await expect(cancel(done.id)).rejects.toMatchObject({ code: 'import_ended' })
  })

  test('while its file is on its way takes no more of it', async () => {
    async function* slowly() {
      yield* bytesOf(customers('way', 1_500))
      await cancel(await receiving())
      yield* bytesOf('way-last,Last,Kiel\n'.repeat(2_000))
    }
    const upload = { kind: 'customers', fileName: null, body: slowly() } as const
    await expect(imports.intake.receive(people.operations, upload)).rejects.toMatchObject({
      code: 'import_ended',
    })
    await imports.drain()
    expect(await timesIn('customer', 'way')).toEqual({ rows: 0, keys: 0 })
    expect(await traceOf(await newest('customers'))).toEqual(['import.cancelled'])
  })
})

describe('an upload that breaks off applies nothing', () => {
  test('because the caller hung up, or the file is broken further down', async () => {
    async function* halfOf(rest: () => AsyncGenerator<Uint8Array>) {
      yield* bytesOf(customers('half', 1_500))
      await receiving()
      yield* rest()
    }
    // biome-ignore lint/correctness/useYield: a caller that goes away sends nothing
    const hangUp = async function* () {
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    }
    const broken = () => bytesOf('half-x,"Open\n')
    for (const [rest, problem] of [
      [hangUp, 'The upload broke off'],
      [broken, 'The file cannot be read as CSV, so nothing of it was taken'],
    ] as const) {
      const upload = { kind: 'customers', fileName: null, body: halfOf(rest) } as const
      await expect(imports.intake.receive(people.operations, upload)).rejects.toThrow()
      const id = await newest('customers')
      expect(await traceOf(id)).toEqual(['import.failed'])
      expect(await imports.current(id)).toMatchObject({ state: 'failed', problem, rows: { created: 0 } })
    }
    await imports.drain()
    expect(await timesIn('customer', 'half')).toEqual({ rows: 0, keys: 0 })
  })

  test('because we went away', async () => {
    const before = await imports.receive('customers', customers('away', 3))
    await query(world.db.url, `update import set state = 'receiving', received_at = null where id = $1`, [
      before.id,
    ])
    await imports.drain()
    expect((await imports.current(before.id)).state).toBe('receiving')
    await query(world.db.url, `update import set stored_at = now() - interval '6 minutes' where id = $1`, [
      before.id,
    ])
    await imports.drain()
    expect(await imports.current(before.id)).toMatchObject({
      state: 'failed',
      problem: expect.stringContaining('broke off'),
    })
    expect(await imports.asSystem((tx) => waiting(tx, before.id))).toBe(0)
  })
})

const waiting = async (tx: Parameters<Parameters<typeof imports.asSystem>[0]>[0], id: ImportId) => {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from import_row where import_id = ${id} and outcome is null`.execute(tx)
  return rows[0]?.n
}

async function newest(kind: 'customers'): Promise<ImportId> {
  const page = { limit: 1, sort: '-createdAt', after: null } as const
  const [found] = await world.run(people.operations, (tx) =>
    imports.imports.listImports(tx, people.operations, { kind }, page),
  )
  if (!found) throw new Error('There is no import')
  return found.id
}

/** What the audit trail says of an import. */
async function traceOf(id: ImportId): Promise<readonly string[]> {
  const { rows } = await imports.asSystem((tx) =>
    sql<{ action: string }>`
      select action from audit_entry where subject_kind = 'import' and subject_id = ${id} order by id`.execute(
      tx,
    ),
  )
  return rows.map(({ action }) => action)
}

/** The import that is being received, once its first rows are stored. */
async function receiving(): Promise<ImportId> {
  for (;;) {
    const { rows } = await imports.asSystem((tx) =>
      sql<{ id: ImportId }>`select id from import where state = 'receiving'`.execute(tx),
    )
    if (rows[0]) return rows[0].id
  }
}
