/** Functions and actions that belong to no table: who and where we are, closing, merging. */
import { isJsonObject } from '../json.ts'
import { type ApiAnswer, type ApiCall, apiPath, type Plan } from './api-call.ts'
import { resolveReference } from './bindings.ts'
import { readDay, readInstant } from './dates.ts'
import { readDraft, tableOfType } from './drafts.ts'
import { errors } from './errors.ts'
import { readGuid } from './guids.ts'
import { closeOpportunity, mergeRecords } from './lifecycle.ts'
import type { Organisation } from './organisation.ts'
import { type Addresses, readBody } from './record-routes.ts'
import { requireRight } from './rights.ts'

function whoAmI(organisation: Organisation, addresses: Addresses, call: ApiCall): ApiAnswer {
  return {
    status: 200,
    body: {
      '@odata.context': `${addresses.api()}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
      BusinessUnitId: organisation.businessUnitId,
      UserId: call.save.by,
      OrganizationId: organisation.id,
    },
  }
}

function retrieveOrganisation(organisation: Organisation, addresses: Addresses): ApiAnswer {
  const base = addresses.api().slice(0, -apiPath.length)
  return {
    status: 200,
    body: {
      '@odata.context': `${addresses.api()}/$metadata#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse`,
      Detail: {
        OrganizationId: organisation.id,
        FriendlyName: organisation.name,
        OrganizationVersion: '9.2.24104.00187',
        EnvironmentId: organisation.id,
        DatacenterId: organisation.id,
        Geo: 'EMEA',
        TenantId: organisation.businessUnitId,
        UrlName: 'vendor',
        UniqueName: 'unqvendor',
        State: 'Enabled',
        Endpoints: {
          Count: 2,
          IsReadOnly: false,
          Keys: ['WebApplication', 'OrganizationDataService'],
          Values: [`${base}/`, `${base}/XRMServices/2011/OrganizationData.svc`],
        },
      },
    },
  }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)

/** A day or an instant, as an instant; undefined where there is none. */
function readEnd(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  const given = String(value)
  const end = readInstant(given) ?? readDay(given)
  if (end === null)
    throw errors.payload('opportunitycloses', `Cannot convert the literal '${given}' to a date.`)
  return end.length === 10 ? `${end}T00:00:00Z` : end
}

function readRevenue(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number') return value
  throw errors.payload('opportunitycloses', `Cannot convert '${String(value)}' to the type 'Edm.Decimal'.`)
}

function close(organisation: Organisation, how: 'won' | 'lost', call: ApiCall): ApiAnswer {
  const { Status: status, OpportunityClose: closing } = readBody(call.body, 'WinOpportunity')
  if (!isJsonObject(closing) || typeof status !== 'number') {
    throw errors.payload('opportunitycloses', 'The parameters Status and OpportunityClose are required.')
  }
  const { table, id } = resolveReference(organisation, closing['opportunityid@odata.bind'])
  if (table.schema.logicalName !== 'opportunity') throw errors.noRecord('opportunity', id)
  requireRight(organisation, call.save.by, 'write', 'opportunity')
  call.strikeRecord('close', 'opportunity')
  closeOpportunity(
    organisation,
    id,
    how,
    {
      status,
      subject: textOf(closing['subject']),
      description: textOf(closing['description']),
      actualrevenue: readRevenue(closing['actualrevenue']),
      actualend: readEnd(closing['actualend']),
    },
    call.save,
  )
  return { status: 204, records: 1 }
}

function merge(organisation: Organisation, call: ApiCall): ApiAnswer {
  const { Target, Subordinate, UpdateContent } = readBody(call.body, 'Merge')
  if (!isJsonObject(Target) || !isJsonObject(Subordinate)) {
    throw errors.payload('Merge', 'The parameters Target and Subordinate are required.')
  }
  const table = tableOfType(organisation, Target)
  const idOf = (body: Readonly<Record<string, unknown>>) =>
    readGuid(String(body[table.schema.primaryId] ?? ''))
  const [masterId, loserId] = [idOf(Target), idOf(Subordinate)]
  if (masterId === null || loserId === null) throw errors.badRequest('Merge needs the ids of both records.')
  requireRight(organisation, call.save.by, 'write', table.schema.logicalName)
  const content = isJsonObject(UpdateContent)
    ? readDraft(organisation, table, UpdateContent, 'update', call.save.by)
    : new Map()
  mergeRecords(organisation, table, masterId, loserId, Object.fromEntries(content), call.save)
  return { status: 204, records: 2 }
}

interface Unbound {
  readonly method: 'GET' | 'POST'
  readonly plan: Plan
}

/** By name; the caller checks the method. */
export function listUnbound(organisation: Organisation, addresses: Addresses): ReadonlyMap<string, Unbound> {
  const closing = (how: 'won' | 'lost'): Unbound => ({
    method: 'POST',
    plan: { operation: 'close', object: 'opportunity', handle: (call) => close(organisation, how, call) },
  })
  return new Map<string, Unbound>([
    [
      'WhoAmI',
      {
        method: 'GET',
        plan: {
          operation: 'who-am-i',
          object: null,
          handle: (call) => whoAmI(organisation, addresses, call),
        },
      },
    ],
    [
      'RetrieveCurrentOrganization',
      {
        method: 'GET',
        plan: {
          operation: 'organisation',
          object: null,
          handle: () => retrieveOrganisation(organisation, addresses),
        },
      },
    ],
    ['WinOpportunity', closing('won')],
    ['LoseOpportunity', closing('lost')],
    [
      'Merge',
      {
        method: 'POST',
        plan: { operation: 'merge', object: null, handle: (call) => merge(organisation, call) },
      },
    ],
  ])
}
