/** Who may see what: permission sets, what they grant and to whom (Object Reference). */
import { defineField, type ObjectSchema } from './schema.ts'
import { auditFields, defineObject, idField, lookup, required } from './standard-fields.ts'

const flags = (names: readonly string[]) => names.map((name) => defineField(name, name, 'boolean'))
const fixed = { ...required, updateable: false } as const
const parent = () => lookup('ParentId', 'Parent Entity ID', 'PermissionSet', 'Parent', fixed)

/** What an administrator needs to set things up by API; each a flag of permission sets. */
export const userPermissions = [
  'PermissionsApiEnabled',
  'PermissionsViewSetup',
  'PermissionsCustomizeApplication',
  'PermissionsManageProfilesPermissionsets',
  'PermissionsAssignPermissionSets',
] as const
export type UserPermission = (typeof userPermissions)[number]

export function permissionObjects(): readonly ObjectSchema[] {
  return [
    defineObject(
      'PermissionSet',
      ['Permission Set', 'Permission Sets'],
      '0PS',
      [
        idField('PermissionSet ID'),
        defineField('Name', 'Permission Set Name', 'string', { ...required, length: 80, unique: true }),
        defineField('Label', 'Permission Set Label', 'string', { ...required, length: 80, nameField: true }),
        defineField('Description', 'Description', 'string'),
        ...auditFields(),
      ],
      ['Name', 'Label'],
    ),
    defineObject(
      'PermissionSetAssignment',
      ['Permission Set Assignment', 'Permission Set Assignments'],
      '0Pa',
      [
        idField('PermissionSetAssignment ID'),
        lookup('PermissionSetId', 'PermissionSet ID', 'PermissionSet', 'PermissionSet', fixed),
        lookup('AssigneeId', 'Assignee ID', 'User', 'Assignee', fixed),
        ...auditFields(),
      ],
      ['AssigneeId', 'PermissionSetId'],
      { updateable: false },
    ),
    defineObject(
      'ObjectPermissions',
      ['Object Permissions', 'Object Permissions'],
      '110',
      [
        idField('ObjectPermissions ID'),
        parent(),
        defineField('SobjectType', 'SObject Type', 'picklist', fixed),
        ...flags([
          'PermissionsRead',
          'PermissionsCreate',
          'PermissionsEdit',
          'PermissionsDelete',
          'PermissionsViewAllRecords',
          'PermissionsModifyAllRecords',
        ]),
        ...auditFields(),
      ],
      ['ParentId', 'SobjectType', 'PermissionsViewAllRecords'],
    ),
    defineObject(
      'FieldPermissions',
      ['Field Permissions', 'Field Permissions'],
      '01k',
      [
        idField('FieldPermissions ID'),
        parent(),
        defineField('SobjectType', 'SObject Type', 'picklist', fixed),
        defineField('Field', 'Field Name', 'picklist', fixed),
        ...flags(['PermissionsRead', 'PermissionsEdit']),
        ...auditFields(),
      ],
      ['ParentId', 'Field', 'PermissionsEdit'],
    ),
    defineObject(
      'UserPermissionAccess',
      ['User Permission Access', 'User Permission Access'],
      '0sZ',
      [idField('UserPermissionAccess ID'), ...flags(userPermissions), ...auditFields()],
      [],
      { createable: false, updateable: false, deletable: false },
    ),
  ]
}
