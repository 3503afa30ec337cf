import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { decodeCursor, pageOf, pageQuery, toPage } from '#src/http/paging.ts'
import { type Route, route, streamRoute } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { InvalidInput } from '#src/kernel/errors.ts'
import { idSchema } from '#src/kernel/ids.ts'
import {
  type Import,
  type ImportKind,
  importKinds,
  importStates,
  outcomes,
  rateOf,
  rolesFor,
  type ToldRow,
} from './import.ts'
import { columnsOf } from './import-columns.ts'
import type { ImportUseCases } from './import-use-cases.ts'
import type { IntakeUseCases } from './intake-use-cases.ts'
import { adviceFor } from './issue-columns.ts'
import { reportHeader, reportLines, shown } from './report-csv.ts'

export interface ImportRouteDeps {
  readonly imports: ImportUseCases
  readonly intake: IntakeUseCases
  readonly clock: Clock
}

const tag = 'Imports'
const largestFileBytes = 512 * 1_048_576
const reportPageRows = 500
const importParams = z.strictObject({ importId: idSchema<'import'>() })
/** Whoever may import anything; imports of other kinds do not exist for them. */
const access = rolesFor('deals')

const count = z.int().min(0)
const importSchema = z
  .object({
    id: idSchema<'import'>(),
    kind: z.enum(importKinds),
    state: z.enum(importStates),
    fileName: z.string().nullable(),
    startedBy: z.string(),
    problem: z.string().nullable().describe('Why it failed, or why it is being tried again'),
    rows: z.object({
      read: count,
      created: count,
      updated: count,
      unchanged: count,
      invalid: count,
    }),
    rowsPerSecond: z.number().nullable(),
    createdAt: instantSchema,
    receivedAt: instantSchema.nullable().describe('The whole file is stored'),
    startedAt: instantSchema.nullable(),
    endedAt: instantSchema.nullable(),
  })
  .meta({ id: 'Import' })

const reportRowSchema = z
  .object({
    line: z.int(),
    externalRef: z.string().nullable(),
    outcome: z.enum(outcomes),
    issues: z.array(
      z.object({
        column: z.string().nullable().describe('Null: the row as a whole'),
        value: z.string(),
        code: z.string(),
        problem: z.string(),
        whatToDo: z.string(),
      }),
    ),
  })
  .meta({ id: 'ImportReportRow' })

const toAnswer = (one: Import, now: Date) => ({ ...one, rowsPerSecond: rateOf(one, now) })

const toReportRow = ({ line, externalRef, outcome, issues, cells }: ToldRow) => ({
  line,
  externalRef,
  outcome,
  issues: issues.map(({ column, code, message }) => ({
    column,
    value: shown(column === null ? undefined : cells[column]),
    code,
    problem: message,
    whatToDo: adviceFor(code),
  })),
})

/** The line behind which a page of the report begins. */
function lineOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  const line = Number(decodeCursor(cursor, 1)[0])
  if (Number.isInteger(line) && line >= 0 && line <= 2_147_483_647) return line
  throw new InvalidInput('The cursor is not one of this report', [
    { path: '/query/cursor', code: 'invalid_cursor', message: 'Use the nextCursor of the page before' },
  ])
}

export const importRoutes = ({ imports, intake, clock }: ImportRouteDeps): readonly Route[] => [
  ...importKinds.map((kind) =>
    streamRoute({
      method: 'POST',
      path: `/api/v1/imports/${kind}`,
      summary: `Import ${kind} from a CSV file`,
      description: describeUpload(kind),
      tag,
      access: rolesFor(kind),
      query: z.strictObject({ fileName: z.string().trim().min(1).max(200).optional() }),
      takes: {
        mediaType: 'text/csv',
        limitBytes: largestFileBytes,
        description: `UTF-8, at most 512 MB. The first line names the columns: ${columnsOf(kind)
          .map(({ name }) => name)
          .join(', ')}`,
      },
      answers: { 202: importSchema },
      handle: async ({ actor, query, body }) => {
        const received = await intake.receive(actor, { kind, fileName: query.fileName ?? null, body })
        return { status: 202, body: toAnswer(received, clock.now()) }
      },
    }),
  ),
  route({
    method: 'GET',
    path: '/api/v1/imports',
    summary: 'List imports',
    tag,
    access,
    query: z.strictObject({
      ...pageQuery.shape,
      sort: z.enum(['createdAt', '-createdAt']).default('-createdAt'),
      kind: z.enum(importKinds).optional(),
      state: z.enum(importStates).optional(),
    }),
    answers: { 200: pageOf(importSchema) },
    handle: async ({ tx, actor, query }) => {
      const { kind, state } = query
      const found = await imports.listImports(tx, actor, { kind, state }, positionOf(query))
      const page = sortedPage(found, query)
      const now = clock.now()
      return { status: 200, body: { ...page, items: page.items.map((one) => toAnswer(one, now)) } }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/imports/:importId',
    summary: 'Get an import with its progress',
    tag,
    access,
    params: importParams,
    answers: { 200: importSchema },
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      body: toAnswer(await imports.getImport(tx, actor, params.importId), clock.now()),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/imports/:importId/cancel',
    summary: 'Stop an import; what was applied stays',
    tag,
    access,
    params: importParams,
    answers: { 200: importSchema },
    handle: async ({ tx, actor, params }) => ({
      status: 200,
      body: toAnswer(await imports.cancelImport(tx, actor, params.importId), clock.now()),
    }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/imports/:importId/report',
    summary: 'Rows that did not go in, or went in with a remark',
    tag,
    access,
    params: importParams,
    query: pageQuery,
    answers: { 200: pageOf(reportRowSchema) },
    handle: async ({ tx, actor, params, query }) => {
      const page = { afterLine: lineOf(query.cursor), limit: query.limit + 1 }
      const rows = await imports.reportOf(tx, actor, params.importId, page)
      const { items, nextCursor } = toPage(rows, query.limit, ({ line }) => [String(line)])
      return { status: 200, body: { items: items.map(toReportRow), nextCursor } }
    },
  }),
  streamRoute({
    method: 'GET',
    path: '/api/v1/imports/:importId/report.csv',
    summary: 'The same as a CSV file, one line per problem',
    tag,
    access,
    params: importParams,
    contentType: 'text/csv; charset=utf-8',
    answers: { 200: z.string() },
    handle: async ({ database, actor, params }) => {
      const { importId } = params
      const pageAfter = (afterLine: number) =>
        database.transact(actor, (tx) =>
          imports.reportOf(tx, actor, importId, { afterLine, limit: reportPageRows }),
        )
      return {
        status: 200,
        body: reportInPages(await pageAfter(0), pageAfter),
        headers: { 'content-disposition': `attachment; filename="import-${importId}-report.csv"` },
      }
    },
  }),
]

async function* reportInPages(
  first: readonly ToldRow[],
  pageAfter: (line: number) => Promise<readonly ToldRow[]>,
): AsyncGenerator<string> {
  yield reportHeader()
  for (let page = first; page.length > 0; page = await pageAfter(page.at(-1)?.line ?? 0)) {
    yield reportLines(page)
  }
}

const describeUpload = (kind: ImportKind): string =>
  [
    'The file is stored as it arrives and applied afterwards, row by row: follow it with GET /api/v1/imports/{importId}. ' +
      'Rows are known by external_ref, so the same file again changes nothing. A blank cell leaves a value as it is.',
    ...(kind === 'deals'
      ? [
          'A row without status and registered_at is registered now and goes through conflict check and approval; with them it is history.',
        ]
      : []),
    ...columnsOf(kind).map(
      ({ name, required, meaning }) => `- \`${name}\`${required ? ' (must be there)' : ''}: ${meaning}`,
    ),
  ].join('\n')
