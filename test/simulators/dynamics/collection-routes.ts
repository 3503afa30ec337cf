/** Many records of a table: queries, their counts, and changes. */
import { type ApiAnswer, type ApiCall, type Plan, refuseUnknownOptions } from './api-call.ts'
import { answerChanges, tracksChanges } from './changes.ts'
import { errors } from './errors.ts'
import { readExpand, renderExpanded } from './expansions.ts'
import { readCookie, writeCookie, writeLink } from './links.ts'
import type { Organisation } from './organisation.ts'
import { maxPageSize, type PageMark, type Query, readFilter, readOrders, runQuery } from './queries.ts'
import type { Addresses } from './record-routes.ts'
import { requireRight } from './rights.ts'
import { readAnnotations, readSelect, renderRow } from './rows.ts'
import type { Table } from './tables.ts'

function readWhole(text: string | undefined, otherwise: number, least: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!Number.isInteger(value) || value < least)
    throw errors.badRequest(`Invalid value '${text}' for a count.`)
  return value
}

function readMark(token: string | undefined): PageMark | null {
  if (token === undefined) return null
  const cookie = readCookie(token)
  return { returned: Number(cookie['returned']), lastId: cookie['lastid'] ?? '' }
}

function readQuery(organisation: Organisation, table: Table, call: ApiCall): Query {
  const { query, prefer } = call
  const filter = query.get('$filter')
  const orderby = query.get('$orderby')
  const top = readWhole(query.get('$top'), Number.POSITIVE_INFINITY, 1)
  if (query.has('$top') && prefer.has('odata.maxpagesize')) {
    // Dataverse takes no notice of a page size beside $top.
    return { ...readQuery(organisation, table, { ...call, prefer: new Map() }), top }
  }
  return {
    filter: filter === undefined ? null : readFilter(organisation, table.schema, filter),
    orders: orderby === undefined ? [] : readOrders(table.schema, orderby),
    top,
    pageSize: Math.min(readWhole(prefer.get('odata.maxpagesize'), maxPageSize, 1), maxPageSize),
    after: readMark(query.get('$skiptoken')),
  }
}

function answerQuery(
  organisation: Organisation,
  addresses: Addresses,
  table: Table,
  call: ApiCall,
): ApiAnswer {
  const { schema } = table
  refuseUnknownOptions(call.query, [
    '$select',
    '$filter',
    '$orderby',
    '$top',
    '$expand',
    '$count',
    '$skiptoken',
  ])
  requireRight(organisation, call.save.by, 'read', schema.logicalName)
  const select = readSelect(schema, call.query.get('$select'))
  const expansions = readExpand(organisation, schema, call.query.get('$expand'))
  const wants = readAnnotations(call.prefer)
  const counted = call.query.get('$count') === 'true'
  const { rows, next, count } = runQuery(organisation, table, readQuery(organisation, table, call), counted)
  const names = call.query.get('$select')
  const address = `${addresses.api()}/${schema.entitySet}`
  const more =
    next === null
      ? {}
      : {
          '@odata.nextLink': writeLink(address, call.query, {
            $skiptoken: writeCookie({ returned: next.returned, lastid: next.lastId }),
          }),
        }
  return {
    status: 200,
    headers: call.prefer.has('odata.maxpagesize')
      ? { 'preference-applied': `odata.maxpagesize=${call.prefer.get('odata.maxpagesize')}` }
      : {},
    body: {
      '@odata.context': `${addresses.api()}/$metadata#${schema.entitySet}${names === undefined ? '' : `(${names})`}`,
      ...(count === null ? {} : { '@odata.count': count }),
      value: rows.map((row) => ({
        ...renderRow(organisation, table, row, select, wants),
        ...renderExpanded(organisation, table, row, expansions, wants),
      })),
      ...more,
    },
    records: rows.length,
  }
}

export function planQuery(
  organisation: Organisation,
  addresses: Addresses,
  table: Table,
  call: ApiCall,
): Plan {
  const object = table.schema.logicalName
  return tracksChanges(call)
    ? {
        operation: 'changes',
        object,
        handle: (current) => answerChanges(organisation, addresses, table, current),
      }
    : {
        operation: 'query',
        object,
        handle: (current) => answerQuery(organisation, addresses, table, current),
      }
}
