/** What tests and demos may do with the simulator, and how they start one. */
import type { CrmSimulator } from '../simulator.ts'
import type { NewChoice, NewField } from './administration.ts'
import type { BulkJobs } from './bulk-query.ts'
import type { ChangeEventBus } from './change-events.ts'
import type { Fault, Operation } from './faults.ts'
import type { Credentials } from './oauth.ts'
import type { DuplicateRule, Stage, ValidationRule } from './organisation.ts'
import type { UserPermission } from './permission-objects.ts'
import type { Streams } from './streaming.ts'

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
  /** As Salesforce delivers it: without our fields, nothing captured, no right to see all records. */
  readonly bare?: boolean
  /** Objects selected for Change Data Capture; those of the sales team by default. */
  readonly capturedObjects?: readonly string[]
  /** How long a long poll is held without news; 110 s by default. */
  readonly streamHoldMs?: number
}

export interface SalesforceSimulator extends CrmSimulator<Fault, Operation> {
  readonly credentials: Credentials
  addField(object: string, field: NewField): void
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
  /** Takes a right from the integration user, or gives it back. */
  setUserPermission(name: UserPermission, granted: boolean): void
  /** What Change Data Capture publishes and keeps. */
  readonly changeEvents: Pick<ChangeEventBus, 'selected' | 'publishGap' | 'list' | 'forget'>
  /** Query jobs of Bulk API 2.0. */
  readonly bulkJobs: BulkJobs
  /** Those who listen to it. */
  readonly streams: Omit<Streams, 'checkSessions'>
}
