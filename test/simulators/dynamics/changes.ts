/**
 * Change tracking: every row first, then by the delta link what changed since, newest state only, and what was deleted. A
 * link looks back to the version at which its first page was read, so that nothing is missed while pages are read.
 */
import type { ApiAnswer, ApiCall } from './api-call.ts'
import { errors } from './errors.ts'
import { readCookie, writeCookie, writeLink } from './links.ts'
import type { Organisation } from './organisation.ts'
import { requireTable } from './organisation.ts'
import { maxPageSize } from './queries.ts'
import type { Addresses } from './record-routes.ts'
import { depthOf, requireRight } from './rights.ts'
import { readAnnotations, readSelect, renderRow } from './rows.ts'
import { changedRows, deletedRows, type Table } from './tables.ts'

interface Reading {
  /** Null: from the beginning, and without deletions. */
  readonly since: number | null
  readonly upTo: number
  /** The last version of the pages before. */
  readonly last: number
  readonly phase: 'rows' | 'deletions'
}

const dayMs = 24 * 60 * 60 * 1000

/** `919042!08/22/2017 08:10:44` */
function writeDeltaToken(organisation: Organisation, version: number): string {
  const [date = '', time = ''] = organisation.now().toISOString().slice(0, 19).split('T')
  const [year, month, day] = date.split('-')
  return `${version}!${month}/${day}/${year} ${time}`
}

function readDeltaToken(organisation: Organisation, token: string): number {
  const [, version, month, day, year, time] =
    /^(\d+)!(\d\d)\/(\d\d)\/(\d{4}) (\d\d:\d\d:\d\d)$/.exec(token) ?? []
  const at = Date.parse(`${year}-${month}-${day}T${time}Z`)
  if (version === undefined || Number.isNaN(at)) throw errors.badRequest('The delta token is not valid.')
  const [row] = requireTable(organisation, 'organization').rows.values()
  const days = Number(row?.['expirechangetrackingindays'] ?? 7)
  const old = organisation.now().getTime() - at > days * dayMs
  if (old || Number(version) < organisation.deltaFloor) throw errors.expiredVersion()
  return Number(version)
}

function readReading(organisation: Organisation, query: ReadonlyMap<string, string>): Reading {
  const upTo = organisation.tables.version
  const skip = query.get('$skiptoken')
  if (skip !== undefined) {
    const cookie = readCookie(skip)
    return {
      since: cookie['since'] === '' ? null : Number(cookie['since']),
      upTo: Number(cookie['upto']),
      last: Number(cookie['last']),
      phase: cookie['phase'] === 'deletions' ? 'deletions' : 'rows',
    }
  }
  const token = query.get('$deltatoken')
  if (token === undefined) return { since: null, upTo, last: 0, phase: 'rows' }
  const since = readDeltaToken(organisation, token)
  return { since, upTo, last: since, phase: 'rows' }
}

interface ChangesPage {
  readonly value: readonly unknown[]
  readonly next: Reading | null
}

function readPage(
  organisation: Organisation,
  addresses: Addresses,
  table: Table,
  call: ApiCall,
  reading: Reading,
  size: number,
): ChangesPage {
  const { schema } = table
  const { since, upTo } = reading
  const select = readSelect(schema, call.query.get('$select'))
  const wants = readAnnotations(call.prefer)
  const value: unknown[] = []
  if (reading.phase === 'rows') {
    const rows = changedRows(table, reading.last, upTo, size)
    value.push(...rows.map((row) => renderRow(organisation, table, row, select, wants)))
    const last = Number(rows.at(-1)?.['versionnumber'] ?? reading.last)
    if (rows.length === size && changedRows(table, last, upTo, 1).length > 0) {
      return { value, next: { ...reading, last } }
    }
  }
  if (since === null) return { value, next: null }
  const from = reading.phase === 'deletions' ? reading.last : since
  const room = size - value.length
  const deletions = deletedRows(table, from, upTo, room)
  const context = `${addresses.api()}/$metadata#${schema.entitySet}/$deletedEntity`
  value.push(...deletions.map(({ id }) => ({ '@odata.context': context, id, reason: 'deleted' })))
  const last = deletions.at(-1)?.version ?? from
  const more = deletedRows(table, last, upTo, 1).length > 0
  return { value, next: more ? { since, upTo, last, phase: 'deletions' } : null }
}

const unsupported = ['$filter', '$orderby', '$expand', '$top']

/** Whether a call reads changes: it asks to track them, or follows a link of such a call. */
export function tracksChanges(call: ApiCall): boolean {
  return (
    call.prefer.has('odata.track-changes') ||
    call.query.has('$deltatoken') ||
    /^<cookie since=/.test(call.query.get('$skiptoken') ?? '')
  )
}

export function answerChanges(
  organisation: Organisation,
  addresses: Addresses,
  table: Table,
  call: ApiCall,
): ApiAnswer {
  const { schema } = table
  for (const option of unsupported) if (call.query.has(option)) throw errors.notWithTracking(option)
  if (!schema.changeTracking) throw errors.notTracked(schema.logicalName)
  requireRight(organisation, call.save.by, 'read', schema.logicalName)
  if (depthOf(organisation, 'read', schema.logicalName) !== 'organisation') {
    throw errors.privilege(`prvRead${schema.schemaName}`, call.save.by)
  }
  const asked = Number(call.prefer.get('odata.maxpagesize') ?? maxPageSize)
  const size = Math.max(1, Math.min(Number.isInteger(asked) ? asked : maxPageSize, maxPageSize))
  const reading = readReading(organisation, call.query)
  const { value, next } = readPage(organisation, addresses, table, call, reading, size)
  const address = `${addresses.api()}/${schema.entitySet}`
  const select = call.query.get('$select')
  const context = `${addresses.api()}/$metadata#${schema.entitySet}${select === undefined ? '' : `(${select})`}`
  const links: Record<string, string> = {}
  if (next === null) {
    const $deltatoken = writeDeltaToken(organisation, reading.upTo)
    links['@odata.deltaLink'] = writeLink(address, call.query, { $deltatoken })
  } else {
    const { since, upTo, last, phase } = next
    const $skiptoken = writeCookie({ since: since ?? '', upto: upTo, last, phase })
    links['@odata.nextLink'] = writeLink(address, call.query, { $skiptoken })
  }
  return {
    status: 200,
    headers: call.prefer.has('odata.track-changes') ? { 'preference-applied': 'odata.track-changes' } : {},
    body: { '@odata.context': reading.since === null ? context : `${context}/$delta`, ...links, value },
    records: value.length,
  }
}
