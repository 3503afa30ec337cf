import type { ConnectorSetup, SetupNeeds, SetupStep } from '../setup.ts'
import { isRefusal } from './refusals.ts'
import type { Session } from './session.ts'
import { createSetupCalls, type SetupCalls, textLiteral } from './setup-calls.ts'
import { fieldBody } from './setup-fields.ts'
import { changeEventOf, describeNeeded, findOut } from './setup-findings.ts'
import { type PlannedStep, permissionSet, planSteps } from './setup-steps.ts'

/**
 * Fields by the Tooling API, access by a permission set of our own, change events by membership in the standard channel.
 * What Salesforce refuses becomes a step for a person, with its reason; other steps go on.
 */
export function createSetup(session: Session): ConnectorSetup {
  async function plan(needs: SetupNeeds, signal: AbortSignal): Promise<readonly PlannedStep[]> {
    const calls = createSetupCalls(session, signal)
    const { userId } = await session.identify(signal)
    return planSteps(needs, await findOut(calls, needs, userId))
  }

  return {
    plan: async (needs, signal) => (await plan(needs, signal)).map(({ step }) => step),
    async apply(needs, stepIds, signal) {
      const calls = createSetupCalls(session, signal)
      const { userId } = await session.identify(signal)
      const wanted = (await plan(needs, signal)).filter(({ step }) => stepIds.includes(step.id))
      const refusals = new Map<string, string>()
      for (const { step, work } of wanted) {
        if (work === null || step.state !== 'missing') continue
        try {
          await perform(calls, work, userId)
        } catch (error) {
          if (!isRefusal(error)) throw error
          refusals.set(step.id, error.message)
        }
      }
      return (await plan(needs, signal)).map(({ step }) => withRefusal(step, refusals.get(step.id)))
    },
  }
}

function withRefusal(step: SetupStep, refusal: string | undefined): SetupStep {
  if (refusal === undefined || step.state === 'done') return step
  return { ...step, state: 'by_hand', detail: `Salesforce refused: ${refusal}` }
}

async function perform(
  calls: SetupCalls,
  work: NonNullable<PlannedStep['work']>,
  userId: string,
): Promise<void> {
  switch (work.kind) {
    case 'field':
      await calls.create('tooling', 'CustomField', fieldBody(work.object, work.field))
      return
    case 'events': {
      const selectedEntity = changeEventOf(work.object)
      const FullName = `ChangeEvents_${selectedEntity.replace('__', '_')}`
      const Metadata = { eventChannel: 'ChangeEvents', selectedEntity }
      await calls.create('tooling', 'PlatformEventChannelMember', { FullName, Metadata })
      return
    }
    case 'access':
      await grantAccess(calls, work.object, work.fields, userId)
  }
}

/** Each part is looked up first, so that repeating what broke off half-way completes it. */
async function grantAccess(
  calls: SetupCalls,
  object: string,
  fields: readonly string[],
  userId: string,
): Promise<void> {
  const [set] = await calls.query(
    'data',
    `SELECT Id FROM PermissionSet WHERE Name = ${textLiteral(permissionSet.Name)}`,
  )
  const ParentId = set?.Id ?? (await calls.create('data', 'PermissionSet', permissionSet))
  const ofSet = `ParentId = ${textLiteral(ParentId)} AND SobjectType = ${textLiteral(object)}`

  const rights = {
    PermissionsRead: true,
    PermissionsCreate: true,
    PermissionsEdit: true,
    PermissionsViewAllRecords: true,
  }
  const [granted] = await calls.query('data', `SELECT Id FROM ObjectPermissions WHERE ${ofSet}`)
  if (granted) await calls.update('ObjectPermissions', granted.Id, rights)
  else await calls.create('data', 'ObjectPermissions', { ParentId, SobjectType: object, ...rights })

  const known = await calls.query('data', `SELECT Field FROM FieldPermissions WHERE ${ofSet}`)
  const named = new Set(known.map((row) => row['Field']))
  const there = await describeNeeded(calls, object, fields)
  for (const name of fields) {
    const Field = `${object}.${name}`
    const exists = there?.fields.has(name) || there?.hidden.has(name)
    if (!exists || named.has(Field)) continue
    const rights = { PermissionsRead: true, PermissionsEdit: true }
    await calls.create('data', 'FieldPermissions', { ParentId, SobjectType: object, Field, ...rights })
  }

  const ours = `PermissionSetId = ${textLiteral(ParentId)} AND AssigneeId = ${textLiteral(userId)}`
  const [assigned] = await calls.query('data', `SELECT Id FROM PermissionSetAssignment WHERE ${ours}`)
  if (assigned) return
  await calls.create('data', 'PermissionSetAssignment', { PermissionSetId: ParentId, AssigneeId: userId })
}
