/**
 * A stateful stand-in for a Salesforce organisation: the documented REST protocol over HTTP on this machine, and
 * functions that do what a person, an administrator or the platform does inside the CRM. It is built from the vendor's
 * documentation; it must not learn from, or bend to, what a connector happens to send.
 */
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import {
  addField,
  type NewChoice,
  type NewField,
  removeField,
  setChoices,
  setRequired,
} from './administration.ts'
import { type ApiFrame, type ApiRoute, addApiRoute, apiBase, errorBody } from './api-server.ts'
import { type CallLog, createCallLog } from './calls.ts'
import { listCollectionRoutes } from './collections.ts'
import { addControlRoutes } from './control-routes.ts'
import { listDescribeRoutes } from './describe.ts'
import { CallError, type SaveOutcome } from './errors.ts'
import { createFaults, type FaultRegistry } from './faults.ts'
import { readId } from './ids.ts'
import { changeBySystem, deleteRecord, mergeRecords, undeleteRecord } from './lifecycle.ts'
import { type Credentials, createCredentials, createSessions } from './oauth.ts'
import { addOauthRoutes } from './oauth-routes.ts'
import {
  createOrganisation,
  type DuplicateRule,
  type Organisation,
  requireTable,
  type Stage,
  setStages,
  type ValidationRule,
} from './organisation.ts'
import { addPages } from './pages.ts'
import { listQueryRoutes } from './query-routes.ts'
import { listRecordRoutes } from './rest-routes.ts'
import { createRecord, readDraft, updateRecord } from './saves.ts'
import type { Change } from './tables.ts'

export type { Call, CallLog } from './calls.ts'
export type { Fault, FaultRegistry, Operation } from './faults.ts'
export type { Credentials } from './oauth.ts'
export type { DuplicateRule, Stage, ValidationRule } from './organisation.ts'

export interface SimulatorOptions {
  readonly port?: number
  /** The CRM's own clock, for stamps, sessions and the expiry of assertions. */
  readonly now?: () => Date
  readonly multiCurrency?: boolean
  /** API calls in 24 hours; 100,000 by default. */
  readonly dailyLimit?: number
  /** Of the draws of faults with a probability. */
  readonly seed?: number
  readonly answerDelayMs?: number
}

export interface SalesforceSimulator {
  /** Login URL, instance URL and the page for people, in one. */
  readonly url: string
  readonly organisationId: string
  readonly credentials: Credentials
  /** Who API writes are by. */
  readonly integrationUserId: string
  /** Who the functions below act as unless told otherwise. */
  readonly personId: string
  /** Answers the 18-character id. Throws what the CRM would tell the person. */
  insert(object: string, fields: Readonly<Record<string, unknown>>, by?: string): string
  insertMany(object: string, rows: readonly Readonly<Record<string, unknown>>[], by?: string): string[]
  update(object: string, id: string, fields: Readonly<Record<string, unknown>>, by?: string): void
  /** A change by the platform: SystemModstamp moves, LastModifiedDate does not. */
  touch(object: string, ids: readonly string[], at?: Date): void
  remove(object: string, id: string, by?: string): void
  undelete(object: string, id: string): void
  merge(object: string, masterId: string, loserIds: readonly string[], by?: string): void
  /** Deleted records too, with IsDeleted true. */
  get(object: string, id: string): Record<string, unknown> | undefined
  /** Live records. */
  list(object: string): readonly Record<string, unknown>[]
  /** Every accepted change of a record, oldest first. */
  history(object: string, id: string): readonly Change[]
  addField(object: string, field: NewField): void
  removeField(object: string, name: string): void
  setRequired(object: string, name: string, required: boolean): void
  setChoices(
    object: string,
    name: string,
    choices: readonly (string | NewChoice)[],
    options?: { readonly restricted?: boolean },
  ): void
  /** Replaces the OpportunityStage records and the choices of Opportunity.StageName together. */
  setStages(stages: readonly Stage[]): void
  addValidationRule(rule: ValidationRule): () => void
  addDuplicateRule(rule: DuplicateRule): () => void
  /** Whether an opportunity has line items, which then decide its amount. */
  setLineItems(id: string, present: boolean): void
  /** Another organisation answers from now on, as after a sandbox refresh. Sessions end. */
  setOrganisationId(id: string): void
  /** Ends every session; the next login works. */
  expireSessions(): void
  readonly faults: FaultRegistry
  readonly calls: CallLog
  close(): Promise<void>
}

function createApp(): FastifyInstance {
  const app = Fastify({
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1000, ignoreTrailingSlash: true },
    bodyLimit: 52_428_800,
    http: { maxHeaderSize: 131_072 },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    const text = String(body)
    if (text.trim() === '') return done(null, undefined)
    try {
      return done(null, JSON.parse(text))
    } catch (error) {
      const reason = error instanceof Error ? error.message : ''
      return done(new CallError(400, 'JSON_PARSER_ERROR', `${reason} at [line:1, column:1]`))
    }
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new CallError(404, 'NOT_FOUND', 'The requested resource does not exist')
    return request.url.startsWith('/services/')
      ? reply
          .code(404)
          .type('application/json;charset=UTF-8')
          .send(JSON.stringify(errorBody(error)))
      : reply.code(404).type('text/html; charset=utf-8').send('<h1>URL No Longer Exists</h1>')
  })
  app.setErrorHandler((error, _request, reply) => {
    const unsupported =
      error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
    const known =
      error instanceof CallError
        ? error
        : unsupported
          ? new CallError(415, 'UNSUPPORTED_MEDIA_TYPE', 'The specified content type is not supported')
          : new CallError(500, 'UNKNOWN_EXCEPTION', `An unexpected error occurred: ${String(error)}`)
    return reply
      .code(known.status)
      .type('application/json;charset=UTF-8')
      .send(JSON.stringify(errorBody(known)))
  })
  return app
}

function listLimitRoutes(frame: ApiFrame): readonly ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/limits',
      operation: 'limits',
      handle: () => ({
        status: 200,
        body: {
          DailyApiRequests: {
            Max: frame.dailyLimit,
            Remaining: Math.max(0, frame.dailyLimit - frame.usedCalls),
          },
          DailyBulkV2QueryJobs: { Max: 10_000, Remaining: 10_000 },
          DataStorageMB: { Max: 1024, Remaining: 1000 },
        },
      }),
    },
    {
      method: 'GET',
      path: '',
      operation: 'versions',
      handle: () => ({
        status: 200,
        body: Object.fromEntries(
          ['sobjects', 'query', 'queryAll', 'limits', 'composite'].map((name) => [
            name,
            `${apiBase}/${name}`,
          ]),
        ),
      }),
    },
  ]
}

function failInside(outcome: SaveOutcome): string {
  if (outcome.ok) return outcome.id
  throw new Error(outcome.errors.map((error) => `${error.statusCode}: ${error.message}`).join('; '))
}

function requireId(id: string): string {
  const long = readId(id)
  if (long === null) throw new Error(`malformed id ${id}`)
  return long
}

type Hands = Omit<
  SalesforceSimulator,
  | 'url'
  | 'organisationId'
  | 'credentials'
  | 'expireSessions'
  | 'setOrganisationId'
  | 'faults'
  | 'calls'
  | 'close'
>

/** The functions that act inside the CRM. */
function createHands(organisation: Organisation): Hands {
  const { personId } = organisation
  const as = (by: string) => ({ by, allowDuplicates: true })
  const insert: Hands['insert'] = (object, fields, by = personId) => {
    const table = requireTable(organisation, object)
    const draft = readDraft(organisation, table.schema, fields, 'create')
    return failInside(createRecord(organisation, table, draft, as(by)))
  }
  const throwIf = (error: { statusCode: string; message: string } | null) => {
    if (error !== null) throw new Error(`${error.statusCode}: ${error.message}`)
  }
  const addRule = <T>(rules: T[], rule: T) => {
    rules.push(rule)
    return () => {
      const place = rules.indexOf(rule)
      if (place >= 0) rules.splice(place, 1)
    }
  }
  return {
    integrationUserId: organisation.integrationUserId,
    personId,
    insert,
    insertMany: (object, rows, by) => rows.map((row) => insert(object, row, by)),
    update(object, id, fields, by = personId) {
      const table = requireTable(organisation, object)
      const draft = readDraft(organisation, table.schema, fields, 'update')
      failInside(updateRecord(organisation, table, requireId(id), draft, as(by)))
    },
    touch(object, ids, at) {
      const table = requireTable(organisation, object)
      for (const id of ids) changeBySystem(organisation, table, requireId(id), {}, at)
    },
    remove(object, id, by = personId) {
      throwIf(deleteRecord(organisation, requireTable(organisation, object), requireId(id), by))
    },
    undelete(object, id) {
      throwIf(undeleteRecord(organisation, requireTable(organisation, object), requireId(id), personId))
    },
    merge(object, masterId, loserIds, by = personId) {
      const table = requireTable(organisation, object)
      mergeRecords(organisation, table, requireId(masterId), loserIds.map(requireId), by)
    },
    get: (object, id) => {
      const row = requireTable(organisation, object).rows.get(requireId(id))
      return row === undefined ? undefined : { ...row }
    },
    list: (object) =>
      [...requireTable(organisation, object).rows.values()].filter((row) => row['IsDeleted'] !== true),
    history: (object, id) => requireTable(organisation, object).history.get(requireId(id)) ?? [],
    addField: (object, field) => addField(organisation, object, field),
    removeField: (object, name) => removeField(organisation, object, name),
    setRequired: (object, name, required) => setRequired(organisation, object, name, required),
    setChoices: (object, name, choices, options) => setChoices(organisation, object, name, choices, options),
    setStages: (stages) => setStages(organisation, stages),
    addValidationRule: (rule) => addRule(organisation.validationRules, rule),
    addDuplicateRule: (rule) => addRule(organisation.duplicateRules, rule),
    setLineItems(id, present) {
      const table = requireTable(organisation, 'Opportunity')
      changeBySystem(organisation, table, requireId(id), { HasOpportunityLineItem: present })
    },
  }
}

/** Starts a fresh organisation on 127.0.0.1; port 0, the default, takes any free one. */
export async function startSalesforceSimulator(options: SimulatorOptions = {}): Promise<SalesforceSimulator> {
  const credentials = createCredentials('integration@vendor.example')
  const organisation = createOrganisation({
    now: options.now ?? (() => new Date()),
    multiCurrency: options.multiCurrency ?? false,
    username: credentials.username,
  })
  const app = createApp()
  let url = ''
  const sessions = createSessions(organisation, credentials, () => url)
  const faults = createFaults(options.seed ?? 1)
  const calls = createCallLog()
  const frame: ApiFrame = {
    organisation,
    sessions,
    faults,
    calls,
    dailyLimit: options.dailyLimit ?? 100_000,
    answerDelayMs: options.answerDelayMs ?? 0,
    usedCalls: 0,
  }
  const routes = [
    ...listLimitRoutes(frame),
    ...listDescribeRoutes(organisation),
    ...listQueryRoutes(organisation),
    ...listRecordRoutes(organisation),
    ...listCollectionRoutes(organisation),
  ]
  for (const route of routes) addApiRoute(app, frame, route)
  app.get('/services/data', () => [{ label: "Winter '25", url: apiBase, version: '62.0' }])
  addOauthRoutes(app, frame, () => url)
  addPages(app, organisation)
  const hands = createHands(organisation)
  const simulator: Omit<SalesforceSimulator, 'url'> = {
    ...hands,
    get organisationId() {
      return organisation.id
    },
    credentials,
    setOrganisationId(id) {
      const table = requireTable(organisation, 'Organization')
      const [row] = table.rows.values()
      organisation.tables.put(table, organisation.id, undefined, null)
      organisation.id = requireId(id)
      organisation.tables.put(table, organisation.id, { ...row, Id: organisation.id }, null)
      sessions.expireAll()
    },
    expireSessions: () => sessions.expireAll(),
    faults,
    calls,
    close: () => app.close(),
  }
  addControlRoutes(app, simulator)
  await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return Object.defineProperty(simulator, 'url', { value: url, enumerable: true }) as SalesforceSimulator
}
