import { asSystem, type Tx } from '#src/database/database.ts'
import { type Actor, actorKey } from '#src/kernel/actor.ts'
import { InvalidInput } from '#src/kernel/errors.ts'
import { type ConnectionId, newId, type PartnerId, type ProgrammeId } from '#src/kernel/ids.ts'
import type { Partner } from '#src/partners/partner.ts'
import { approveDeals } from './approval-step.ts'
import { type Deal, newDeal } from './deal.ts'
import { checkAmounts, type DetailsPatch, withDetails } from './deal-details.ts'
import { conflictPermitsApproval } from './deal-status.ts'
import type { DealDeps } from './deps-step.ts'
import { getProgramme } from './lookup-step.ts'
import { register } from './registration-step.ts'

/** An opportunity that was made in a CRM and names one of our partners. */
export interface Adoption {
  readonly connectionId: ConnectionId
  readonly partnerId: PartnerId
  /** Null: the only programme that the partner belongs to. */
  readonly programmeId: ProgrammeId | null
  /** What the CRM says of it; incomplete as it may be, it is taken. */
  readonly details: DetailsPatch & { readonly companyName: string }
  readonly reason: string
}

/** How the provenance of such a registration reads. */
export const adoptedFromCrm = 'adopted from CRM'

export function createAdoptionUseCases(deps: DealDeps) {
  /** @throws InvalidInput when the partner is none of the programme, or of several and none is named */
  function programmeIn(partner: Partner | undefined, wanted: ProgrammeId | null): ProgrammeId {
    const own = (partner?.memberships ?? []).map(({ programmeId }) => programmeId)
    const [only] = own
    if (wanted !== null && own.includes(wanted)) return wanted
    if (wanted === null && only !== undefined && own.length === 1) return only
    const [code, message] = !partner
      ? ['unknown_partner', 'There is no such partner']
      : wanted === null && own.length > 0
        ? ['required', 'The partner belongs to several programmes: name one']
        : ['not_a_member', `${partner.name} does not belong to the programme`]
    throw new InvalidInput('The opportunity cannot be adopted like this', [
      { path: '/body/resolution/adopt/programmeId', code, message },
    ])
  }

  return {
    /**
     * Makes a registration of what a CRM had first: registered now, checked like any other, and approved by whoever
     * adopts it unless the check suspects it; then it waits in review. The caller links it to its opportunity.
     * @throws InvalidInput
     */
    adopt: (tx: Tx, actor: Actor, adoption: Adoption): Promise<Deal> =>
      asSystem(tx, async (system) => {
        const { partnerId, details, reason, connectionId } = adoption
        const partner = (await deps.partners.findPartners(system, [partnerId])).get(partnerId)
        const programme = await getProgramme(deps, system, programmeIn(partner, adoption.programmeId))
        const now = deps.clock.now()
        const draft = newDeal({
          id: newId(),
          partnerId,
          programmeId: programme.id,
          submitterId: actorKey(actor),
          submitterName: actor.name,
          companyName: details.companyName,
          now,
        })
        const deal: Deal = {
          ...withDetails(draft, details),
          crmConnectionId: connectionId,
          provenance: {
            source: adoptedFromCrm,
            importedAt: now.toISOString(),
            registeredBy: null,
            approvedBy: actor.name,
          },
        }
        const issues = checkAmounts(deal)
        if (issues.length > 0) throw new InvalidInput('The amounts of the opportunity do not fit', issues)
        const [registered] = await register(deps, system, actor, [{ before: null, deal, programme, partner }])
        if (!registered) throw new Error('An adopted deal was not registered')
        if (registered.status === 'approved' || !conflictPermitsApproval(registered.conflict))
          return registered
        const [approved] = await approveDeals(deps, system, actor, [
          { deal: registered, programme, partner, protectionDays: null, reason },
        ])
        return approved ?? registered
      }),
  }
}
