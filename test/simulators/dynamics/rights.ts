/** What the integration user's role lets it do; people of the organisation may do everything. */
import { errors } from './errors.ts'
import type { Depth, Organisation, Right } from './organisation.ts'

export const privilegeName = (right: Right, object: string, schemaName: string) =>
  right === 'customize'
    ? object
    : `prv${right === 'appendto' ? 'AppendTo' : right.charAt(0).toUpperCase() + right.slice(1)}${schemaName}`

export const depthOf = (organisation: Organisation, right: Right, object: string): Depth =>
  organisation.rights.get(`${right}:${object}`) ?? 'organisation'

export function requireRight(organisation: Organisation, userId: string, right: Right, object: string): void {
  if (userId !== organisation.integrationUserId || depthOf(organisation, right, object) !== 'none') return
  const schemaName = organisation.tables.find(object)?.schema.schemaName ?? object
  throw errors.privilege(privilegeName(right, object, schemaName), userId)
}
