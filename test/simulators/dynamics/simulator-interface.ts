/** What tests and demos may do with the simulator, and how they start one. */
import type { CrmSimulator } from '../simulator.ts'
import type { NewAttribute, NewKey } from './administration.ts'
import type { Fault, Operation } from './faults.ts'
import type { Closing } from './lifecycle.ts'
import type { Credentials } from './oauth.ts'
import type { Depth, DuplicateRule, Right, ValidationRule } from './organisation.ts'
import type { Option } from './schema.ts'
import type { Webhooks } from './webhooks.ts'

export interface SimulatorOptions {
  readonly port?: number
  /** The organisation's own clock, for stamps, tokens, delta links and limits. */
  readonly now?: () => Date
  /** Of the draws of faults with a probability. */
  readonly seed?: number
  readonly answerDelayMs?: number
  /** Registers a webhook for accounts and opportunities from the start, with the credentials' key. */
  readonly webhookTarget?: string
  /** Requests in five minutes; 6,000 by default. */
  readonly requestLimit?: number
  /** Without the columns, keys and change tracking that Counterpart needs, where false; true by default. */
  readonly prepared?: boolean
  /** How long the index of a key that a call creates is being built; 0 by default. */
  readonly keyBuildMs?: number
}

/** Objects and fields by logical name; a lookup is given as `{logicalName, id}` or as the id alone, and read as the id. */
export interface DynamicsSimulator extends CrmSimulator<Fault, Operation> {
  readonly credentials: Credentials
  readonly webhooks: Webhooks
  addAttribute(object: string, attribute: NewAttribute): void
  setOptions(object: string, name: string, options: readonly Option[]): void
  addKey(object: string, attributes: readonly string[], key?: NewKey): void
  setChangeTracking(object: string, on: boolean): void
  setOptimisticConcurrency(object: string, on: boolean): void
  /** Delta links given out so far end. */
  expireDeltaLinks(): void
  /** A person closes an opportunity. */
  closeAs(id: string, how: 'won' | 'lost', closing?: Closing): void
  reopen(id: string): void
  /** Whether closed opportunities refuse changes by calls as well; they do at first. */
  setClosedReadOnly(on: boolean): void
  addValidationRule(rule: ValidationRule): () => void
  addDuplicateRule(rule: DuplicateRule): () => void
  /** What the integration user may do; `customize` with any object: whether it may change definitions. */
  setPrivilege(object: string, right: Right, depth: Depth): void
}
