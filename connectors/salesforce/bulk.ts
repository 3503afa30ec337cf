import { parseCSV } from 'jsforce/lib/csv.js'
import { z } from 'zod'
import type { BulkPlace } from './cursor.ts'
import { describeReplySchema } from './fields.ts'
import { type Row, rowSchema } from './records.ts'
import { orNull } from './refusals.ts'
import type { Call, Session } from './session.ts'
import { checkName, instantLiteral } from './soql.ts'

export type JobState = 'working' | 'complete' | 'failed'

export interface BulkSet {
  readonly rows: readonly Row[]
  /** Null behind the last set. */
  readonly next: string | null
  readonly answeredAt: Date | null
}

export interface BulkReader {
  /** Counted by Salesforce now and then, without a look at the table; null where it does not say. */
  estimateRows(object: string, signal: AbortSignal): Promise<number | null>
  /** Null where Salesforce takes no such job: an object or a field that it cannot export, or no right to. */
  start(
    object: string,
    fields: readonly string[],
    withDeleted: boolean,
    signal: AbortSignal,
  ): Promise<BulkPlace | null>
  stateOf(object: string, job: string, signal: AbortSignal): Promise<JobState>
  /** CSV knows text only: how each field's values read as in an answer of the REST API. */
  readersOf(object: string, fields: readonly string[], signal: AbortSignal): Promise<ValueReaders>
  readSet(object: string, readers: ValueReaders, place: BulkPlace, signal: AbortSignal): Promise<BulkSet>
}

/** By field, in the order of the query. */
export type ValueReaders = ReadonlyMap<string, (text: string) => string | number | boolean | null>

/** One set is held in memory as a whole; each costs one call. */
const rowsPerSet = 20_000

const countSchema = z.object({ sObjects: z.array(z.object({ count: z.number() })) })
const jobSchema = z.object({ id: z.string(), state: z.string() })
const states: Readonly<Record<string, JobState>> = {
  UploadComplete: 'working',
  InProgress: 'working',
  JobComplete: 'complete',
}

/** Query jobs of Bulk API 2.0: a snapshot of a large table in no order, in calls of 20,000 rows. */
export function createBulkReader(session: Session): BulkReader {
  async function send<T>(
    object: string,
    call: Pick<Call<T>, 'method' | 'path' | 'read'> & Partial<Call<T>>,
    signal: AbortSignal,
  ) {
    return session.send({ operation: 'changes', object, records: 0, ...call }, signal)
  }

  return {
    estimateRows: (object, signal) =>
      orNull(async () => {
        const path = `/limits/recordCount?sObjects=${checkName(object)}`
        const read = (body: unknown) => countSchema.parse(body).sObjects[0]?.count ?? null
        return (await send(object, { method: 'GET', path, read }, signal)).value
      }),
    start: (object, fields, withDeleted, signal) =>
      orNull(async () => {
        const query = `SELECT ${fields.map(checkName).join(', ')} FROM ${checkName(object)}`
        const body = { operation: withDeleted ? 'queryAll' : 'query', query }
        const read = (answer: unknown) => jobSchema.parse(answer).id
        const { value: job, answeredAt } = await send(
          object,
          { method: 'POST', path: '/jobs/query', body, read },
          signal,
        )
        if (answeredAt === null) return null
        return { job, from: instantLiteral(answeredAt), locator: null, skip: 0 }
      }),
    async stateOf(object, job, signal) {
      const read = (body: unknown) => jobSchema.parse(body).state
      const state = await orNull(
        async () => (await send(object, { method: 'GET', path: `/jobs/query/${job}`, read }, signal)).value,
      )
      return states[state ?? ''] ?? 'failed'
    },
    async readersOf(object, fields, signal) {
      const read = (body: unknown) => describeReplySchema.parse(body)
      const path = `/sobjects/${checkName(object)}/describe`
      const { value } = await send(object, { method: 'GET', path, read }, signal)
      const types = new Map(value.fields.map(({ name, type }) => [name, type]))
      return new Map(fields.map((field) => [field, readerOf(types.get(field))]))
    },
    async readSet(object, readers, { job, locator }, signal) {
      const at = locator === null ? '' : `&locator=${encodeURIComponent(locator)}`
      const { value, answeredAt } = await send(
        object,
        {
          method: 'GET',
          path: `/jobs/query/${job}/results?maxRecords=${rowsPerSet}${at}`,
          records: rowsPerSet,
          isText: true,
          read(body, headers) {
            const next = headers.get('sforce-locator')
            return { rows: readRows(String(body ?? ''), readers), next: next === 'null' ? null : next }
          },
        },
        signal,
      )
      return { ...value, answeredAt }
    },
  }
}

function readerOf(type: string | undefined): (text: string) => string | number | boolean | null {
  switch (type ?? 'string') {
    case 'boolean':
      return (text) => text === 'true'
    case 'int':
    case 'long':
    case 'double':
    case 'currency':
    case 'percent':
      return (text) => (text === '' ? null : Number(text))
    case 'datetime':
      return (text) => (text === '' ? null : text.replace(/Z$/, '+0000'))
    default:
      return (text) => (text === '' ? null : text)
  }
}

const csvSchema = z.array(z.record(z.string(), z.string()))

/** Whether sets after the first begin with the names again is not written down anywhere: both are read. */
function readRows(csv: string, readers: ValueReaders): readonly Row[] {
  const names = [...readers.keys()]
  const header = names.map((name) => `"${name}"`).join(',')
  const text = csv.startsWith(header) ? csv : `${header}\n${csv}`
  return csvSchema
    .parse(parseCSV(text, { skip_empty_lines: true }))
    .map((line) =>
      rowSchema.parse(Object.fromEntries([...readers].map(([name, read]) => [name, read(line[name] ?? '')]))),
    )
}
