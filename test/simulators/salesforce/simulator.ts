/**
 * A stateful stand-in for a Salesforce organisation: the documented REST protocol over HTTP on this machine, and
 * functions that do what a person, an administrator or the platform does inside the CRM. It is built from the vendor's
 * documentation; it must not learn from, or bend to, what a connector happens to send.
 */
import type { AddressInfo } from 'node:net'
import type { NewChoice, NewField } from './administration.ts'
import { type ApiFrame, addApiRoute, apiBase } from './api-server.ts'
import { createApp } from './app.ts'
import { type CallLog, createCallLog } from './calls.ts'
import { listCollectionRoutes } from './collections.ts'
import { listCompositeRoutes } from './composite.ts'
import { addControlRoutes } from './control-routes.ts'
import { listDescribeRoutes } from './describe.ts'
import { createFaults, type FaultRegistry } from './faults.ts'
import { createHands, requireId } from './hands.ts'
import { listLimitRoutes } from './limits.ts'
import { type Credentials, createCredentials, createSessions } from './oauth.ts'
import { addOauthRoutes } from './oauth-routes.ts'
import {
  createOrganisation,
  type DuplicateRule,
  requireTable,
  type Stage,
  type ValidationRule,
} from './organisation.ts'
import { addPages } from './pages.ts'
import { listQueryRoutes } from './query-routes.ts'
import { listRecordRoutes } from './rest-routes.ts'
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
  for (const route of [...routes, ...listCompositeRoutes(organisation, routes)])
    addApiRoute(app, frame, route)
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
