import { z } from 'zod'
import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import { refuseTaken } from '#src/database/uniqueness.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Day } from '#src/kernel/calendar.ts'
import { InvalidInput, NotFound, Refused } from '#src/kernel/errors.ts'
import { newId, type PlanVersionId, type ProgrammeId } from '#src/kernel/ids.ts'
import { checkPlanDocument, type PlanDocument, type PlanId, planDocumentSchema } from './plan.ts'
import {
  insertPlan,
  insertPublication,
  insertVersion,
  type PlanRow,
  planNameConstraint,
  readPlan,
  readPlans,
  readVersions,
  readVersionsById,
  type VersionRow,
} from './plan-store.ts'

/** What plans need of the capability below them: the programme exists, or NotFound is thrown. */
export type { VersionRow } from './plan-store.ts'

export interface PlanDeps {
  readonly programmes: { getProgramme(tx: Tx, id: ProgrammeId): Promise<unknown> }
}

export function createPlanUseCases(deps: PlanDeps) {
  async function getVersion(tx: Tx, id: PlanVersionId): Promise<VersionRow> {
    const [version] = await readVersionsById(tx, [id])
    if (!version) throw new NotFound('The plan version')
    return version
  }

  async function getPlan(tx: Tx, id: PlanId): Promise<PlanRow> {
    const plan = await readPlan(tx, id)
    if (!plan) throw new NotFound('The incentive plan')
    return plan
  }

  return {
    getPlan,
    getVersion,
    listPlans: readPlans,

    /** Newest first. */
    async listVersions(tx: Tx, planId: PlanId): Promise<readonly VersionRow[]> {
      await getPlan(tx, planId)
      return readVersions(tx, planId)
    },

    /** @throws Refused `name_taken` when the programme has a plan of that name */
    async createPlan(
      tx: Tx,
      actor: Actor,
      input: { readonly programmeId: ProgrammeId; readonly name: string },
    ): Promise<PlanRow> {
      await deps.programmes.getProgramme(tx, input.programmeId)
      const taken = new Refused('name_taken', `The programme has a plan named "${input.name}" already`)
      const plan = await insertPlan(tx, { id: newId<'incentive_plan'>(), ...input }).catch(
        refuseTaken(planNameConstraint, taken),
      )
      await recordAudit(tx, actor, [
        { action: 'incentive_plan.created', subject: { kind: 'incentive_plan', id: plan.id }, after: input },
      ])
      return plan
    },

    /**
     * Adds a version, which never changes afterwards and does nothing until it is published.
     * @throws InvalidInput naming every place of the document that does not fit
     */
    async addVersion(tx: Tx, actor: Actor, planId: PlanId, document: PlanDocument): Promise<VersionRow> {
      await getPlan(tx, planId)
      const issues = checkPlanDocument(document)
      if (issues.length > 0) throw new InvalidInput('The plan document does not fit', issues)
      const id = newId<'plan_version'>()
      await insertVersion(tx, { id, planId, document })
      const version = await getVersion(tx, id)
      await recordAudit(tx, actor, [
        {
          action: 'incentive_plan.version_added',
          subject: { kind: 'incentive_plan', id: planId },
          after: { versionId: id, number: version.number, document: z.encode(planDocumentSchema, document) },
        },
      ])
      return version
    },

    /**
     * Puts a version in force in its programme from a day on, for deals approved from then on: what was pinned to a deal
     * stays. Rolling back is publishing an older version anew.
     */
    async publish(
      tx: Tx,
      actor: Actor,
      planId: PlanId,
      versionId: PlanVersionId,
      from: Day,
    ): Promise<VersionRow> {
      const version = await getVersion(tx, versionId)
      if (version.planId !== planId) throw new NotFound('The plan version')
      const { programmeId } = version
      await insertPublication(tx, { id: newId(), programmeId, versionId, from })
      await recordAudit(tx, actor, [
        {
          action: 'incentive_plan.published',
          subject: { kind: 'incentive_plan', id: planId },
          after: { versionId, from },
        },
      ])
      return getVersion(tx, versionId)
    },
  }
}

export type PlanUseCases = ReturnType<typeof createPlanUseCases>
