/** What tests and demos may do with the simulator, and how they start one. */
import type { NewChoice, NewField } from './administration.ts'
import type { CallLog } from './calls.ts'
import type { FaultRegistry } from './faults.ts'
import type { Credentials } from './oauth.ts'
import type { DuplicateRule, Stage, ValidationRule } from './organisation.ts'
import type { Change } from './tables.ts'

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
