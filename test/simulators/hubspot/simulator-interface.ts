/** What tests and demos may do with the simulator, and how they start one. */
import type { CrmSimulator } from '../simulator.ts'
import type { NewProperty } from './administration.ts'
import type { Fault, Operation } from './faults.ts'
import type { Owner, Pipeline, ValidationRule } from './portal.ts'
import type { PropertyOptions } from './schema.ts'
import type { Credentials } from './sessions.ts'
import type { Webhooks } from './webhooks.ts'

export interface SimulatorOptions {
  readonly port?: number
  /** The CRM's own clock, for stamps, tokens and the day of the daily limit. */
  readonly now?: () => Date
  /** API calls a day, for the account; 650,000 by default. */
  readonly dailyLimit?: number
  /** Calls in ten seconds, for the app; 190 by default. */
  readonly tenSecondLimit?: number
  /** Searches in a second, for the account; 5 by default. */
  readonly searchLimit?: number
  /** Of the draws of faults with a probability, and of the order of batch results. */
  readonly seed?: number
  readonly answerDelayMs?: number
  /** How late search sees a change. */
  readonly indexLagMs?: number
  /** Where webhooks go. */
  readonly webhookTarget?: string
}

export interface HubspotSimulator extends CrmSimulator<Fault, Operation> {
  readonly credentials: Credentials
  /** The static token of a private app; it never expires. */
  readonly accessToken: string
  /** Answers the id of the new record that both old ones lead to. */
  merge(object: string, masterId: string, loserIds: readonly string[], by?: string): string
  addProperty(object: string, property: NewProperty): void
  setOptions(object: string, name: string, options: NonNullable<PropertyOptions['options']>): void
  /** Replaces all pipelines; stage ids are unique in the portal. */
  setPipelines(object: string, pipelines: readonly Pipeline[]): void
  /** Answers the owner's id. */
  addOwner(owner: Partial<Owner> & Pick<Owner, 'email'>): string
  addValidationRule(rule: ValidationRule): () => void
  /** A label of the portal's own between two objects; answers its type id from the first. */
  addAssociationLabel(
    fromObject: string,
    toObject: string,
    label: { readonly label: string; readonly name?: string; readonly inverseLabel?: string },
  ): number
  /** Puts a label between two records; which objects they are of follows from the type. */
  associate(fromId: string, toId: string, typeId: number, by?: string): void
  dissociate(fromId: string, toId: string, typeId: number, by?: string): void
  /** Ids that a record is associated with under this type. */
  associated(fromId: string, typeId: number): readonly string[]
  /** The type with this label, null for one without; undefined where the portal has none. */
  associationType(from: string, to: string, label: string | null): number | undefined
  /** The app is uninstalled: its tokens, the refresh token too, are worth nothing from now on. */
  revokeAccess(): void
  readonly webhooks: Webhooks
}
