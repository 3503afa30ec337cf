/** CreateMultiple, UpdateMultiple and UpsertMultiple of one table: all rows or none. */
import { isJsonObject } from '../json.ts'
import type { ApiCall, Plan } from './api-call.ts'
import { readRecordKey, requireRecord } from './bindings.ts'
import { readDraft } from './drafts.ts'
import { errors } from './errors.ts'
import { readGuid } from './guids.ts'
import { type KeyLiteral, readPath, type SegmentKey } from './odata-path.ts'
import type { Organisation } from './organisation.ts'
import { type Addresses, readBody, upsertRecord } from './record-routes.ts'
import { requireRight } from './rights.ts'
import { createRecord } from './saves.ts'
import type { Table } from './tables.ts'

type Target = Readonly<Record<string, unknown>>

const names = ['CreateMultiple', 'UpdateMultiple', 'UpsertMultiple'] as const
type BulkName = (typeof names)[number]

/** `Microsoft.Dynamics.CRM.UpsertMultiple` after the entity set. */
export function readBulkName(segment: string): BulkName | null {
  return names.find((name) => segment === `Microsoft.Dynamics.CRM.${name}`) ?? null
}

function readTargets(table: Table, body: unknown): readonly Target[] {
  const { entitySet, logicalName } = table.schema
  const { Targets: targets } = readBody(body, entitySet)
  if (!Array.isArray(targets)) throw errors.payload(entitySet, 'The parameter Targets is required.')
  return targets.map((target: unknown) => {
    if (!isJsonObject(target) || target['@odata.type'] !== `Microsoft.Dynamics.CRM.${logicalName}`) {
      throw errors.payload(
        entitySet,
        `Each target needs '@odata.type': 'Microsoft.Dynamics.CRM.${logicalName}'.`,
      )
    }
    return target
  })
}

/** The key of a target: its id among the properties, `@odata.id`, or the properties of an alternate key. */
function readTargetKey(table: Table, target: Target): SegmentKey {
  const address = target['@odata.id']
  if (typeof address === 'string') {
    const [segment] = readPath(address.replace(/^.*\/api\/data\/v\d+\.\d+\//, ''))
    if (segment?.name === table.schema.entitySet && segment.key !== null) return segment.key
    throw errors.badRequest(`The '@odata.id' '${address}' is not a record of ${table.schema.entitySet}.`)
  }
  const id = readGuid(String(target[table.schema.primaryId] ?? ''))
  if (id !== null) return { kind: 'id', id }
  const key = [...table.schema.keys.values()].find(
    ({ status, attributes }) => status === 'Active' && attributes.every((name) => target[name] !== undefined),
  )
  if (key === undefined) throw errors.badRequest('Each target needs its id or an alternate key.')
  const values = key.attributes.map((name) => [name, target[name] as KeyLiteral] as const)
  return { kind: 'named', values: new Map(values) }
}

function runOne(
  organisation: Organisation,
  table: Table,
  name: BulkName,
  target: Target,
  call: ApiCall,
): string {
  if (name === 'CreateMultiple') {
    requireRight(organisation, call.save.by, 'create', table.schema.logicalName)
    const draft = readDraft(organisation, table, target, 'create', call.save.by)
    return createRecord(organisation, table, draft, call.save)
  }
  const key = readRecordKey(table, readTargetKey(table, target))
  if (name === 'UpdateMultiple') requireRecord(organisation, table, key)
  return upsertRecord(organisation, table, key, target, call, { match: null, createOnly: false }).id
}

export function planBulk(
  organisation: Organisation,
  addresses: Addresses,
  table: Table,
  name: BulkName,
): Plan {
  const object = table.schema.logicalName
  return {
    operation: 'bulk',
    object,
    handle(call) {
      const targets = readTargets(table, call.body)
      const ids = organisation.tables.attempt(() =>
        targets.map((target) => {
          call.strikeRecord('bulk', object)
          return runOne(organisation, table, name, target, call)
        }),
      )
      if (name !== 'CreateMultiple') return { status: 204, records: ids.length }
      const context = `${addresses.api()}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse`
      return { status: 200, body: { '@odata.context': context, Ids: ids }, records: ids.length }
    },
  }
}
