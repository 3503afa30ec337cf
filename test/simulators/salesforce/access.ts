/**
 * What the integration user may see. A field that was just created is visible to nobody, administrators included, until
 * a permission set that is assigned to them grants it.
 */

import { type RecordError, recordError } from './errors.ts'
import { type Organisation, requireTable, seedRow } from './organisation.ts'
import type { UserPermission } from './permission-objects.ts'
import type { FieldSchema, Row } from './schema.ts'

const rowsOf = (organisation: Organisation, object: string): readonly Row[] => [
  ...requireTable(organisation, object).rows.values(),
]

/** What the sets that are assigned to the integration user grant. */
function listGrants(
  organisation: Organisation,
  kind: 'ObjectPermissions' | 'FieldPermissions',
): readonly Row[] {
  const assigned = new Set(
    rowsOf(organisation, 'PermissionSetAssignment')
      .filter((row) => row['AssigneeId'] === organisation.integrationUserId)
      .map((row) => row['PermissionSetId']),
  )
  return rowsOf(organisation, kind).filter((row) => assigned.has(row['ParentId'] ?? null))
}

export function canViewAll(organisation: Organisation, object: string): boolean {
  return listGrants(organisation, 'ObjectPermissions').some(
    (row) => row['SobjectType'] === object && row['PermissionsViewAllRecords'] === true,
  )
}

export function hideField(organisation: Organisation, object: string, field: FieldSchema): void {
  organisation.hiddenFields.set(`${object}.${field.name}`, field)
}

/** Shows the fields that a set grants by now. */
function showGranted(organisation: Organisation): void {
  for (const grant of listGrants(organisation, 'FieldPermissions')) {
    const name = String(grant['Field'])
    const field = organisation.hiddenFields.get(name)
    if (field === undefined || grant['PermissionsRead'] !== true) continue
    organisation.hiddenFields.delete(name)
    const canEdit = grant['PermissionsEdit'] === true
    const { schema } = requireTable(organisation, String(grant['SobjectType']))
    schema.fields.set(field.name.toLowerCase(), { ...field, createable: canEdit, updateable: canEdit })
    organisation.schemaVersion += 1
  }
}

/** Grants may be given for fields that exist only. */
export function checkGrant(organisation: Organisation, object: string, row: Row): RecordError | null {
  if (object !== 'FieldPermissions') return null
  const [type = '', name = ''] = String(row['Field']).split('.')
  const isThere = organisation.tables.find(type)?.schema.fields.has(name.toLowerCase()) === true
  if (isThere || organisation.hiddenFields.has(String(row['Field']))) return null
  const message = `Field Name: bad value for restricted picklist field: ${row['Field']}`
  return recordError('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', message, ['Field'])
}

export function setUserPermission(organisation: Organisation, name: UserPermission, granted: boolean): void {
  const table = requireTable(organisation, 'UserPermissionAccess')
  for (const [id, row] of [...table.rows])
    organisation.tables.put(table, id, { ...row, [name]: granted }, null)
}

export function hasUserPermission(organisation: Organisation, name: UserPermission): boolean {
  return rowsOf(organisation, 'UserPermissionAccess').some((row) => row[name] === true)
}

/** The integration user's profile: may set things up, and sees all records of the objects named. */
export function seedAccess(organisation: Organisation, viewAll: readonly string[]): void {
  const seed = (object: string, fields: Readonly<Record<string, string | boolean>>) =>
    seedRow(organisation, object, fields, organisation.integrationUserId)
  seed('UserPermissionAccess', {
    PermissionsApiEnabled: true,
    PermissionsViewSetup: true,
    PermissionsCustomizeApplication: true,
    PermissionsManageProfilesPermissionsets: true,
    PermissionsAssignPermissionSets: true,
  })
  const ParentId = seed('PermissionSet', { Name: 'X00eIntegration', Label: 'Integration profile' })
  seed('PermissionSetAssignment', { PermissionSetId: ParentId, AssigneeId: organisation.integrationUserId })
  for (const SobjectType of viewAll) {
    const rights = { PermissionsRead: true, PermissionsCreate: true, PermissionsEdit: true }
    seed('ObjectPermissions', { ParentId, SobjectType, ...rights, PermissionsViewAllRecords: true })
  }
  organisation.tables.watch(({ table: { schema } }) => {
    if (['FieldPermissions', 'PermissionSetAssignment'].includes(schema.name)) showGranted(organisation)
  })
}

/** As Salesforce delivers it: none of the fields that Counterpart asks for, nothing captured, no special rights. */
export function makeBare(organisation: Organisation): void {
  for (const { schema } of organisation.tables.all.values()) {
    for (const [key, { name }] of schema.fields) if (name.startsWith('PRM_')) schema.fields.delete(key)
  }
  organisation.schemaVersion += 1
}
