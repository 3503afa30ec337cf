/** Query jobs of Bulk API 2.0: a snapshot made at leisure, fetched as CSV, set by set (Bulk API 2.0 Developer Guide). */
import type { ApiAnswer, ApiCall, ApiRoute } from './api-server.ts'
import { readBody } from './bodies.ts'
import { formatDatetime } from './dates.ts'
import { CallError } from './errors.ts'
import { toLongId } from './ids.ts'
import type { Organisation } from './organisation.ts'
import { createQueryEngine } from './soql.ts'

type JobState = 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted'

interface Job {
  readonly id: string
  readonly object: string
  readonly operation: string
  readonly createdDate: string
  readonly header: readonly string[]
  readonly lines: readonly string[]
  readonly end: JobState
  state: JobState
}

/** What a test may do to jobs. */
export interface BulkJobs {
  /** How the next job that is created will end. */
  endNext(state: 'Failed' | 'Aborted'): void
  /** Jobs and their results are gone, as after seven days. */
  forget(): void
}

const mostPerSet = 50_000
const quote = (value: unknown) =>
  `"${value === null || value === undefined ? '' : String(value).replaceAll('"', '""')}"`

export function createBulkQueries(organisation: Organisation): {
  readonly jobs: BulkJobs
  readonly routes: readonly ApiRoute[]
} {
  const engine = createQueryEngine(organisation)
  const jobs = new Map<string, Job>()
  let nextEnd: JobState = 'JobComplete'

  const find = (call: ApiCall): Job => {
    const job = jobs.get(call.params['id'] ?? '')
    if (job === undefined) throw new CallError(404, 'NOT_FOUND', 'The requested resource does not exist')
    return job
  }
  const describeJob = ({ id, object, operation, createdDate, state }: Job) => ({
    id,
    operation,
    object,
    createdById: organisation.integrationUserId,
    createdDate,
    systemModstamp: createdDate,
    state,
    concurrencyMode: 'Parallel',
    contentType: 'CSV',
    apiVersion: 62,
    lineEnding: 'LF',
    columnDelimiter: 'COMMA',
    ...(state === 'Failed' ? { errorMessage: 'Query failed: the request timed out' } : {}),
  })

  function create(call: ApiCall): ApiAnswer {
    const { operation, query } = readBody(call.body)
    const soql = String(query ?? '')
    if (operation !== 'query' && operation !== 'queryAll') {
      throw new CallError(400, 'INVALID_INPUT', `Unsupported operation ${String(operation)}`)
    }
    if (/\b(group by|order by|limit|offset|typeof)\b|count\(/i.test(soql)) {
      throw new CallError(400, 'API_ERROR', 'The query holds a clause that query jobs do not support')
    }
    const result = engine.run(soql, operation === 'queryAll')
    const rows = result.rows.map(result.render)
    const header = /select\s+(.+?)\s+from/i.exec(soql)?.[1]?.split(/\s*,\s*/) ?? []
    const job: Job = {
      id: toLongId(`750gL0${String(jobs.size + 1).padStart(9, '0')}`),
      object: result.object,
      operation,
      createdDate: formatDatetime(organisation.now()),
      header,
      lines: rows.map((row) =>
        header.map((name) => quote(String(row[name] ?? '').replace(/(T[\d:.]{12})\+0000$/, '$1Z'))).join(','),
      ),
      end: nextEnd,
      state: 'UploadComplete',
    }
    nextEnd = 'JobComplete'
    jobs.set(job.id, job)
    return { status: 200, body: describeJob(job) }
  }

  /** Each look finds it a step further. */
  function look(call: ApiCall): ApiAnswer {
    const job = find(call)
    if (job.state === 'InProgress') job.state = job.end
    if (job.state === 'UploadComplete') job.state = 'InProgress'
    return { status: 200, body: describeJob(job) }
  }

  function results(call: ApiCall): ApiAnswer {
    const job = find(call)
    if (job.state !== 'JobComplete') throw new CallError(400, 'INVALIDJOBSTATE', `The job is ${job.state}`)
    const wanted = Number(call.query['maxRecords'] ?? mostPerSet)
    const start = Number(Buffer.from(call.query['locator'] ?? '', 'base64').toString() || 0)
    if (!Number.isInteger(start)) throw new CallError(400, 'INVALID_LOCATOR', 'The locator is not valid')
    const lines = job.lines.slice(start, start + Math.min(wanted, mostPerSet))
    const next = start + lines.length
    const locator = next < job.lines.length ? Buffer.from(String(next)).toString('base64') : 'null'
    return {
      status: 200,
      csv: [job.header.map(quote).join(','), ...lines, ''].join('\n'),
      headers: { 'sforce-locator': locator, 'sforce-numberofrecords': String(lines.length) },
      records: lines.length,
    }
  }

  function abort(call: ApiCall): ApiAnswer {
    const job = find(call)
    if (readBody(call.body)['state'] !== 'Aborted')
      throw new CallError(400, 'INVALID_INPUT', 'Unsupported state')
    job.state = 'Aborted'
    return { status: 200, body: describeJob(job) }
  }

  function count(call: ApiCall): ApiAnswer {
    const names = (call.query['sObjects'] ?? '').split(',')
    const sObjects = names.flatMap((name) => {
      const table = organisation.tables.find(name)
      return table === undefined ? [] : [{ count: table.rows.size, name: table.schema.name }]
    })
    return { status: 200, body: { sObjects } }
  }

  const base = '/jobs/query'
  return {
    jobs: {
      endNext(state) {
        nextEnd = state
      },
      forget: () => jobs.clear(),
    },
    routes: [
      { method: 'GET', path: '/limits/recordCount', operation: 'record-count', handle: count },
      { method: 'POST', path: base, operation: 'job-create', handle: create },
      { method: 'GET', path: `${base}/:id`, operation: 'job-look', handle: look },
      { method: 'GET', path: `${base}/:id/results`, operation: 'job-results', handle: results },
      { method: 'PATCH', path: `${base}/:id`, operation: 'job-abort', handle: abort },
    ],
  }
}
