import { sql } from 'kysely'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { createDealEntity } from '#src/deals/deal-entity.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { type DealId, newId } from '#src/kernel/ids.ts'
import { useDealWorld } from '#test/support/deal-world.ts'
import { query } from '#test/support/sql.ts'

const { db, world, run, draft, submit, approve, crm, deals, partners, manager } = useDealWorld()

const admin = systemActor('test')
/** Every signed-in caller may read these, partners too. Anything else is a deliberate step. */
const publicTables = ['product', 'product_family', 'programme', 'tier']
/** Partners write here and read nothing of it. */
const writtenNotRead = ['audit_entry']

interface Table {
  readonly name: string
  readonly isolated: boolean
  readonly forced: boolean
  readonly partnerColumn: string | null
}
let tables: Table[] = []

beforeAll(async () => {
  await draft()
  await submit(world.rival)
  const mine = await approve()
  const theirs = await approve(world.rival)
  await run(crm, (tx) => {
    const won = (id: DealId) => ({ id, changes: { outcome: 'won' } })
    return createDealEntity(deals).applyMany(tx, crm, [won(mine.id), won(theirs.id)])
  })
  await run(world.seller, (tx) =>
    deals.requestChange(tx, world.seller, mine.id, null, {
      changes: { amountMinor: 1n },
      reason: 'Less of it',
    }),
  )
  for (const partnerId of [world.partnerId, world.rivalId]) {
    await run(manager, async (tx) => {
      const email = `somebody@${partnerId}.example`
      const roles = ['partner_seller'] as const
      const user = await partners.createUser(tx, manager, {
        partnerId,
        email,
        name: 'Somebody',
        roles: [...roles],
      })
      await partners.createToken(tx, manager, { userId: user.id, name: 'Token' })
    })
  }
  tables = await query<Table & pg.QueryResultRow>(
    db.url,
    `select relname as name, relrowsecurity as isolated, relforcerowsecurity as forced,
       (select attname from pg_attribute where attrelid = c.oid and not attisdropped
          and attname in ('partner_id', case relname when 'partner' then 'id' end)) as "partnerColumn"
     from pg_class c
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
       and (has_table_privilege('counterpart_app', oid, 'select, insert, update, delete')
         or has_any_column_privilege('counterpart_app', oid, 'select, insert, update'))
     order by 1`,
  )
})

/** What the application's role sees with these settings and nothing else, as rows per table. */
async function seenBy(
  settings: Readonly<Record<string, string>>,
  condition = 'true',
): Promise<Record<string, number>> {
  const client = new pg.Client({ connectionString: db.url })
  await client.connect()
  try {
    await client.query('begin; set local role counterpart_app')
    for (const [name, value] of Object.entries(settings))
      await client.query('select set_config($1, $2, true)', [name, value])
    const seen: Record<string, number> = {}
    for (const { name, partnerColumn } of tables.filter(({ isolated }) => isolated)) {
      const where = condition.replaceAll('partner', partnerColumn ?? 'null::uuid')
      const { rows } = await client.query(`select count(*)::int as count from ${name} where ${where}`)
      if (rows[0].count > 0) seen[name] = rows[0].count
    }
    return seen
  } finally {
    await client.end()
  }
}

describe('row level security', () => {
  test('covers every table, also against its owner, but those that everybody may read', () => {
    expect(tables.length).toBeGreaterThan(40)
    const open = tables.filter(({ isolated, forced }) => !isolated || !forced).map(({ name }) => name)
    expect(open).toEqual(publicTables)
  })

  test('shows nothing to a unit of work that does not say for whom it is', async () => {
    expect(await seenBy({})).toEqual({})
    expect(await seenBy({ 'app.partner': '', 'app.wide': '', 'app.actor': '' })).toEqual({})
  })

  test('shows nothing to a partner that has nothing', async () => {
    expect(await seenBy({ 'app.partner': newId() })).toEqual({})
  })

  test('shows a partner its own rows and no others, in every table that names partners', async () => {
    const settings = { 'app.partner': world.partnerId }
    const own = await seenBy(settings)
    for (const name of [
      'partner',
      'membership',
      'user_account',
      'api_token',
      'deal',
      'deal_event',
      'deal_change_request',
    ])
      expect(own).toHaveProperty(name)
    for (const name of ['ledger_account', 'ledger_entry', 'ledger_posting', 'incentive_holdback'])
      expect(own).toHaveProperty(name)
    for (const name of ['claim', 'conflict_check', 'customer', 'incentive_plan', 'mail', ...writtenNotRead])
      expect(own).not.toHaveProperty(name)
    expect(
      await seenBy(settings, `partner is distinct from '${world.partnerId}' and partner is not null`),
    ).toEqual({})
  })

  test('hides what a table without a partner says of others', async () => {
    const hidden = tables.filter(({ isolated, partnerColumn }) => isolated && partnerColumn === null)
    const seen = Object.keys(await seenBy({ 'app.partner': world.partnerId }))
    expect(hidden.map(({ name }) => name).filter((name) => seen.includes(name))).toEqual(['ledger_posting'])
    const postings = await run(admin, (tx) => sql`select 1 from ledger_posting`.execute(tx))
    const own = (await seenBy({ 'app.partner': world.partnerId }))['ledger_posting']
    expect([own, postings.rows.length]).toEqual([1, 2])
  })

  test('keeps a partner from writing rows of another', async () => {
    const steal = (statement: string) =>
      run(world.seller, async (tx) => (await sql.raw(statement).execute(tx)).numAffectedRows)
    expect(await steal(`update deal set notes = 'mine' where partner_id = '${world.rivalId}'`)).toBe(0n)
    await expect(
      steal(`update deal set partner_id = '${world.rivalId}' where partner_id = '${world.partnerId}'`),
    ).rejects.toThrow(/row-level security/)
  })

  test('is bypassed by no role of ours and by no function', async () => {
    const roles = await query(
      db.url,
      `select rolname from pg_roles where rolname like 'counterpart\\_%' and rolname in ('counterpart_app', 'counterpart_system')
         and (rolsuper or rolbypassrls or rolcanlogin or rolcreaterole or rolcreatedb)`,
    )
    expect(roles).toEqual([])
    const definers = await query(
      db.url,
      `select proname from pg_proc where prosecdef and pronamespace = 'public'::regnamespace`,
    )
    expect(definers).toEqual([])
  })
})

describe('history', () => {
  test('may be changed by no role of ours', async () => {
    const protectedTables = await query<{ name: string; open: boolean }>(
      db.url,
      `select relname as name, bool_or(has_table_privilege(role, c.oid, 'update, delete, truncate')
           or has_any_column_privilege(role, c.oid, 'update')) as open
       from pg_trigger t join pg_class c on c.oid = t.tgrelid, unnest(array['counterpart_app', 'counterpart_system']) as role
       where tgname = 'append_only' group by 1 order by 1`,
    )
    expect(protectedTables.filter(({ open }) => open)).toEqual([])
    const names = protectedTables.map(({ name }) => name)
    for (const name of [
      'audit_entry',
      'ledger_entry',
      'ledger_posting',
      'seal',
      'seal_member',
      'conflict_check',
    ])
      expect(names).toContain(name)
  })

  test('is kept from its owner too', async () => {
    const count = () =>
      run(admin, async (tx) => {
        const { rows } = await sql<{ entries: bigint; reasons: bigint }>`
          select (select count(*) from ledger_entry) as entries,
                 (select count(*) from audit_entry where reason = 'rewritten') as reasons`.execute(tx)
        return rows[0]
      })
    const before = await count()
    expect(before?.entries).toBeGreaterThan(0n)
    // An owner that row level security binds finds no rows to change; any other one meets the trigger.
    for (const statement of ["update audit_entry set reason = 'rewritten'", 'delete from ledger_entry'])
      await query(db.url, statement).catch((error: Error) => expect(error.message).toMatch(/append-only/))
    await expect(query(db.url, 'truncate seal cascade')).rejects.toThrow(/append-only/)
    expect(await count()).toEqual(before)
  })
})
