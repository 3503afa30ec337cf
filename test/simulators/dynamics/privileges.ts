/** What a user may do, as functions of the Web API answer it. */
import type { ApiAnswer, ApiCall, Plan } from './api-call.ts'
import { errors } from './errors.ts'
import { fixedGuid } from './guids.ts'
import type { Organisation, Right } from './organisation.ts'
import type { Addresses } from './record-routes.ts'
import { depthOf, privilegeName } from './rights.ts'

interface Privilege {
  readonly name: string
  readonly id: string
  readonly depth: 'Basic' | 'Global'
}

const rights: readonly Right[] = ['create', 'read', 'write', 'delete', 'append', 'appendto']
/** Of changing definitions; these are had for the whole organisation or not at all. */
const customizing: readonly string[] = [
  'prvCreateAttribute',
  'prvCreateEntity',
  'prvCreateRelationship',
  'prvReadAttribute',
  'prvReadEntity',
  'prvWriteAttribute',
  'prvWriteEntity',
]

function listPrivileges(organisation: Organisation, userId: string): readonly Privilege[] {
  const limited = userId === organisation.integrationUserId
  const ofTables = [...organisation.tables.all.values()].flatMap(({ schema }) =>
    rights.flatMap((right, index): readonly Privilege[] => {
      const depth = limited ? depthOf(organisation, right, schema.logicalName) : 'organisation'
      if (depth === 'none') return []
      const name = privilegeName(right, schema.logicalName, schema.schemaName)
      const id = fixedGuid(0x9e_00_00_00, schema.typeCode * 10 + index)
      return [{ name, id, depth: depth === 'user' ? 'Basic' : 'Global' }]
    }),
  )
  const mayCustomize = !limited || depthOf(organisation, 'customize', 'prvWriteEntity') !== 'none'
  const ofSetUp = customizing
    .filter((name) => mayCustomize || name.startsWith('prvRead'))
    .map((name, index): Privilege => ({ name, id: fixedGuid(0x9f_00_00_00, index), depth: 'Global' }))
  return [...ofTables, ...ofSetUp]
}

const functions: readonly string[] = [
  'Microsoft.Dynamics.CRM.RetrieveUserPrivileges',
  'Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName',
]

function answer(organisation: Organisation, addresses: Addresses, call: ApiCall): ApiAnswer {
  const [user, called] = call.segments
  const userId = user?.key?.kind === 'id' ? user.key.id : ''
  if (!organisation.tables.find('systemuser')?.rows.has(userId)) throw errors.noRecord('systemuser', userId)
  const wanted = called?.key?.kind === 'named' ? called.key.values.get('PrivilegeName') : undefined
  if (called?.name.endsWith('Name') && wanted === undefined) {
    throw errors.badRequest('The parameter PrivilegeName is required.')
  }
  const listed = listPrivileges(organisation, userId)
    .filter(({ name }) => wanted === undefined || name === wanted)
    .map(({ name, id, depth }) => ({
      Depth: depth,
      PrivilegeId: id,
      BusinessUnitId: organisation.businessUnitId,
      PrivilegeName: name,
    }))
  const response = `${called?.name ?? ''}Response`
  const context = `${addresses.api()}/$metadata#${response}`
  return { status: 200, body: { '@odata.context': context, RolePrivileges: listed } }
}

/** `systemusers(id)/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`; null for any other call. */
export function planPrivileges(organisation: Organisation, addresses: Addresses, call: ApiCall): Plan | null {
  const [user, called, ...rest] = call.segments
  if (user?.name !== 'systemusers' || called === undefined || rest.length > 0) return null
  if (call.method !== 'GET' || !functions.includes(called.name)) return null
  return {
    operation: 'privileges',
    object: 'systemuser',
    handle: (current) => answer(organisation, addresses, current),
  }
}
