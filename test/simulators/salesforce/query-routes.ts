/** Queries with their cursors, and the two replication calls. */
import { type ApiAnswer, type ApiCall, type ApiRoute, apiBase } from './api-server.ts'
import { readTable } from './bodies.ts'
import { formatDatetime, readDatetime, toMillis } from './dates.ts'
import { CallError } from './errors.ts'
import { toLongId } from './ids.ts'
import type { Organisation } from './organisation.ts'
import type { Row } from './schema.ts'
import { createQueryEngine, type QueryResult } from './soql.ts'
import type { Table } from './tables.ts'

const largestPage = 2000
const openCursors = 10
const maxSpanMs = 30 * 86_400_000

export function listQueryRoutes(organisation: Organisation): readonly ApiRoute[] {
  const engine = createQueryEngine(organisation)
  const cursors = new Map<string, { readonly result: QueryResult; readonly page: number }>()
  let cursorCount = 0

  function readPageSize(call: ApiCall): number {
    const wanted = Number(
      /batchSize\s*=\s*(\d+)/i.exec(String(call.headers['sforce-query-options'] ?? ''))?.[1],
    )
    return Number.isFinite(wanted) ? Math.min(Math.max(wanted, 200), largestPage) : largestPage
  }

  /** A user keeps ten open cursors; opening another closes the oldest. */
  function openCursor(result: QueryResult, page: number): string {
    cursorCount += 1
    const locator = toLongId(`01gSIM${String(cursorCount).padStart(9, '0')}`)
    cursors.set(locator, { result, page })
    const [oldest] = cursors.keys()
    if (cursors.size > openCursors && oldest !== undefined) cursors.delete(oldest)
    return locator
  }

  function answerPage(result: QueryResult, page: number, offset: number, locator: string | null): ApiAnswer {
    const records = result.rows.slice(offset, offset + page).map(result.render)
    const next = offset + page
    const done = next >= result.rows.length
    const cursor = done ? null : (locator ?? openCursor(result, page))
    return {
      status: 200,
      body: {
        totalSize: result.totalSize,
        done,
        ...(cursor === null ? {} : { nextRecordsUrl: `${apiBase}/query/${cursor}-${next}` }),
        records,
      },
      records: records.length,
    }
  }

  function query(includeDeleted: boolean): (call: ApiCall) => ApiAnswer {
    return (call) => {
      const soql = call.query['q']
      if (!soql) throw new CallError(400, 'MALFORMED_QUERY', 'SOQL statements cannot be empty or null')
      return answerPage(engine.run(soql, includeDeleted), readPageSize(call), 0, null)
    }
  }

  function queryMore(call: ApiCall): ApiAnswer {
    const [, locator = '', offset = ''] = /^([0-9A-Za-z]+)-(\d+)$/.exec(call.params['cursor'] ?? '') ?? []
    const cursor = cursors.get(locator)
    if (cursor === undefined) {
      throw new CallError(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
    }
    return answerPage(cursor.result, cursor.page, Number(offset), locator)
  }

  function readSpan(call: ApiCall): { start: string; end: string } {
    const read = (name: string) => {
      const text = readDatetime((call.query[name] ?? '').replace(' ', '+'))
      if (text === null) {
        throw new CallError(
          400,
          'INVALID_FIELD',
          `${name}: not a valid ISO 8601 datetime: ${call.query[name]}`,
        )
      }
      // Seconds are cut off.
      return formatDatetime(new Date(Math.floor(toMillis(text) / 60_000) * 60_000))
    }
    const span = { start: read('start'), end: read('end') }
    if (toMillis(span.start) < organisation.now().getTime() - maxSpanMs) {
      throw new CallError(400, 'INVALID_REPLICATION_DATE', 'startDate cannot be more than 30 days ago')
    }
    if (toMillis(span.end) - toMillis(span.start) < 60_000) {
      throw new CallError(
        400,
        'INVALID_REPLICATION_DATE',
        'endDate must be at least one minute greater than startDate',
      )
    }
    return span
  }

  function rowsWithin(table: Table, span: { start: string; end: string }, deleted: boolean): readonly Row[] {
    return organisation.tables.sortedRows(table).filter((row) => {
      const stamp = String(row['SystemModstamp'])
      return stamp >= span.start && stamp < span.end && (row['IsDeleted'] === true) === deleted
    })
  }

  function updated(call: ApiCall): ApiAnswer {
    const table = readTable(organisation, call.params['object'])
    const span = readSpan(call)
    const ids = rowsWithin(table, span, false).map((row) => row['Id'])
    return { status: 200, body: { ids, latestDateCovered: span.end }, records: ids.length }
  }

  function deleted(call: ApiCall): ApiAnswer {
    const table = readTable(organisation, call.params['object'])
    const span = readSpan(call)
    const deletedRecords = rowsWithin(table, span, true).map((row) => ({
      id: row['Id'],
      deletedDate: row['SystemModstamp'],
    }))
    const earliest = formatDatetime(new Date(organisation.now().getTime() - 15 * 86_400_000))
    return {
      status: 200,
      body: { deletedRecords, earliestDateAvailable: earliest, latestDateCovered: span.end },
      records: deletedRecords.length,
    }
  }

  const inPath = ({ params }: Pick<ApiCall, 'params'>) => params['object'] ?? null
  const inQuery = (call: Pick<ApiCall, 'query'>) => /\bfrom\s+(\w+)/i.exec(call.query['q'] ?? '')?.[1] ?? null
  return [
    { method: 'GET', path: '/query', operation: 'query', object: inQuery, handle: query(false) },
    { method: 'GET', path: '/queryAll', operation: 'query', object: inQuery, handle: query(true) },
    { method: 'GET', path: '/query/:cursor', operation: 'query-more', handle: queryMore },
    {
      method: 'GET',
      path: '/sobjects/:object/updated',
      operation: 'updated',
      object: inPath,
      handle: updated,
    },
    {
      method: 'GET',
      path: '/sobjects/:object/deleted',
      operation: 'deleted',
      object: inPath,
      handle: deleted,
    },
  ]
}
