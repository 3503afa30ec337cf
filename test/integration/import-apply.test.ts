import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { systemActor } from '#src/kernel/actor.ts'
import { useDealWorld } from '#test/support/deal-world.ts'
import { useImports } from '#test/support/imports.ts'

const world = useDealWorld()
const imports = useImports(world)

const csv = (...lines: string[]) => `${lines.join('\n')}\n`
const done = (created: number, updated: number, unchanged: number, invalid: number) => ({
  state: 'done',
  rows: { read: created + updated + unchanged + invalid, created, updated, unchanged, invalid },
})
const select = <Row>(text: string) =>
  imports.asSystem(async (tx) => (await sql.raw<Row>(text).execute(tx)).rows)
const told = async (id: Parameters<typeof imports.reportOf>[0]) =>
  (await imports.reportOf(id)).flatMap(({ line, issues }) =>
    issues.map(({ column, code }) => `${line} ${column} ${code}`),
  )

describe('partners', () => {
  const file = csv(
    'external_ref,name,domain,country,city,currency,tier,territories',
    'P-1,Ostwind GmbH,https://www.ostwind-it.de/shop,Germany,Kiel,EUR,gold,DE|Austria',
    'P-2,"Westwind, Ltd",,GB,London,GBP,,',
  )

  test('are created, changed where a newer file says so, and left alone otherwise', async () => {
    expect(await imports.run('partners', file)).toMatchObject(done(2, 0, 0, 0))
    expect(await imports.run('partners', file)).toMatchObject(done(0, 0, 2, 0))
    const newer = csv('external_ref,name,city', 'P-1,Ostwind GmbH,Rostock', 'P-2,"Westwind, Ltd",')
    expect(await imports.run('partners', newer)).toMatchObject(done(0, 1, 1, 0))
    const [partner] = await world.run(systemActor('test'), (tx) =>
      world.partners.listPartners(tx, { externalRef: 'P-1' }, { limit: 1, sort: 'name', after: null }),
    )
    expect(partner).toMatchObject({
      name: 'Ostwind GmbH',
      domain: 'ostwind-it.de',
      country: 'DE',
      city: 'Rostock',
      memberships: [{ tierName: 'Gold', territories: ['AT', 'DE'] }],
    })
  })

  test('with bad cells are named by line and column, whoever found the fault', async () => {
    const { id, rows } = await imports.run(
      'partners',
      csv(
        'external_ref,name,country,currency,status,tier,programme,territories',
        'B-1,,DE,EUR,,,,',
        'B-2,No currency,DE,,,,,',
        'B-3,Nowhere,Atlantis,EUR,,,,',
        'B-4,Sleeping,DE,EUR,asleep,,,',
        'B-5,Tiers,DE,EUR,,Platinum,,',
        'B-6,Programmes,DE,EUR,,Gold,Distributors,',
        'B-7,Territories,DE,EUR,,Gold,,Elbonia',
        ',Nameless,DE,EUR,,,,',
        'B-9,Fine,DE,EUR,Suspended,Gold,resellers,',
      ),
    )
    expect(rows).toMatchObject({ created: 1, invalid: 8 })
    expect(await told(id)).toEqual([
      '2 name required',
      '3 currency missing',
      '4 country unknown_country',
      '5 status unknown_choice',
      '6 tier unknown_tier',
      '7 programme unknown_programme',
      '8 territories unknown_country',
      '9 external_ref required',
    ])
  })
})

describe('customers', () => {
  test('are created once, and take over what a newer file says', async () => {
    const file = csv(
      'External Ref;Name;Domain;Country;Postal-Code',
      'C-1;Contoso AG;contoso-ag.de;DE;24103',
      'C-2;Fabrikam;;Atlantis;',
      'C-3;Adventure Works;;US;98052',
    )
    const first = await imports.run('customers', file)
    expect(first).toMatchObject(done(2, 0, 0, 1))
    expect(await told(first.id)).toEqual(['3 country unknown_country'])
    expect(await imports.run('customers', file.replace('24103', '24105'))).toMatchObject(done(0, 1, 1, 1))
    expect(
      await select(`select postal_code from customer where external_ref like 'C-%' order by external_ref`),
    ).toEqual([{ postalCode: '24105' }, { postalCode: '98052' }])
  })
})

describe('registrations', () => {
  const header =
    'external_ref,partner,company_name,company_domain,company_country,contact_name,contact_email,need,amount,currency,' +
    'expected_close_date,products,registration_type,status,registered_at,registered_at_source,approved_by,approved_at,' +
    'protection_until,outcome,outcome_on,crm_id'
  const live = (ref: string, name: string, partner = 'Nordwind IT') =>
    `${ref},${partner},${name} GmbH,${name.toLowerCase()}-werke.de,DE,Cora,cora@${name.toLowerCase()}-werke.de,` +
    'They replace their telephone system,50000.00,EUR,2027-06-30,DESK|trunk,resale,,,,,,,,,'

  test('without a past are registered now: checked, numbered, on the review clock', async () => {
    const file = csv(header, live('D-1', 'Alpenglow'), live('D-2', 'Birkenhain', 'nordwind it'))
    expect(await imports.run('deals', file)).toMatchObject(done(2, 0, 0, 0))
    const rows = await select<{ conflict: string }>(
      `select status, conflict, amount_minor, jsonb_array_length(products) as products, registered_at is not null as registered,
              provenance->>'source' as source
       from deal where external_ref in ('D-1', 'D-2') order by external_ref`,
    )
    const expected = {
      status: 'submitted',
      conflict: 'clear',
      amountMinor: 5_000_000n,
      products: 2,
      registered: true,
      source: 'deals.csv',
    }
    expect(rows).toEqual([expected, expected])
    expect(await imports.run('deals', file)).toMatchObject(done(0, 0, 2, 0))
  })

  test('that collide are stored and suspected, within one file too', async () => {
    const file = csv(header, live('E-1', 'Cedernholz'), live('E-2', 'Cedernholz', 'Suedstern Systems'))
    expect(await imports.run('deals', file)).toMatchObject(done(2, 0, 0, 0))
    const rows = await select<{ conflict: string }>(
      `select conflict from deal where external_ref in ('E-1', 'E-2') order by external_ref`,
    )
    expect(rows.map(({ conflict }) => conflict)).toContain('suspected')
  })

  test('of the past keep their days, their decision, their outcome and where they were recorded', async () => {
    const past = (ref: string, rest: string) => `${ref},Nordwind IT,Company ${ref},,,,,,1000,EUR,,,,${rest}`
    const { rows, id } = await imports.run(
      'deals',
      csv(
        header,
        past('F-1', 'approved,2025-03-01,Old portal,Anna,2025-03-04,2025-06-02,won,2025-05-20,'),
        past('F-2', 'rejected,2025-03-01T10:00:00+02:00,,Anna,2025-03-05T23:30:00Z,,,,'),
        past('F-3', 'approved,,,,,,,,'),
        past('F-4', 'rejected,2025-03-01,,,,,won,,'),
        past('F-5', 'approved,2999-01-01,,,,,,,'),
        past('F-6', 'approved,01.03.2025,,,,,,,'),
      ),
    )
    expect(rows).toMatchObject({ created: 2, invalid: 4 })
    expect(await told(id)).toEqual([
      '4 registered_at required',
      '5 outcome not_approved',
      '6 registered_at in_the_future',
      '7 registered_at not_an_instant',
    ])
    const stored = await select(
      `select status, registered_at, protected_from, protected_until, outcome, outcome_on, decided_by,
              provenance->>'source' as source
       from deal where external_ref in ('F-1', 'F-2') order by external_ref`,
    )
    expect(stored).toEqual([
      {
        status: 'approved',
        registeredAt: new Date('2025-02-28T23:00:00Z'),
        protectedFrom: '2025-03-04',
        protectedUntil: '2025-06-02',
        outcome: 'won',
        outcomeOn: '2025-05-20',
        decidedBy: 'Anna',
        source: 'Old portal',
      },
      expect.objectContaining({
        status: 'rejected',
        registeredAt: new Date('2025-03-01T08:00:00Z'),
        source: 'deals.csv',
      }),
    ])
  })

  test('that are in but need a decision are told with what to do', async () => {
    const held = (ref: string, partner: string) =>
      `${ref},${partner},Drachenfels Bau AG,drachenfels-bau.de,DE,approved,2026-01-05,2099-12-31`
    const { id, rows } = await imports.run(
      'deals',
      csv(
        'external_ref,partner,company_name,company_domain,company_country,status,registered_at,protection_until',
        held('J-1', 'Nordwind IT'),
        held('J-2', 'Suedstern Systems'),
      ),
    )
    expect(rows).toMatchObject({ created: 2, invalid: 0 })
    expect(await imports.reportOf(id)).toMatchObject([
      { line: 3, outcome: 'created', issues: [{ column: 'status', code: 'already_held' }] },
    ])
  })

  test('with bad cells name the column as the file calls it', async () => {
    const row = (ref: string, changes: { readonly [column: string]: string }) =>
      header
        .split(',')
        .map(
          (column, index) => changes[column] ?? live(ref, `Zeder${ref.replace('-', '')}`).split(',')[index],
        )
        .join(',')
    const { id } = await imports.run(
      'deals',
      csv(
        header,
        row('G-1', { partner: 'Nobody' }),
        row('G-2', { company_country: 'Atlantis' }),
        row('G-3', { contact_email: 'not an address' }),
        row('G-4', { amount: '12.345', currency: 'EUR' }),
        row('G-5', { currency: '' }),
        row('G-6', { amount: '-5' }),
        row('G-7', { products: 'desk|rocket' }),
        row('G-8', { registration_type: 'other' }),
        row('G-9', { need: 'too short' }),
        row('G-10', { expected_close_date: '2027-02-30' }),
      ),
    )
    expect(await told(id)).toEqual([
      '2 partner unknown_partner',
      '3 company_country unknown_country',
      '4 contact_email not_an_address',
      '5 amount not_an_amount',
      '6 currency required',
      '7 amount not_an_amount',
      '8 products unknown_product',
      '9 registration_type unknown_registration_type',
      '10 need too_short',
      '11 expected_close_date not_a_day',
    ])
  })

  test('of partners whose name is not unique ask for the reference', async () => {
    await imports.run('partners', csv('external_ref,name,currency', 'T-1,Twin,EUR', 'T-2,Twin,EUR'))
    const { id, rows } = await imports.run(
      'deals',
      csv(
        'external_ref,partner,company_name,status,registered_at',
        'H-1,Twin,X,withdrawn,2025-01-01',
        'H-2,T-2,X,withdrawn,2025-01-01',
      ),
    )
    expect(rows).toMatchObject({ created: 1, invalid: 1 })
    expect(await told(id)).toEqual(['2 partner ambiguous_partner'])
  })
})

test('a key that comes twice in a file goes in once, however far apart', async () => {
  const rows = Array.from({ length: 700 }, (_, index) => `R-${index % 699},Repeated ${index},EUR`)
  const { id, rows: counts } = await imports.run('partners', csv('external_ref,name,currency', ...rows))
  expect(counts).toMatchObject({ read: 700, created: 699, invalid: 1 })
  expect(await told(id)).toEqual(['701 external_ref repeated'])
})

test('what went in leaves no copy of its cells behind; what did not stays for the report', async () => {
  const { id } = await imports.run('customers', csv('external_ref,name', 'K-1,Kept', 'K-2,'))
  expect(await select(`select line, cells from import_row where import_id = '${id}'`)).toEqual([
    { line: 3, cells: ['K-2', ''] },
  ])
})
