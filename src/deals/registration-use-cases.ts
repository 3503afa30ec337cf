import { asSystem, type Tx } from '#src/database/database.ts'
import { type Actor, actorKey } from '#src/kernel/actor.ts'
import { InvalidInput, Refused } from '#src/kernel/errors.ts'
import { type DealId, newId, type PartnerId, type ProgrammeId } from '#src/kernel/ids.ts'
import { withContacts } from './contact-step.ts'
import { type Deal, newDeal } from './deal.ts'
import {
  changedFields,
  checkAmounts,
  checkComplete,
  checkCurrency,
  editableFields,
  frozenFields,
  voidsCheck,
  withDetails,
} from './deal-details.ts'
import { endedStatuses } from './deal-status.ts'
import { findDeals, findSuccessor } from './deal-store.ts'
import type { DealDeps } from './deps-step.ts'
import { type DetailsInput, readDetails } from './details-step.ts'
import { recordChanges } from './journal-step.ts'
import { getProgramme, lockDeal, requireNext } from './lookup-step.ts'
import { type Registration, register } from './registration-step.ts'

export interface DraftInput {
  /** Whom a vendor user registers for; a partner registers for itself. */
  readonly partnerId?: PartnerId | undefined
  readonly programmeId: ProgrammeId
  readonly details: DetailsInput & { readonly companyName: string }
}

export function createRegistrationUseCases(deps: DealDeps) {
  async function ownerOf(tx: Tx, actor: Actor, partnerId: PartnerId | undefined): Promise<PartnerId> {
    if (actor.kind === 'partner') {
      if (partnerId === undefined || partnerId === actor.partnerId) return actor.partnerId
      throw new InvalidInput('A partner registers deals of its own', [
        { path: '/partnerId', code: 'not_yours', message: 'Leave it out' },
      ])
    }
    const found = partnerId ? await deps.partners.findPartners(tx, [partnerId]) : null
    if (partnerId && found?.has(partnerId)) return partnerId
    throw new InvalidInput('Name the partner that registers', [
      { path: '/partnerId', code: 'unknown_partner', message: 'There is no such partner' },
    ])
  }

  /** @throws InvalidInput naming all that is missing */
  async function submitComplete(
    tx: Tx,
    actor: Actor,
    { before, deal, programme, answer = null }: Omit<Registration, 'partner'>,
  ): Promise<Deal> {
    const issues = checkComplete(deal, programme.registrationTypes)
    if (issues.length > 0) throw new InvalidInput('The registration is not complete', issues)
    return asSystem(tx, async (system) => {
      const partners = await deps.partners.findPartners(system, [deal.partnerId])
      const partner = partners.get(deal.partnerId)
      const [registered] = await register(deps, system, actor, [{ before, deal, programme, partner, answer }])
      return registered ?? deal
    })
  }

  async function submitLocked(tx: Tx, actor: Actor, deal: Deal, answer: string | null): Promise<Deal> {
    const programme = await getProgramme(deps, tx, deal.programmeId)
    return submitComplete(tx, actor, { before: deal, deal, programme, answer })
  }

  async function draftOf(tx: Tx, actor: Actor, input: DraftInput) {
    const partnerId = await ownerOf(tx, actor, input.partnerId)
    const programme = (await deps.partners.findProgrammes(tx, [input.programmeId])).get(input.programmeId)
    if (!programme) {
      throw new InvalidInput('Name the programme', [
        { path: '/programmeId', code: 'unknown_programme', message: 'There is no such programme' },
      ])
    }
    const details = await readDetails(deps, tx, input.details, [])
    const draft = newDeal({
      id: newId(),
      partnerId,
      programmeId: input.programmeId,
      submitterId: actorKey(actor),
      submitterName: actor.name,
      companyName: input.details.companyName,
      now: deps.clock.now(),
    })
    return { deal: withDetails(draft, details), programme }
  }

  return {
    async createDraft(tx: Tx, actor: Actor, input: DraftInput): Promise<Deal> {
      const { deal } = await draftOf(tx, actor, input)
      const issues = checkCurrency(deal)
      if (issues.length > 0) throw new InvalidInput('The amount needs its currency', issues)
      const [created] = await recordChanges(tx, actor, deps, [{ before: null, after: deal, kind: 'drafted' }])
      return created ?? deal
    },

    /**
     * A complete registration that never was a draft, in one step.
     * @throws InvalidInput naming all that is missing
     */
    async registerAtOnce(tx: Tx, actor: Actor, input: DraftInput): Promise<Deal> {
      const { deal, programme } = await draftOf(tx, actor, input)
      return submitComplete(tx, actor, { before: null, deal, programme })
    },

    /**
     * Changes what the status permits. An edit of what the conflict check looked at makes its verdict void.
     * @throws Refused `not_editable` with an issue per frozen field; NotFound, Stale, InvalidInput
     */
    async edit(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      input: DetailsInput,
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      const patch = await readDetails(deps, tx, input, deal.products)
      const frozen = frozenFields(deal, patch)
      if (frozen.length > 0) {
        const editable = editableFields[deal.status]
        throw new Refused(
          'not_editable',
          `A registration that is ${deal.status.replace('_', ' ')} lets you edit ${editable.length > 0 ? editable.join(', ') : 'nothing'}`,
          frozen.map((field) => ({ path: `/${field}`, code: 'frozen', message: 'May not be changed now' })),
        )
      }
      const changed = changedFields(deal, patch)
      const edited = withDetails(deal, patch)
      const renames = deal.customerId !== null && changed.includes('contactEmail')
      const [after = edited] = renames ? await withContacts(deps, tx, actor, [edited]) : []
      const issues = deal.status === 'draft' ? checkCurrency(after) : checkAmounts(after)
      if (issues.length > 0) throw new InvalidInput('The amounts do not fit', issues)
      const counts = changed.some((field) => ['amountMinor', 'currency', 'products'].includes(field))
      const [saved] = await recordChanges(tx, actor, deps, [
        {
          before: deal,
          after: {
            ...after,
            conflict: voidsCheck(changed) && deal.status === 'returned' ? null : deal.conflict,
            outcomeRevision: deal.outcomeRevision + (counts && deal.status !== 'draft' ? 1 : 0),
          },
          kind: 'edited',
          data: { fields: changed.join(', ') },
        },
      ])
      return saved ?? deal
    },

    /**
     * Sends a draft to the vendor. The first complete submission is what counts as registered.
     * @throws InvalidInput naming all that is missing; Refused `wrong_status`
     */
    async submit(tx: Tx, actor: Actor, dealId: DealId, expectedRevision: number | null): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      requireNext(deal, 'submit')
      return submitLocked(tx, actor, deal, null)
    },

    /** Answers the vendor's question: the registration is submitted again and the review clock goes on. */
    async answer(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      answer: string | null,
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      requireNext(deal, 'answer')
      return submitLocked(tx, actor, deal, answer)
    },

    /** Takes the registration back for good; a new try is a new attempt. */
    async withdraw(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      reason: string | null,
    ): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, expectedRevision)
      const status = requireNext(deal, 'withdraw')
      await deps.conflicts.closeClaims(tx, [dealId])
      const [saved] = await recordChanges(tx, actor, deps, [
        {
          before: deal,
          after: { ...deal, status },
          kind: 'withdrawn',
          reason,
          data: { reason },
          notices: [{ kind: 'deal_withdrawn', to: 'vendor' }],
        },
      ])
      return saved ?? deal
    },

    /**
     * A new draft with the details of a registration that ended; it gets its own number and, on submission, its own
     * time of registration.
     * @throws Refused `not_ended`, `already_tried_again`
     */
    async startNewAttempt(tx: Tx, actor: Actor, dealId: DealId): Promise<Deal> {
      const deal = await lockDeal(tx, dealId, null)
      if (!endedStatuses.includes(deal.status)) {
        throw new Refused(
          'not_ended',
          'A new attempt needs a registration that was rejected, withdrawn, cancelled or expired',
        )
      }
      if (await findSuccessor(tx, dealId)) {
        throw new Refused('already_tried_again', 'There is a new attempt of this registration already')
      }
      const draft = newDeal({
        id: newId(),
        partnerId: deal.partnerId,
        programmeId: deal.programmeId,
        submitterId: actorKey(actor),
        submitterName: actor.name,
        companyName: deal.companyName,
        now: deps.clock.now(),
      })
      const [created] = await recordChanges(tx, actor, deps, [
        {
          before: null,
          after: { ...withDetails(draft, deal), attempt: deal.attempt + 1, previousAttemptId: deal.id },
          kind: 'drafted',
          data: { previousNumber: deal.number },
        },
      ])
      return created ?? draft
    },

    /** Deals by id, as far as the actor may see them. */
    findDeals,
  }
}
