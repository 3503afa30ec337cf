import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import { refuseTaken } from '#src/database/uniqueness.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { type FieldIssue, InvalidInput, NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import type { EventBus } from '#src/kernel/events.ts'
import { newId, type ProgrammeId } from '#src/kernel/ids.ts'
import { partnersInTier, readPartners, touchPartners } from './partner-store.ts'
import {
  applyRules,
  checkProgrammeRules,
  defaultRules,
  type Programme,
  type ProgrammeInput,
  type ProgrammePatch,
  type ProgrammeRules,
  type ProgrammeSort,
  type Tier,
  type TierInput,
  type TierPatch,
} from './programme.ts'
import {
  deleteTier,
  insertProgramme,
  insertTier,
  listProgrammes,
  lockProgramme,
  lockTier,
  programmesNamingTier,
  readProgrammes,
  tiersOf,
  updateProgramme,
  updateTier,
} from './programme-store.ts'
import { readUsers } from './user-store.ts'

export function createProgrammeUseCases(deps: { readonly events: EventBus<Tx> }) {
  return {
    getProgramme,
    getVisibleProgramme,
    findProgrammes: async (tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Programme>> =>
      new Map((await readProgrammes(tx, ids)).map((programme) => [programme.id, programme])),

    /** A partner gets the programmes that it belongs to, everybody else all of them. */
    listProgrammes: (tx: Tx, actor: Actor, position: Position<ProgrammeSort>) =>
      listProgrammes(tx, actor.kind === 'partner' ? actor.partnerId : null, position),

    async createProgramme(tx: Tx, actor: Actor, input: ProgrammeInput): Promise<Programme> {
      const id = newId<'programme'>()
      const { name, timeZone, currency } = input
      const rules = applyRules({ ...defaultRules, name, timeZone, currency }, input)
      await assertRules(tx, id, rules)
      await insertProgramme(tx, id, rules).catch(programmeNameTaken)
      const programme = await getProgramme(tx, id)
      await recordAudit(tx, actor, [
        { action: 'programme.created', subject: subjectOf(id), after: programme },
      ])
      return programme
    },

    /** Later registrations follow the new rules; protection that was granted keeps its range. */
    async updateProgramme(
      tx: Tx,
      actor: Actor,
      id: ProgrammeId,
      patch: ProgrammePatch,
      expectedRevision: number | null,
    ): Promise<Programme> {
      const before = await lockProgramme(tx, id)
      if (!before) throw new NotFound('The programme')
      if (expectedRevision !== null && expectedRevision !== before.revision) throw new Stale()
      const rules = applyRules(before, patch)
      await assertRules(tx, id, rules)
      await updateProgramme(tx, id, rules).catch(programmeNameTaken)
      const after = await getProgramme(tx, id)
      await recordAudit(tx, actor, [{ action: 'programme.updated', subject: subjectOf(id), before, after }])
      return after
    },

    async listTiers(tx: Tx, actor: Actor, programmeId: ProgrammeId): Promise<readonly Tier[]> {
      await getVisibleProgramme(tx, actor, programmeId)
      return tiersOf(tx, [programmeId])
    },

    async createTier(tx: Tx, actor: Actor, programmeId: ProgrammeId, input: TierInput): Promise<Tier> {
      await getProgramme(tx, programmeId)
      const tier: Tier = { id: newId(), programmeId, ...input, revision: 1 }
      await insertTier(tx, tier).catch(tierNameTaken)
      await recordAudit(tx, actor, [
        { action: 'tier.created', subject: { kind: 'tier', id: tier.id }, after: tier },
      ])
      return tier
    },

    async updateTier(
      tx: Tx,
      actor: Actor,
      id: string,
      patch: TierPatch,
      expectedRevision: number | null,
    ): Promise<Tier> {
      const before = await lockTier(tx, id)
      if (!before) throw new NotFound('The tier')
      if (expectedRevision !== null && expectedRevision !== before.revision) throw new Stale()
      const after: Tier = {
        ...before,
        name: patch.name ?? before.name,
        rank: patch.rank ?? before.rank,
        revision: before.revision + 1,
      }
      await updateTier(tx, after).catch(tierNameTaken)
      await recordAudit(tx, actor, [{ action: 'tier.updated', subject: { kind: 'tier', id }, before, after }])
      if (after.name !== before.name) {
        // The tier's name is a field of every partner that holds it.
        const partners = await partnersInTier(tx, id)
        await touchPartners(tx, partners)
        await deps.events.publish(
          tx,
          actor,
          partners.map((partner) => ({
            type: 'record_changed',
            entity: 'partner',
            id: partner,
            priority: 'bulk',
          })),
        )
      }
      return after
    },

    async deleteTier(tx: Tx, actor: Actor, id: string): Promise<void> {
      const before = await lockTier(tx, id)
      if (!before) throw new NotFound('The tier')
      const holders = await partnersInTier(tx, id)
      if (holders.length > 0) {
        throw new Refused(
          'tier_in_use',
          `${holders.length} partners hold this tier: give them another one first`,
        )
      }
      if ((await programmesNamingTier(tx, id)) > 0) {
        throw new Refused('tier_in_use', 'The eligibility of the programme names this tier')
      }
      await deleteTier(tx, id)
      await recordAudit(tx, actor, [{ action: 'tier.deleted', subject: { kind: 'tier', id }, before }])
    },
  }
}

async function getProgramme(tx: Tx, id: ProgrammeId): Promise<Programme> {
  const [programme] = await readProgrammes(tx, [id])
  if (!programme) throw new NotFound('The programme')
  return programme
}

/** A partner gets a programme that it belongs to. @throws NotFound */
async function getVisibleProgramme(tx: Tx, actor: Actor, id: ProgrammeId): Promise<Programme> {
  const programme = await getProgramme(tx, id)
  if (actor.kind !== 'partner') return programme
  const [partner] = await readPartners(tx, [actor.partnerId])
  if (!partner?.memberships.some(({ programmeId }) => programmeId === id)) throw new NotFound('The programme')
  return programme
}

const subjectOf = (id: string) => ({ kind: 'programme', id })

/** @throws InvalidInput naming every rule that does not hold together */
async function assertRules(tx: Tx, id: ProgrammeId, rules: ProgrammeRules): Promise<void> {
  const issues: FieldIssue[] = checkProgrammeRules(rules)
  const known = new Set((await tiersOf(tx, [id])).map((tier) => tier.id))
  for (const [index, tierId] of (rules.eligibility.tierIds ?? []).entries()) {
    if (known.has(tierId)) continue
    const path = `/eligibility/tierIds/${index}`
    issues.push({ path, code: 'unknown_tier', message: 'Not a tier of this programme' })
  }
  if (rules.deciderId !== null) {
    const [user] = await readUsers(tx, [rules.deciderId])
    const decides = user?.status === 'active' && user.roles.some((role) => deciders.includes(role))
    if (!decides) {
      const message = `Not an active user with one of the roles ${deciders.join(', ')}`
      issues.push({ path: '/deciderId', code: 'unknown_decider', message })
    }
  }
  if (issues.length > 0) throw new InvalidInput('The rules of the programme do not hold together', issues)
}

const programmeNameTaken = refuseTaken(
  'programme_name',
  new Refused('name_taken', 'Another programme has this name'),
)
const tierNameTaken = refuseTaken(
  'tier_name',
  new Refused('name_taken', 'Another tier of the programme has this name'),
)
const deciders: readonly string[] = ['administrator', 'channel_manager', 'approver']
