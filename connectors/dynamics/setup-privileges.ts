import { z } from 'zod'
import type { Finding } from './finding.ts'
import { checkName } from './odata.ts'
import type { Organisation } from './organisation.ts'
import { readJson } from './session.ts'
import type { Table } from './table.ts'

/** What we do with records, and whether it must be allowed for those of everybody. */
const needed: readonly { readonly type: string; readonly everywhere: boolean; readonly word: string }[] = [
  { type: 'Read', everywhere: true, word: 'read' },
  { type: 'Write', everywhere: true, word: 'write' },
  { type: 'Create', everywhere: false, word: 'create' },
  { type: 'Append', everywhere: false, word: 'append' },
  { type: 'AppendTo', everywhere: false, word: 'append to' },
]

const tableSchema = z.object({
  Privileges: z.array(z.object({ PrivilegeId: z.string(), PrivilegeType: z.string() })),
})
const userSchema = z.object({
  RolePrivileges: z.array(z.object({ PrivilegeId: z.string(), Depth: z.union([z.string(), z.number()]) })),
})
const identitySchema = z.object({ UserId: z.string() })

/** How far each privilege of the application user reaches, by its id. */
export type Reach = ReadonlyMap<string, string>

export async function readReach({ session }: Organisation, signal: AbortSignal): Promise<Reach> {
  const call = { operation: 'describe', object: 'systemuser', records: 0, method: 'GET' } as const
  const { UserId } = await session.send({ ...call, path: 'WhoAmI', read: readJson(identitySchema) }, signal)
  const path = `systemusers(${UserId})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges`
  const { RolePrivileges } = await session.send({ ...call, path, read: readJson(userSchema) }, signal)
  return new Map(RolePrivileges.map(({ PrivilegeId, Depth }) => [PrivilegeId.toLowerCase(), String(Depth)]))
}

/** "Organisation" in the words of the screens; `Global`, or 3, on the API. */
const isEverywhere = (depth: string | undefined): boolean => depth === 'Global' || depth === '3'

/** What the application user's roles allow. Roles are given by people. */
export async function findPrivileges(
  { session }: Organisation,
  table: Table,
  reach: Reach,
  signal: AbortSignal,
): Promise<Finding> {
  const path = `EntityDefinitions(LogicalName='${checkName(table.name)}')?$select=Privileges`
  const call = { operation: 'describe', object: table.name, records: 0, method: 'GET', path } as const
  const { Privileges } = await session.send({ ...call, read: readJson(tableSchema) }, signal)
  const lacking = needed.filter(({ type, everywhere }) => {
    const id = Privileges.find((privilege) => privilege.PrivilegeType === type)?.PrivilegeId.toLowerCase()
    const depth = id === undefined ? undefined : reach.get(id)
    // A table without such a privilege does not ask for it.
    return id !== undefined && (everywhere ? !isEverywhere(depth) : depth === undefined)
  })
  const step = { id: `privileges:${table.name}`, title: `Privileges on ${table.name}` }
  if (lacking.length === 0)
    return { ...step, state: 'done', detail: 'The application user may do what is needed.' }
  const words = lacking
    .map(({ word, everywhere }) => (everywhere ? `${word} (organisation)` : word))
    .join(', ')
  return {
    ...step,
    state: 'by_hand',
    detail: `The application user lacks: ${words}. Give it a security role that has them in the Power Platform admin centre.`,
  }
}
