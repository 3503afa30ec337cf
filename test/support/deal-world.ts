import { beforeAll } from 'vitest'
import { createConflictUseCases } from '#src/conflicts/conflict-use-cases.ts'
import { createCustomerUseCases } from '#src/customers/customer-use-cases.ts'
import type { Tx } from '#src/database/database.ts'
import { registrationPort } from '#src/deals/case-use-cases.ts'
import { createDealUseCases, type DealUseCases } from '#src/deals/deal-use-cases.ts'
import type { DraftInput } from '#src/deals/registration-use-cases.ts'
import type { DealRouting } from '#src/deals/routing-facts.ts'
import { createIncentiveUseCases } from '#src/incentives/incentive-use-cases.ts'
import { insertPlan, insertPublication, insertVersion } from '#src/incentives/plan-store.ts'
import { type Actor, systemActor } from '#src/kernel/actor.ts'
import { always } from '#src/kernel/condition.ts'
import { createEventBus, type DomainEvent } from '#src/kernel/events.ts'
import { newId, type PartnerId, type ProductId, type ProgrammeId } from '#src/kernel/ids.ts'
import { createPartnerUseCases } from '#src/partners/partner-use-cases.ts'
import type { ProgrammePatch } from '#src/partners/programme.ts'
import { createProductUseCases } from '#src/products/product-use-cases.ts'
import { useDatabase } from './database.ts'

/** Registrations with everything that they stand on, for real: two partners, a programme, products, a ten percent plan. */
export function useDealWorld() {
  const db = useDatabase()
  const told: DomainEvent[] = []
  const time = { now: new Date('2026-03-02T10:00:00Z') }
  const clock = { now: () => time.now }
  const note = async (_tx: Tx, _actor: Actor, events: readonly DomainEvent[]) => void told.push(...events)
  const events = createEventBus<Tx>({
    record_changed: [note, (tx, actor, changes) => conflicts.onRecordsChanged(tx, actor, changes)],
    link_requested: [note],
    notification: [note],
    customers_merged: [(tx, actor, merges) => conflicts.onCustomersMerged(tx, actor, merges)],
    conflict_decided: [(tx, actor, decisions) => deals.onConflictDecided(tx, actor, decisions)],
    conflict_found: [(tx, actor, found) => deals.onConflictFound(tx, actor, found)],
    conflict_cleared: [(tx, actor, cleared) => deals.onConflictCleared(tx, actor, cleared)],
  })
  /** Where deals go; a test may say otherwise. */
  const routing: { -readonly [Key in keyof DealRouting]: DealRouting[Key] } = { fallback: null, choose: null }
  const partners = createPartnerUseCases({ events, clock })
  const customers = createCustomerUseCases({ events })
  const products = createProductUseCases()
  const conflicts = createConflictUseCases({
    clock,
    events,
    canonicalOf: customers.canonicalOf,
    customers,
    people: partners,
    registrations: registrationPort(() => deals),
    findWins: (tx, customerIds) => deals.findPastWins(tx, customerIds),
  })
  const incentives = createIncentiveUseCases({ events, clock })
  const deals: DealUseCases = createDealUseCases({
    clock,
    events,
    partners,
    customers,
    products,
    conflicts,
    incentives,
    crm: { routing: async () => routing, assertConnection: async () => undefined },
  })

  const manager = {
    kind: 'vendor',
    id: newId(),
    name: 'Maria Manager',
    roles: ['channel_manager'],
  } satisfies Actor
  const crm: Actor = { kind: 'connection', id: newId(), name: 'CRM' }
  const sellerOf = (partnerId: PartnerId, name: string): Actor => ({
    kind: 'partner',
    id: newId(),
    name,
    roles: ['partner_seller'],
    partnerId,
  })
  const world = {
    programmeId: '' as ProgrammeId,
    goldTier: '',
    partnerId: '' as PartnerId,
    rivalId: '' as PartnerId,
    seller: manager as Actor,
    rival: manager as Actor,
    phone: '' as ProductId,
    line: '' as ProductId,
    phoneFamily: '',
  }
  const run = <T>(actor: Actor, work: (tx: Tx) => Promise<T>) => db.database.transact(actor, work)
  const admin = systemActor('test')

  beforeAll(async () => {
    await run(admin, async (tx) => {
      const programme = await partners.createProgramme(tx, admin, {
        name: 'Resellers',
        timeZone: 'Europe/Berlin',
        currency: 'EUR',
      })
      world.programmeId = programme.id
      world.goldTier = (await partners.createTier(tx, admin, programme.id, { name: 'Gold', rank: 1 })).id
      for (const name of ['Nordwind IT', 'Suedstern Systems']) {
        const { id } = await partners.createPartner(tx, admin, { name, currency: 'EUR', country: 'DE' })
        await partners.setMembership(tx, admin, id, programme.id, { tierId: world.goldTier }, null)
        if (world.partnerId === '') world.partnerId = id
        else world.rivalId = id
      }
      world.seller = sellerOf(world.partnerId, 'Sam Seller')
      world.rival = sellerOf(world.rivalId, 'Rita Rival')
      const family = async (name: string, code: string) =>
        (await products.createFamily(tx, admin, { name, code })).id
      const phoneFamily = await family('Phones', 'phones')
      const lineFamily = await family('Lines', 'lines')
      world.phoneFamily = phoneFamily
      const product = { familyId: phoneFamily, name: 'Desk phone', code: 'desk' }
      world.phone = (await products.createProduct(tx, admin, product)).id
      world.line = (
        await products.createProduct(tx, admin, { familyId: lineFamily, name: 'Trunk', code: 'trunk' })
      ).id
      const plan = await insertPlan(tx, { id: newId(), programmeId: programme.id, name: 'Ten percent' })
      const versionId = newId<'plan_version'>()
      await insertVersion(tx, {
        id: versionId,
        planId: plan.id,
        document: {
          schema: 1,
          lines: [
            {
              id: 'base',
              name: 'Base',
              when: always,
              pays: { kind: 'percent', ratePpm: 100_000 },
              families: null,
              tiers: null,
              cap: null,
            },
          ],
          holdbackDays: 30,
          rounding: 'half_even',
          splitRounding: 'largest_remainder',
        },
      })
      await insertPublication(tx, { id: newId(), programmeId: programme.id, versionId, from: '2020-01-01' })
    })
  })

  let companies = 0
  const details = (over: Partial<DraftInput['details']> = {}): DraftInput['details'] => {
    companies += 1
    return {
      companyName: `Customer ${'abcdefghijklmnopqrstuvwxyz'[companies % 26]}${companies} Werke`,
      domain: `customer${companies}x.com`,
      country: 'DE',
      contactName: 'Cora Contact',
      contactEmail: `cora@customer${companies}x.com`,
      need: 'They replace their telephone system this year',
      amountMinor: 5_000_000n,
      currency: 'EUR',
      expectedCloseDate: '2026-06-30',
      registrationType: 'resale',
      ...over,
    }
  }
  const draft = (actor = world.seller, over: Partial<DraftInput['details']> = {}) =>
    run(actor, (tx) =>
      deals.createDraft(tx, actor, { programmeId: world.programmeId, details: details(over) }),
    )
  const submit = async (actor = world.seller, over: Partial<DraftInput['details']> = {}) => {
    const { id } = await draft(actor, over)
    return run(actor, (tx) => deals.submit(tx, actor, id, null))
  }
  const toApproval = { crm: { kind: 'create' }, protectionDays: null, reason: null } as const
  const approve = async (actor = world.seller, over: Partial<DraftInput['details']> = {}) => {
    const { id } = await submit(actor, over)
    return run(manager, (tx) => deals.approve(tx, manager, id, null, toApproval))
  }
  const setProgramme = (patch: ProgrammePatch) =>
    run(admin, (tx) => partners.updateProgramme(tx, admin, world.programmeId, patch, null))
  const notices = () =>
    told.flatMap((event) =>
      event.type === 'notification'
        ? [`${event.kind} ${event.partnerId === null ? 'vendor' : 'partner'}`]
        : [],
    )

  return {
    db,
    world,
    time,
    routing,
    told,
    notices,
    events,
    deals,
    partners,
    customers,
    conflicts,
    incentives,
    manager,
    crm,
    run,
    details,
    draft,
    submit,
    approve,
    toApproval,
    setProgramme,
  }
}
