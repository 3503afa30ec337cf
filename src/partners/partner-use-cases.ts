import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import { refuseTaken } from '#src/database/uniqueness.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { InvalidInput, NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import type { EventBus } from '#src/kernel/events.ts'
import { newId, type PartnerId, type ProgrammeId } from '#src/kernel/ids.ts'
import {
  applyPartnerPatch,
  blankPartner,
  type MembershipInput,
  type Partner,
  type PartnerInput,
  type PartnerPatch,
  type PartnerSort,
  readTerritories,
} from './partner.ts'
import { createPartnerImport } from './partner-import-use-cases.ts'
import {
  deleteMembership,
  insertPartners,
  listPartners,
  lockPartners,
  type PartnerFilter,
  readPartners,
  touchPartners,
  updatePartners,
  writeMemberships,
} from './partner-store.ts'
import { tiersOf } from './programme-store.ts'
import { createProgrammeUseCases } from './programme-use-cases.ts'
import { createTokenUseCases } from './token-use-cases.ts'
import { createUserUseCases } from './user-use-cases.ts'

export interface PartnerDeps {
  readonly events: EventBus<Tx>
  readonly clock: Clock
}
export type PartnerUseCases = ReturnType<typeof createPartnerUseCases>

/** Everything of this folder: organisations and memberships here, programmes, people, tokens and imports beside it. */
export function createPartnerUseCases(deps: PartnerDeps) {
  const changed = (tx: Tx, actor: Actor, id: PartnerId) =>
    deps.events.publish(tx, actor, [{ type: 'record_changed', entity: 'partner', id, priority: 'live' }])

  return {
    ...createProgrammeUseCases(deps),
    ...createUserUseCases(),
    ...createTokenUseCases(deps),
    ...createPartnerImport(deps),

    getPartner,
    /** Those of the ids that this actor may see. */
    findPartners: async (tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Partner>> =>
      new Map((await readPartners(tx, ids)).map((partner) => [partner.id, partner])),
    listPartners: (tx: Tx, filter: PartnerFilter, position: Position<PartnerSort>) =>
      listPartners(tx, filter, position),

    async createPartner(tx: Tx, actor: Actor, input: PartnerInput): Promise<Partner> {
      const id = newId<'partner'>()
      const { details, issues } = applyPartnerPatch(blankPartner, input)
      if (issues.length > 0) throw new InvalidInput('The partner cannot be stored like this', issues)
      if (!(await insertPartners(tx, [{ id, ...details }])).has(id)) throw refTaken()
      const partner = await getPartner(tx, id)
      await recordAudit(tx, actor, [
        { action: 'partner.created', subject: subjectOf(id), partnerId: id, after: partner },
      ])
      await changed(tx, actor, id)
      return partner
    },

    async updatePartner(
      tx: Tx,
      actor: Actor,
      id: PartnerId,
      patch: PartnerPatch,
      expectedRevision: number | null,
    ): Promise<Partner> {
      const before = await lockForChange(tx, id, expectedRevision)
      const { details, issues } = applyPartnerPatch(before, patch)
      if (issues.length > 0) throw new InvalidInput('The partner cannot be stored like this', issues)
      await updatePartners(tx, [{ id, ...details }]).catch(
        refuseTaken('partner_external_ref_key', refTaken()),
      )
      return settle(tx, actor, 'partner.updated', before)
    },

    /** Puts a partner into a programme, or changes its tier and territories there. */
    async setMembership(
      tx: Tx,
      actor: Actor,
      id: PartnerId,
      programmeId: ProgrammeId,
      input: MembershipInput,
      expectedRevision: number | null,
    ): Promise<Partner> {
      const before = await lockForChange(tx, id, expectedRevision)
      const tiers = await tiersOf(tx, [programmeId])
      const { codes, issues } = readTerritories(input.territories ?? [], '/territories')
      const unknownTier = tiers.some((tier) => tier.id === input.tierId)
        ? []
        : [{ path: '/tierId', code: 'unknown_tier', message: 'Not a tier of this programme' }]
      if (issues.length + unknownTier.length > 0) {
        throw new InvalidInput('The membership cannot be stored like this', [...unknownTier, ...issues])
      }
      await writeMemberships(tx, [{ partnerId: id, programmeId, tierId: input.tierId, territories: codes }])
      await touchPartners(tx, [id])
      return settle(tx, actor, 'partner.membership_set', before)
    },

    async endMembership(
      tx: Tx,
      actor: Actor,
      id: PartnerId,
      programmeId: ProgrammeId,
      expectedRevision: number | null,
    ): Promise<Partner> {
      const before = await lockForChange(tx, id, expectedRevision)
      if (!before.memberships.some((membership) => membership.programmeId === programmeId)) {
        throw new NotFound('The membership')
      }
      await deleteMembership(tx, id, programmeId)
      await touchPartners(tx, [id])
      return settle(tx, actor, 'partner.membership_ended', before)
    },
  }

  /** Leaves the trace of a change and tells those above. */
  async function settle(tx: Tx, actor: Actor, action: string, before: Partner): Promise<Partner> {
    const after = await getPartner(tx, before.id)
    const { id } = after
    await recordAudit(tx, actor, [{ action, subject: subjectOf(id), partnerId: id, before, after }])
    await changed(tx, actor, id)
    return after
  }
}

const subjectOf = (id: string) => ({ kind: 'partner', id })
const refTaken = () => new Refused('external_ref_taken', 'Another partner has this external reference')

async function getPartner(tx: Tx, id: PartnerId): Promise<Partner> {
  const [partner] = await readPartners(tx, [id])
  if (!partner) throw new NotFound('The partner')
  return partner
}

async function lockForChange(tx: Tx, id: PartnerId, expectedRevision: number | null): Promise<Partner> {
  const [partner] = await lockPartners(tx, [id])
  if (!partner) throw new NotFound('The partner')
  if (expectedRevision !== null && expectedRevision !== partner.revision) throw new Stale()
  return partner
}
