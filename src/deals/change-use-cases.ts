import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { dayIn } from '#src/kernel/calendar.ts'
import { InvalidInput, NotAllowed, Refused } from '#src/kernel/errors.ts'
import { type DealId, type Id, newId } from '#src/kernel/ids.ts'
import { accrueDeals } from './accrual-step.ts'
import { checkAndClaim, resolveCustomersOf } from './claim-step.ts'
import { withContacts } from './contact-step.ts'
import { type Deal, titleOf } from './deal.ts'
import {
  type ChangeRequest,
  closeRequest,
  findOpenRequests,
  insertRequest,
  listRequests,
} from './deal-change-store.ts'
import {
  changedFields,
  changeRequestFields,
  checkAmounts,
  type DetailField,
  voidsCheck,
  withDetails,
} from './deal-details.ts'
import { insertDealEvents, type Visibility } from './deal-event-store.ts'
import type { DealDeps } from './deps-step.ts'
import { type DetailsInput, readDetails } from './details-step.ts'
import { recordChanges } from './journal-step.ts'
import { getDeal, getProgramme, lockDeal } from './lookup-step.ts'

export type ChangeDecision = {
  readonly accept: boolean
  readonly reason: string
  /** Why the new customer or products are fine although the check suspects them; null: do not override. */
  readonly overrideConflict: string | null
}

const requestable: readonly DetailField[] = changeRequestFields

export function createChangeUseCases(deps: DealDeps) {
  /** The customer or the products changed: the old claim goes, the new one is checked like any other and held. */
  async function moveClaim(
    tx: Tx,
    actor: Actor,
    deal: Deal,
    { overrideConflict }: ChangeDecision,
  ): Promise<Deal> {
    const programme = await getProgramme(deps, tx, deal.programmeId)
    const [customerId] = await resolveCustomersOf(deps, tx, actor, [deal])
    await deps.conflicts.closeClaims(tx, [deal.id])
    const today = dayIn(deps.clock.now(), programme.timeZone)
    const moved = { ...deal, customerId: customerId ?? null }
    const [named = moved] = await withContacts(deps, tx, actor, [moved])
    const [checked] = await checkAndClaim(deps, tx, actor, [{ deal: named, programme, today }])
    if (!checked) throw new Error(`The check of deal ${deal.number} came back empty`)
    if (checked.conflict !== 'clear' && overrideConflict === null) {
      throw new Refused(
        'conflict_suspected',
        'The change collides with other activity: override with a reason, or decline',
      )
    }
    return checked
  }

  async function hold(tx: Tx, deal: Deal): Promise<void> {
    if (!deal.protectedFrom || !deal.protectedUntil) throw new Error(`Deal ${deal.number} has no protection`)
    const to = deal.protectionKept ? null : deal.protectedUntil
    await deps.conflicts.holdClaims(tx, deal.id, { from: deal.protectedFrom, to })
  }

  async function openRequest(
    tx: Tx,
    deal: Deal,
    requestId: Id<'deal_change_request'>,
  ): Promise<ChangeRequest> {
    const request = (await findOpenRequests(tx, [deal.id])).get(deal.id)
    if (request?.id === requestId) return request
    throw new Refused('no_open_request', 'This change request is not open')
  }

  async function accept(
    tx: Tx,
    actor: Actor,
    deal: Deal,
    request: ChangeRequest,
    decision: ChangeDecision,
  ): Promise<Deal> {
    const fields = changedFields(deal, request.changes)
    const claims = voidsCheck(fields)
    const changed = {
      ...withDetails(deal, request.changes),
      changeRequested: false,
      outcomeRevision: deal.outcomeRevision + 1,
    }
    const issues = checkAmounts(changed)
    if (issues.length > 0) throw new InvalidInput('The amounts no longer fit', issues)
    const [saved] = await recordChanges(tx, actor, deps, [
      {
        before: deal,
        after: claims ? await moveClaim(tx, actor, changed, decision) : changed,
        kind: 'change_accepted',
        reason: decision.reason,
        data: { fields: fields.join(', '), reason: decision.reason },
        notices: [
          { kind: 'deal_change_decided', to: 'partner', data: { accepted: 'yes', reason: decision.reason } },
        ],
      },
    ])
    if (!saved) throw new Error(`Deal ${deal.number} was not saved`)
    if (claims) {
      const { overrideConflict } = decision
      if (saved.conflict !== 'clear' && overrideConflict !== null) {
        await deps.conflicts.decide(tx, actor, deal.id, 'override', overrideConflict)
      }
      await hold(tx, saved)
    }
    return getDeal(tx, deal.id)
  }

  async function drop(
    tx: Tx,
    actor: Actor,
    deal: Deal,
    kind: 'change_declined' | 'change_withdrawn',
    reason: string | null,
  ): Promise<Deal> {
    const [saved] = await recordChanges(tx, actor, deps, [
      {
        before: deal,
        after: { ...deal, changeRequested: false },
        kind,
        reason,
        data: { reason },
        notices:
          kind === 'change_declined'
            ? [{ kind: 'deal_change_decided', to: 'partner', data: { accepted: null, reason } }]
            : [],
      },
    ])
    return saved ?? deal
  }

  async function settle(
    tx: Tx,
    actor: Actor,
    request: ChangeRequest,
    status: 'accepted' | 'declined' | 'withdrawn',
    reason: string | null,
  ): Promise<void> {
    await closeRequest(tx, {
      id: request.id,
      status,
      decidedBy: actor.name,
      decidedAt: deps.clock.now(),
      decisionReason: reason,
    })
  }

  const accrueIfWon = (tx: Tx, actor: Actor, deal: Deal) =>
    deal.outcome === 'won' ? accrueDeals(deps, tx, actor, [deal]) : Promise.resolve()

  return {
    listChangeRequests: async (tx: Tx, dealId: DealId): Promise<ChangeRequest[]> => {
      await getDeal(tx, dealId)
      return listRequests(tx, dealId)
    },

    /**
     * Asks to change amount, products or customer of an approved registration. Earnings wait until it is decided.
     * @throws Refused `not_approved`, `change_requested_already`; InvalidInput when nothing would change
     */
    async requestChange(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      input: { readonly changes: DetailsInput; readonly reason: string },
    ): Promise<{ deal: Deal; request: ChangeRequest }> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      if (deal.status !== 'approved') {
        throw new Refused('not_approved', 'Only an approved registration is changed by request')
      }
      if (deal.changeRequested)
        throw new Refused('change_requested_already', 'A change is waiting for its decision')
      const patch = await readDetails(deps, tx, input.changes, deal.products)
      const fields = changedFields(deal, patch)
      const foreign = fields.filter((field) => !requestable.includes(field))
      const issues = [
        ...foreign.map((field) => ({
          path: `/changes/${field}`,
          code: 'not_requestable',
          message: 'Edit it instead',
        })),
        ...(fields.length === 0
          ? [{ path: '/changes', code: 'no_change', message: 'Nothing would change' }]
          : []),
        ...checkAmounts(withDetails(deal, patch)),
      ]
      if (issues.length > 0) throw new InvalidInput('The change cannot be requested', issues)
      const request: ChangeRequest = {
        id: newId(),
        dealId,
        partnerId: deal.partnerId,
        changes: Object.fromEntries(fields.map((field) => [field, patch[field]])),
        reason: input.reason,
        requestedBy: actor.name,
        requestedAt: deps.clock.now(),
        status: 'open',
        decidedBy: null,
        decidedAt: null,
        decisionReason: null,
      }
      await insertRequest(tx, request)
      const [saved] = await recordChanges(tx, actor, deps, [
        {
          before: deal,
          after: { ...deal, changeRequested: true },
          kind: 'change_requested',
          reason: input.reason,
          data: { fields: fields.join(', '), reason: input.reason },
          notices: [{ kind: 'deal_change_requested', to: 'vendor', data: { fields: fields.join(', ') } }],
        },
      ])
      const current = saved ?? deal
      await asSystem(tx, (system) => accrueIfWon(system, actor, current))
      return { deal: current, request }
    },

    /**
     * The vendor's decision. An accepted change of customer or products is checked for conflicts like a registration.
     * @throws Refused `no_open_request`, `conflict_suspected`, `already_held`
     */
    async decideChange(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      requestId: Id<'deal_change_request'>,
      decision: ChangeDecision,
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, null)
      const request = await openRequest(tx, deal, requestId)
      await settle(tx, actor, request, decision.accept ? 'accepted' : 'declined', decision.reason)
      const after = decision.accept
        ? await accept(tx, actor, deal, request, decision)
        : await drop(tx, actor, deal, 'change_declined', decision.reason)
      await accrueIfWon(tx, actor, after)
      return after
    },

    /** The partner takes its request back. @throws Refused `no_open_request` */
    async withdrawChange(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      requestId: Id<'deal_change_request'>,
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, null)
      const request = await openRequest(tx, deal, requestId)
      await settle(tx, actor, request, 'withdrawn', null)
      const after = await drop(tx, actor, deal, 'change_withdrawn', null)
      await asSystem(tx, (system) => accrueIfWon(system, actor, after))
      return after
    },

    /**
     * Says something on a deal; internal comments are for the vendor only.
     * @throws NotAllowed when a partner asks for an internal one; NotFound
     */
    async comment(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      { body, visibility }: { readonly body: string; readonly visibility: Visibility },
    ): Promise<void> {
      if (actor.kind === 'partner' && visibility === 'internal') {
        throw new NotAllowed('Internal comments are for the vendor')
      }
      const deal = await getDeal(tx, dealId)
      const { partnerId } = deal
      await insertDealEvents(tx, actor, deps.clock.now(), [
        { dealId, partnerId, kind: 'commented', visibility, data: { body } },
      ])
      await recordAudit(tx, actor, [
        {
          action: 'deal.commented',
          subject: { kind: 'deal', id: dealId },
          partnerId,
          after: { body, visibility },
        },
      ])
      if (visibility === 'internal') return
      await deps.events.publish(tx, actor, [
        {
          type: 'notification',
          kind: 'deal_commented',
          partnerId: actor.kind === 'partner' ? null : partnerId,
          subject: { kind: 'deal', id: dealId },
          data: { number: deal.number, title: titleOf(deal) },
        },
      ])
    },
  }
}
