import type { Missing, RemoteField, RemoteRecord } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { ownersObject } from './api-paths.ts'
import { listed } from './apis.ts'
import { isRecordId, missing } from './records.ts'
import type { Session } from './session.ts'

const names = {
  id: 'Owner id',
  email: 'E-mail',
  firstName: 'First name',
  lastName: 'Last name',
  userId: 'User id',
} as const

export const ownerFields: readonly RemoteField[] = Object.entries(names).map(([name, label]) => ({
  name,
  label,
  type: 'text',
  required: false,
  creatable: false,
  writable: false,
  maxLength: null,
  scale: null,
  choices: null,
  restrictedChoices: false,
  references: [],
  unique: name === 'id',
  externalId: false,
}))

interface Owner {
  readonly id: string
  readonly email?: string
  readonly firstName?: string
  readonly lastName?: string
  readonly userId?: number
  readonly updatedAt: Date
}

function toRecord(owner: Owner, fields: readonly string[]): RemoteRecord {
  const values: Readonly<Record<string, string | null>> = {
    id: owner.id,
    email: owner.email ?? null,
    firstName: owner.firstName ?? null,
    lastName: owner.lastName ?? null,
    userId: owner.userId === undefined ? null : String(owner.userId),
  }
  const { updatedAt } = owner
  return {
    object: ownersObject,
    id: owner.id,
    fields: Object.fromEntries(fields.map((name) => [name, fieldOf(values, name)])),
    modifiedAt: Number.isNaN(updatedAt.getTime()) ? null : updatedAt.toISOString(),
    modifiedBy: null,
  }
}

function fieldOf(values: Readonly<Record<string, string | null>>, name: string): string | null {
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  if (value !== undefined) return value
  throw unknownField(name)
}

const unknownField = (name: string): ConnectorFault =>
  new ConnectorFault('configuration', `HubSpot's owners cannot be asked for ${name}`, {
    code: 'PROPERTY_DOESNT_EXIST',
    fields: [name],
  })

/** One call an owner: HubSpot has no batch of them. */
export async function readOwners(
  session: Session,
  ids: readonly string[],
  fields: readonly string[],
  signal: AbortSignal,
): Promise<readonly (RemoteRecord | Missing)[]> {
  const owners = new Map<string, Owner>()
  for (const id of new Set(ids.filter((id) => isRecordId(id) && Number.isSafeInteger(Number(id))))) {
    try {
      const { value } = await session.send(
        {
          operation: 'read',
          object: ownersObject,
          records: 1,
          ask: (apis) => apis.owners().getById(Number(id), 'id', false),
        },
        signal,
      )
      owners.set(id, value)
    } catch (error) {
      if (!(error instanceof ConnectorFault) || error.details.httpStatus !== 404) throw error
    }
  }
  return ids.map((id) => {
    const owner = owners.get(id)
    return owner ? toRecord(owner, fields) : missing(ownersObject, id)
  })
}

/** By e-mail, one call a value. */
export async function findOwners(
  session: Session,
  field: string,
  values: readonly string[],
  fields: readonly string[],
  signal: AbortSignal,
): Promise<readonly RemoteRecord[]> {
  if (field !== 'email') throw unknownField(field)
  const found: RemoteRecord[] = []
  for (const email of new Set(values)) {
    const { value } = await session.send(
      {
        operation: 'read',
        object: ownersObject,
        records: 1,
        ask: async (apis) => listed(await apis.owners().getPage(email, undefined, 100, false)),
      },
      signal,
    )
    const same = value.results.filter((owner) => owner.email?.toLowerCase() === email.toLowerCase())
    found.push(...same.slice(0, 2).map((owner) => toRecord(owner, fields)))
  }
  return found
}
