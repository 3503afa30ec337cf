import type { RemoteField } from '../connector.ts'
import type { SetupNeeds } from '../setup.ts'
import { toRemoteField } from './fields.ts'
import type { Row } from './records.ts'
import { type SetupCalls, textLiteral } from './setup-calls.ts'
import { isCustomField } from './setup-fields.ts'

/** What set-up found; null where our user may not look. */
export interface Findings {
  readonly objects: ReadonlyMap<string, ObjectFindings | null>
  /** Objects all of whose records our user sees, whoever owns them. */
  readonly viewAll: ReadonlySet<string> | null
  /** Objects that are selected for Change Data Capture. */
  readonly captured: ReadonlySet<string> | null
  /** What our user may set up. */
  readonly may: { readonly createFields: boolean; readonly grant: boolean }
}

export interface ObjectFindings {
  readonly canCreate: boolean
  readonly canUpdate: boolean
  readonly fields: ReadonlyMap<string, RemoteField>
  /** Fields that exist and that our user may not see. */
  readonly hidden: ReadonlySet<string>
}

const rights = {
  createFields: ['PermissionsCustomizeApplication'],
  grant: [
    'PermissionsManageProfilesPermissionsets',
    'PermissionsAssignPermissionSets',
    'PermissionsViewSetup',
  ],
} as const

export const changeEventOf = (object: string): string => `${object.replace(/__c$/, '__')}ChangeEvent`

export async function findOut(calls: SetupCalls, needs: SetupNeeds, userId: string): Promise<Findings> {
  const objects = new Map<string, ObjectFindings | null>()
  for (const { object, fields } of needs.objects) {
    objects.set(
      object,
      await describeNeeded(
        calls,
        object,
        fields.map(({ name }) => name),
      ),
    )
  }
  const [access] =
    (await calls.queryIfAllowed(
      'data',
      `SELECT ${Object.values(rights).flat().join(', ')} FROM UserPermissionAccess`,
    )) ?? []
  const grants = await calls.queryIfAllowed(
    'data',
    `SELECT SobjectType FROM ObjectPermissions WHERE PermissionsViewAllRecords = true AND ParentId IN (SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = ${textLiteral(userId)})`,
  )
  const members = await calls.queryIfAllowed(
    'tooling',
    "SELECT SelectedEntity FROM PlatformEventChannelMember WHERE EventChannel = 'ChangeEvents'",
  )
  const selected = members?.map((row) => textOf(row, 'SelectedEntity'))
  return {
    objects,
    viewAll: grants && new Set(grants.map((row) => textOf(row, 'SobjectType'))),
    captured: selected
      ? new Set([...objects.keys()].filter((object) => selected.includes(changeEventOf(object))))
      : null,
    may: { createFields: hasAll(access, rights.createFields), grant: hasAll(access, rights.grant) },
  }
}

/** What is there of an object and of the fields named; null where our user sees no such object. */
export async function describeNeeded(
  calls: SetupCalls,
  object: string,
  needed: readonly string[],
): Promise<ObjectFindings | null> {
  const described = await calls.describe(object)
  if (!described) return null
  const fields = new Map(described.fields.map((field) => [field.name, toRemoteField(field)]))
  const unseen = needed.filter((name) => isCustomField(name) && !fields.has(name))
  // Describe shows what our user may see; the Tooling API shows what exists.
  const existing =
    unseen.length === 0
      ? []
      : await calls.queryIfAllowed(
          'tooling',
          `SELECT DeveloperName FROM CustomField WHERE EntityDefinition.QualifiedApiName = ${textLiteral(object)}`,
        )
  const names = new Set((existing ?? []).map((row) => `${textOf(row, 'DeveloperName')}__c`))
  return {
    canCreate: described.createable,
    canUpdate: described.updateable,
    fields,
    hidden: new Set(unseen.filter((name) => names.has(name))),
  }
}

const hasAll = (row: Row | undefined, names: readonly string[]): boolean =>
  names.every((name) => row?.[name] === true)

function textOf(row: Row, name: string): string {
  const value = row[name]
  return typeof value === 'string' ? value : ''
}
