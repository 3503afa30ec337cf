/** Fills a database with an installation and with registrations as if they had been made one by one, only quicker. */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { pino } from 'pino'
import { createApplication } from '#src/application.ts'
import type { Capabilities } from '#src/capabilities.ts'
import type { ClaimSubject } from '#src/conflicts/claim.ts'
import { fileRegistrations } from '#src/conflicts/claim-store.ts'
import { asCheckSubject } from '#src/conflicts/comparison.ts'
import { judgeClaims } from '#src/conflicts/judgement.ts'
import { defaultRuleSet } from '#src/conflicts/rule-set.ts'
import { identifyCompany } from '#src/customers/company-identity.ts'
import { type Database, openDatabase, type Tx } from '#src/database/database.ts'
import { newDeal } from '#src/deals/deal.ts'
import { insertDeals } from '#src/deals/deal-store.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { type CustomerId, newId, type PartnerId, type ProductId, type ProgrammeId } from '#src/kernel/ids.ts'
import { query } from '#test/support/sql.ts'
import { type CompanySource, createCompanies } from './companies.ts'

const partnerCount = 20
const rowsAtOnce = 2_000
const actor = systemActor('bench')

/** What a registration needs to know of the installation. */
export interface Installation {
  readonly programmeId: ProgrammeId
  readonly productId: ProductId
  readonly familyId: string
  readonly partners: readonly { readonly id: PartnerId; readonly token: string }[]
}

/** The companies of the registrations that are seeded; those beyond their number are new to the service. */
export const companies: CompanySource = createCompanies(7)

export interface Service {
  readonly database: Database
  readonly capabilities: Capabilities
  close(): Promise<void>
}

/** The service in this process, without its background work. */
export async function openService(url: string, poolSize = 16) {
  const database = openDatabase({ url, poolSize })
  const application = await createApplication({
    config: {
      redisUrl: null,
      rateLimitPerMinute: 0,
      trustProxy: false,
      mail: null,
      publicUrl: 'http://127.0.0.1',
    },
    logger: pino({ level: 'silent' }),
    database,
    databaseUrl: url,
    keys: { current: randomBytes(32), previous: [] },
  })
  return {
    ...application,
    database,
    async close() {
      await application.close(5_000)
      await database.close()
    },
  }
}

/** Programme, products, partners with people and tokens, a connection that deals go to; nothing else. */
export async function seedInstallation(url: string): Promise<Installation> {
  const service = await openService(url)
  const { partners, products } = service.capabilities
  const run = <T>(work: (tx: Tx) => Promise<T>) => service.database.transact(actor, work)
  try {
    await service.bootstrapToken()
    const programme = await run((tx) =>
      partners.createProgramme(tx, actor, { name: 'Resellers', timeZone: 'Europe/Berlin', currency: 'EUR' }),
    )
    const tier = await run((tx) => partners.createTier(tx, actor, programme.id, { name: 'Gold', rank: 1 }))
    const family = await run((tx) => products.createFamily(tx, actor, { name: 'Platform', code: 'PLATFORM' }))
    const product = await run((tx) =>
      products.createProduct(tx, actor, { familyId: family.id, name: 'Suite', code: 'SUITE' }),
    )
    await run((tx) =>
      partners.createUser(tx, actor, {
        partnerId: null,
        email: 'channel@vendor.example',
        name: 'Channel Manager',
        roles: ['channel_manager', 'approver'],
      }),
    )
    const made: { id: PartnerId; token: string }[] = []
    for (let index = 0; index < partnerCount; index += 1) {
      const { id } = await run((tx) =>
        partners.createPartner(tx, actor, { name: `Partner ${index}`, currency: 'EUR', country: 'DE' }),
      )
      await run((tx) => partners.setMembership(tx, actor, id, programme.id, { tierId: tier.id }, null))
      const user = await run((tx) =>
        partners.createUser(tx, actor, {
          partnerId: id,
          email: `seller@partner${index}.example`,
          name: `Seller ${index}`,
          roles: ['partner_seller'],
        }),
      )
      const { secret } = await run((tx) =>
        partners.createToken(tx, actor, { userId: user.id, name: 'bench' }),
      )
      made.push({ id, token: secret })
    }
    await query(
      url,
      `insert into connection (id, name, vendor, secrets, status) values ($1, 'CRM', 'salesforce', '', 'active')`,
      [newId()],
    )
    return { programmeId: programme.id, productId: product.id, familyId: family.id, partners: made }
  } finally {
    await service.close()
  }
}

/**
 * Registrations of companies number 0 to `count`, each with customer, claim, history and audit trail; a third is
 * approved and holds its customer.
 */
export async function seedRegistrations(
  url: string,
  installation: Installation,
  count: number,
): Promise<void> {
  const database = openDatabase({ url, poolSize: 1 })
  try {
    for (let from = 0; from < count; from += rowsAtOnce) {
      await database.transact(actor, async (tx) => {
        await sql`set local synchronous_commit = off`.execute(tx)
        await seedSome(tx, installation, from, Math.min(count, from + rowsAtOnce))
      })
    }
    await database.transact(actor, fillHistory)
  } finally {
    await database.close()
  }
  await query(url, 'vacuum analyze')
}

async function seedSome(tx: Tx, installation: Installation, from: number, to: number): Promise<void> {
  const now = new Date()
  const day = now.toISOString().slice(0, 10)
  const until = new Date(now.getTime() + 90 * 86_400_000).toISOString().slice(0, 10)
  const rows = Array.from({ length: to - from }, (_, place) => {
    const index = from + place
    const company = companies.companyAt(index)
    const { domain, ...typed } = company
    const identity = identifyCompany({ ...typed, domain, email: null })
    const partner = installation.partners[index % partnerCount]
    if (!partner) throw new Error('There is no partner to register for')
    return {
      index,
      company,
      identity,
      partnerId: partner.id,
      customerId: newId<'customer'>(),
      dealId: newId<'deal'>(),
    }
  })
  const customerOf = await seedCustomers(tx, rows)
  await insertDeals(
    tx,
    rows.map(({ index, company, dealId, partnerId, customerId }) => ({
      ...newDeal({
        id: dealId,
        partnerId,
        programmeId: installation.programmeId,
        submitterId: 'partner:seed',
        submitterName: 'Seller',
        companyName: company.name,
        now,
      }),
      domain: company.domain,
      country: company.country,
      city: company.city,
      contactName: 'Robin Meyer',
      contactEmail: 'robin.meyer@example.org',
      need: 'Replace the old shop platform before the next season starts',
      amountMinor: BigInt(100_000 + (index % 900) * 10_000),
      currency: 'EUR',
      expectedCloseDate: '2027-03-31',
      products: [{ productId: installation.productId, familyId: installation.familyId, amountMinor: null }],
      registrationType: 'resale',
      customerId: customerOf.get(customerId) ?? customerId,
      status: 'submitted',
      conflict: 'clear',
      registeredAt: now,
    })),
  )
  await fileRegistrations(
    tx,
    rows.map(({ dealId, partnerId, customerId, identity }) => {
      const claim: ClaimSubject = {
        source: 'registration',
        sourceId: dealId,
        partnerId,
        company: identity,
        customerId: customerOf.get(customerId) ?? customerId,
        familyIds: [installation.familyId],
        from: day,
        to: until,
      }
      const subject = asCheckSubject(claim)
      const terms = { version: 1, rules: defaultRuleSet, asOf: day }
      const check = {
        ...judgeClaims(terms, subject, [], { mirror: 'none', gaps: [], wins: [] }),
        checkId: newId<'conflict_check'>(),
        purpose: 'submit',
        subject,
        checkedAt: now,
        durationMs: 1,
      } as const
      return { claimId: newId<'claim'>(), claim, scopeIds: claim.familyIds, check }
    }),
  )
}

type Seeded = { customerId: CustomerId; identity: ReturnType<typeof identifyCompany> }

/** @returns the customer of those whose domain another one has */
async function seedCustomers(tx: Tx, rows: readonly Seeded[]): Promise<Map<CustomerId, CustomerId>> {
  const given = JSON.stringify(rows.map(({ customerId, identity }) => ({ id: customerId, ...identity })))
  const { rows: known } = await sql<{ id: CustomerId; owner: CustomerId }>`
    with given as materialized (
      select * from jsonb_to_recordset(${given}::jsonb)
        as g (id uuid, name text, "nameKey" text, domain text, country text, city text)
    ), made as (
      insert into customer (id, name, name_key, domain, country, city)
      select distinct on (coalesce(domain, id::text)) id, name, "nameKey", domain, country, city from given
      where not exists (select from customer_domain d where d.domain = given.domain)
      order by coalesce(domain, id::text), id
      returning id, domain
    ), claimed as (
      insert into customer_domain (domain, customer_id) select domain, id from made where domain is not null
      returning domain, customer_id
    ), owners as (
      select domain, customer_id from claimed union all select domain, customer_id from customer_domain
    )
    select given.id, owners.customer_id as owner
    from given join owners using (domain) where owners.customer_id <> given.id`.execute(tx)
  return new Map(known.map(({ id, owner }) => [id, owner]))
}

async function fillHistory(tx: Tx): Promise<void> {
  await sql`
    update claim set standing = 'held', held_at = clock_timestamp()
    where claim_seq % 3 = 0 and not exists (
      select from claim other where other.canonical_id = claim.canonical_id and other.id <> claim.id)`.execute(
    tx,
  )
  await sql`
    update deal set status = 'approved', protected_from = lower(claim.range), protected_until = upper(claim.range) - 1
    from claim where claim.deal_id = deal.id and claim.standing = 'held'`.execute(tx)
  await sql`
    insert into deal_event (id, deal_id, partner_id, recorded_at, kind, visibility, actor_kind, actor_id, actor_name, data)
    select id, id, partner_id, created_at, 'submitted', 'public', 'partner', 'seed', 'Seller', '{}' from deal`.execute(
    tx,
  )
  await sql`
    insert into audit_entry (id, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, partner_id, after, content_hash)
    select id, 'partner', 'seed', 'Seller', 'deal.submitted', 'deal', id::text, partner_id,
      jsonb_build_object('companyName', company_name, 'need', need, 'amountMinor', amount_minor), sha256(id::text::bytea)
    from deal`.execute(tx)
  await sql`
    insert into notification (id, kind, partner_id, subject_kind, subject_id, data)
    select id, 'deal_submitted', null, 'deal', id::text, jsonb_build_object('number', number) from deal`.execute(
    tx,
  )
}

export const asPartner = (partnerId: PartnerId): Actor => ({
  kind: 'partner',
  id: partnerId,
  name: 'Seller',
  roles: ['partner_seller'],
  partnerId,
})
