import { asSystem, type Tx } from '#src/database/database.ts'
import { type Actor, actorKey } from '#src/kernel/actor.ts'
import { addDays, type Day, dayIn, startOfDay } from '#src/kernel/calendar.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import type { Priority } from '#src/kernel/events.ts'
import { type DealId, newId } from '#src/kernel/ids.ts'
import type { Partner } from '#src/partners/partner.ts'
import type { Programme } from '#src/partners/programme.ts'
import { promise } from './approval-step.ts'
import { checkAndClaim, resolveCustomersOf } from './claim-step.ts'
import { withContacts } from './contact-step.ts'
import { type Deal, newDeal } from './deal.ts'
import { type DetailsPatch, importableFields, withDetails } from './deal-details.ts'
import { checkImportRow, type DealImportRow, isLive } from './deal-import.ts'
import { awaitsDecision, wasApproved } from './deal-status.ts'
import { findCrmHomes, lockByExternalRef } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'
import { findNamedProducts, resolveDetails } from './details-step.ts'
import { type JournalOptions, recordChanges } from './journal-step.ts'
import { register } from './registration-step.ts'
import { fixConnections } from './routing-step.ts'

export interface ImportResult {
  readonly ref: string
  readonly status: 'created' | 'updated' | 'unchanged' | 'invalid'
  readonly dealId: DealId | null
  readonly issues: readonly FieldIssue[]
}

interface Located {
  readonly row: DealImportRow
  readonly programme: Programme
  readonly partner: Partner
  readonly details: DetailsPatch
  /** In the programme's zone. */
  readonly today: Day
}

/**
 * Registrations from elsewhere, as one batch: call it with some hundred rows per unit of work, since it holds the claims
 * lock to the end. A row is known by its reference: the same again changes nothing.
 */
export function createImportUseCases(deps: DealDeps) {
  async function locate(
    tx: Tx,
    rows: readonly DealImportRow[],
  ): Promise<(Located | { readonly row: DealImportRow; readonly issues: readonly FieldIssue[] })[]> {
    const programmes = await deps.partners.findProgrammes(tx, [
      ...new Set(rows.map((row) => row.programmeId)),
    ])
    const partners = await deps.partners.findPartners(tx, [...new Set(rows.map((row) => row.partnerId))])
    const products = await findNamedProducts(
      deps,
      tx,
      rows.map(({ details }) => details),
    )
    const seen = new Set<string>()
    return rows.map((row) => {
      const programme = programmes.get(row.programmeId)
      const partner = partners.get(row.partnerId)
      const { patch, issues } = resolveDetails(row.details, products, [])
      const all = [
        ...issues,
        ...checkImportRow(row, patch, { programme, partner, repeated: seen.has(row.ref) }),
      ]
      seen.add(row.ref)
      return all.length > 0 || !programme || !partner
        ? { row, issues: all }
        : { row, programme, partner, details: patch, today: dayIn(deps.clock.now(), programme.timeZone) }
    })
  }

  /** Takes over what a newer export says; who it is for and what was decided stay as they are. */
  async function update(
    tx: Tx,
    actor: Actor,
    known: readonly { readonly located: Located; readonly deal: Deal }[],
    options: JournalOptions,
  ): Promise<ImportResult[]> {
    const changes = known.map(({ located, deal }) => ({
      before: deal,
      after: withDetails(
        deal,
        Object.fromEntries(importableFields.map((field) => [field, located.details[field]])),
      ),
      kind: 'imported_again',
    }))
    const saved = await recordChanges(tx, actor, deps, changes, options)
    return saved.map((deal, index) => ({
      ref: deal.externalRef ?? '',
      status: deal.revision === changes[index]?.before.revision ? 'unchanged' : 'updated',
      dealId: deal.id,
      issues: [],
    }))
  }

  const draftOf = (actor: Actor, { row, details }: Located, source: string): Deal => {
    const draft = newDeal({
      id: newId(),
      partnerId: row.partnerId,
      programmeId: row.programmeId,
      submitterId: actorKey(actor),
      submitterName: row.registeredBy ?? actor.name,
      companyName: row.details.companyName,
      now: deps.clock.now(),
    })
    return {
      ...withDetails(draft, details),
      externalRef: row.ref,
      provenance: {
        source,
        importedAt: deps.clock.now().toISOString(),
        registeredBy: row.registeredBy,
        approvedBy: row.approvedBy,
      },
    }
  }

  /** Registrations of today that come in bulk: checked, gated and approved like any other. */
  async function takeLive(
    tx: Tx,
    actor: Actor,
    rows: readonly Located[],
    source: string,
    options: JournalOptions,
  ): Promise<ImportResult[]> {
    if (rows.length === 0) return []
    const registered = await register(
      deps,
      tx,
      actor,
      rows.map((located) => ({
        before: null,
        deal: draftOf(actor, located, source),
        programme: located.programme,
        partner: located.partner,
      })),
      options,
    )
    return registered.map(created)
  }

  /** What was registered and decided elsewhere: no clock, no notices, and no earnings for what was won before. */
  async function takeHistory(
    tx: Tx,
    actor: Actor,
    rows: readonly Located[],
    source: string,
    options: JournalOptions,
  ): Promise<ImportResult[]> {
    if (rows.length === 0) return []
    const drafts = rows.map((located) => draftOf(actor, located, source))
    const customers = await resolveCustomersOf(deps, tx, actor, drafts)
    const named = await withContacts(
      deps,
      tx,
      actor,
      rows.map((located, index) =>
        historyOf(drafts[index] ?? draftOf(actor, located, source), located, customers[index] ?? null),
      ),
    )
    const stated = await decided(
      tx,
      rows.flatMap((located, index) => {
        const deal = named[index]
        return deal ? [{ located, deal }] : []
      }),
    )
    const claiming = stated.filter(({ deal, located }) => claims(deal, located.today))
    const checked = await checkAndClaim(
      deps,
      tx,
      actor,
      claiming.map(({ deal, located: { programme, today } }) => ({ deal, programme, today })),
    )
    const verdicts = new Map(checked.map((deal) => [deal.id, deal]))
    const after = await holdHistory(
      tx,
      stated.map(({ deal }) => verdicts.get(deal.id) ?? deal),
    )
    const routed = await fixApproved(
      tx,
      after.map(({ deal }) => deal),
    )
    const saved = await recordChanges(
      tx,
      actor,
      deps,
      routed.map((deal) => ({ before: null, after: deal, kind: 'imported', data: { source } })),
      { ...options, notify: false },
    )
    return saved.map((deal, index) => ({ ...created(deal), issues: after[index]?.issues ?? [] }))
  }

  /** What was approved goes to a connection, as any approved registration does. */
  async function fixApproved(tx: Tx, deals: readonly Deal[]): Promise<Deal[]> {
    const approved = deals.filter(({ status }) => status === 'approved')
    const fixed = new Map((await fixConnections(deps, tx, approved)).map((deal) => [deal.id, deal]))
    return deals.map((deal) => fixed.get(deal.id) ?? deal)
  }

  /** Pins tier and plan of what was approved and may still be won. */
  async function decided(
    tx: Tx,
    rows: readonly { readonly located: Located; readonly deal: Deal }[],
  ): Promise<{ located: Located; deal: Deal }[]> {
    const promised = rows.filter(({ deal }) => wasApproved(deal.status) && deal.outcome === 'open')
    const deals = await promise(
      deps,
      tx,
      promised.map(({ deal, located: { programme, partner } }) => ({
        deal,
        programme,
        partner,
        protectionDays: null,
        reason: null,
      })),
      ({ deal }) => deal.protectedFrom ?? '',
    )
    const pinned = new Map(deals.map(({ id, planVersionId, tierId }) => [id, { planVersionId, tierId }]))
    return rows.map(({ located, deal }) => ({ located, deal: { ...deal, ...pinned.get(deal.id) } }))
  }

  /** What was approved and is protected holds its customer, unless somebody does already: that is for a person. */
  async function holdHistory(
    tx: Tx,
    deals: readonly Deal[],
  ): Promise<{ readonly deal: Deal; readonly issues: readonly FieldIssue[] }[]> {
    const holding = deals.flatMap(({ id, conflict, status, protectedFrom, protectedUntil }) =>
      conflict !== null && status === 'approved' && protectedFrom !== null && protectedUntil !== null
        ? [{ dealId: id, range: { from: protectedFrom, to: protectedUntil } }]
        : [],
    )
    const outcomes = await deps.conflicts.holdEach(tx, holding)
    if (outcomes.includes('no_claim')) throw new Error('A registration was checked and has no claim')
    const taken = new Set(
      holding.filter((_, index) => outcomes[index] === 'already_held').map(({ dealId }) => dealId),
    )
    return deals.map((deal) =>
      taken.has(deal.id)
        ? { deal: { ...deal, conflict: 'suspected' }, issues: [alreadyHeld] }
        : { deal: { ...deal, conflict: deal.conflict ?? 'clear' }, issues: [] },
    )
  }

  return {
    /**
     * Takes rows in, new ones and such that came before, in a handful of statements.
     * @returns one result per row, in order; an invalid row changes nothing and does not stop the others
     */
    importDeals: (
      tx: Tx,
      actor: Actor,
      rows: readonly DealImportRow[],
      { source, priority }: { readonly source: string; readonly priority: Priority },
    ): Promise<ImportResult[]> =>
      // One change of roles instead of one per claim; the vendor sees all rows anyway.
      asSystem(tx, (system) => importBatch(system, actor, rows, { priority }, source)),
  }

  async function importBatch(
    tx: Tx,
    actor: Actor,
    rows: readonly DealImportRow[],
    options: JournalOptions,
    source: string,
  ): Promise<ImportResult[]> {
    const rowsLocated = await locate(tx, rows)
    const valid = rowsLocated.flatMap((one) => ('issues' in one ? [] : [one]))
    const existing = await lockByExternalRef(
      tx,
      valid.map(({ row }) => row.ref),
    )
    const known = valid.flatMap((located) => {
      const deal = existing.get(located.row.ref)
      return deal ? [{ located, deal }] : []
    })
    const fresh = valid.filter(({ row }) => !existing.has(row.ref))
    const results = [
      ...(await update(tx, actor, known, options)),
      ...(await takeHistory(
        tx,
        actor,
        fresh.filter(({ row }) => !isLive(row)),
        source,
        options,
      )),
      ...(await takeLive(
        tx,
        actor,
        fresh.filter(({ row }) => isLive(row)),
        source,
        options,
      )),
    ]
    await requestLinks(tx, actor, fresh, results, options.priority ?? 'live')
    const byRef = new Map(results.map((result) => [result.ref, result]))
    return rowsLocated.map((one) => {
      if ('issues' in one) return { ref: one.row.ref, status: 'invalid', dealId: null, issues: one.issues }
      const result = byRef.get(one.row.ref)
      if (!result) throw new Error(`Row ${one.row.ref} was lost`)
      return result
    })
  }

  async function requestLinks(
    tx: Tx,
    actor: Actor,
    fresh: readonly Located[],
    results: readonly ImportResult[],
    priority: Priority,
  ): Promise<void> {
    const ids = new Map(results.map(({ ref, dealId }) => [ref, dealId]))
    const homes = await findCrmHomes(
      tx,
      fresh.flatMap(({ row }) => (row.crmRemoteId === null ? [] : (ids.get(row.ref) ?? []))),
    )
    const links = fresh.flatMap(({ row }) => {
      const id = ids.get(row.ref)
      return row.crmRemoteId !== null && id
        ? [
            {
              type: 'link_requested' as const,
              entity: 'deal' as const,
              id,
              connectionId: homes.get(id) ?? null,
              remoteId: row.crmRemoteId,
              priority,
            },
          ]
        : []
    })
    await deps.events.publish(tx, actor, links)
  }
}

const alreadyHeld: FieldIssue = {
  path: '/status',
  code: 'already_held',
  message: 'Another approved registration holds this customer; decide between the two',
}

const created = (deal: Deal): ImportResult => ({
  ref: deal.externalRef ?? '',
  status: 'created',
  dealId: deal.id,
  issues: [],
})

/** Asks for its customer still: waiting, or approved and protected today. */
const claims = (deal: Deal, today: Day): boolean =>
  awaitsDecision(deal.status) ||
  (deal.status === 'approved' &&
    deal.outcome !== 'lost' &&
    deal.protectedUntil !== null &&
    deal.protectedUntil >= today)

/** The row as a deal that was registered and decided when it says so. */
function historyOf(draft: Deal, { row, programme, today }: Located, customerId: Deal['customerId']): Deal {
  const approvedOn =
    row.approvedOn ?? (row.registeredAt ? dayIn(row.registeredAt, programme.timeZone) : today)
  const approved = wasApproved(row.status)
  return {
    ...draft,
    customerId,
    status: row.status,
    registeredAt: row.registeredAt ?? startOfDay(approvedOn, programme.timeZone),
    decidedAt: awaitsDecision(row.status) ? null : startOfDay(approvedOn, programme.timeZone),
    decidedBy: row.approvedBy,
    decisionCode: approved ? 'imported' : row.decisionCode,
    protectedFrom: approved ? approvedOn : null,
    protectedUntil: approved ? (row.protectedUntil ?? addDays(approvedOn, programme.protectionDays)) : null,
    outcome: row.outcome,
    outcomeOn: row.outcome === 'open' ? null : (row.outcomeOn ?? today),
    outcomeRevision: row.outcome === 'open' ? 0 : 1,
    outcomeStanding: row.outcome === 'won' ? 'historic' : 'expected',
  }
}
