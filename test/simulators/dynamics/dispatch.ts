/** Which handler answers a call: by the first segment of its address. */
import { listUnbound } from './actions.ts'
import type { ApiAnswer, ApiCall, Plan } from './api-call.ts'
import { findEntitySet } from './bindings.ts'
import { planBulk, readBulkName } from './bulk.ts'
import { planQuery } from './collection-routes.ts'
import { errors } from './errors.ts'
import { planMetadata } from './metadata-routes.ts'
import type { Organisation } from './organisation.ts'
import { planPrivileges } from './privileges.ts'
import { runQuery } from './queries.ts'
import { type Addresses, planCreate, planRecord } from './record-routes.ts'
import { requireRight } from './rights.ts'
import type { Table } from './tables.ts'

const metadataRoots: readonly string[] = [
  'EntityDefinitions',
  'RelationshipDefinitions',
  'GlobalOptionSetDefinitions',
  'CreateCustomerRelationships',
  'PublishXml',
  'PublishAllXml',
]

function answerService(organisation: Organisation, addresses: Addresses): ApiAnswer {
  const sets = [...organisation.tables.all.values()].map(({ schema: { entitySet: name } }) => name)
  return {
    status: 200,
    body: {
      '@odata.context': `${addresses.api()}/$metadata`,
      value: sets.map((name) => ({ name, kind: 'EntitySet', url: name })),
    },
  }
}

function planCount(organisation: Organisation, table: Table): Plan {
  return {
    operation: 'query',
    object: table.schema.logicalName,
    handle(call) {
      requireRight(organisation, call.save.by, 'read', table.schema.logicalName)
      const whole = { filter: null, orders: [], top: Number.POSITIVE_INFINITY, pageSize: 1, after: null }
      return { status: 200, body: runQuery(organisation, table, whole, true).count }
    },
  }
}

function planCollection(organisation: Organisation, addresses: Addresses, table: Table, call: ApiCall): Plan {
  const [, next, ...rest] = call.segments
  const bulk = next === undefined ? null : readBulkName(next.name)
  if (next === undefined && call.method === 'GET') return planQuery(organisation, addresses, table, call)
  if (next === undefined && call.method === 'POST') return planCreate(organisation, addresses, table)
  if (rest.length > 0) throw errors.noResource(rest[0]?.name ?? '')
  if (bulk !== null && call.method === 'POST') return planBulk(organisation, addresses, table, bulk)
  if (next?.name === '$count' && call.method === 'GET') return planCount(organisation, table)
  throw next === undefined || bulk !== null
    ? errors.methodNotAllowed(call.method)
    : errors.noResource(next.name)
}

/** Throws a DataverseError where nothing answers this address. */
export function createDispatch(organisation: Organisation, addresses: Addresses): (call: ApiCall) => Plan {
  const unbound = listUnbound(organisation, addresses)
  return (call) => {
    const [root] = call.segments
    if (call.inChangeSet && call.method === 'GET') {
      throw errors.badRequest('A GET request is not allowed within a change set.')
    }
    if (root === undefined) {
      return { operation: 'organisation', object: null, handle: () => answerService(organisation, addresses) }
    }
    if (root.name === '$metadata') throw errors.notImplemented('The service document in XML')
    const known = unbound.get(root.name)
    if (known !== undefined) {
      if (known.method !== call.method) throw errors.methodNotAllowed(call.method)
      return known.plan
    }
    if (metadataRoots.includes(root.name)) return planMetadata(organisation, addresses, call)
    const table = findEntitySet(organisation, root.name)
    if (table === undefined) throw errors.noResource(root.name)
    const privileges = planPrivileges(organisation, addresses, call)
    if (privileges !== null) return privileges
    return root.key === null
      ? planCollection(organisation, addresses, table, call)
      : planRecord(organisation, addresses, table, call)
  }
}
