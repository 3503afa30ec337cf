/**
 * What every transform is made of: a two-way translation of one value between our canonical form and the CRM's own.
 * A transform is bound once to its line and then only computes: no I/O, no clock, and total: whatever a CRM holds gives
 * a value or an issue that names the field, never a throw and never a guess.
 */
import type { RemoteField, RemoteFieldType, RemoteValue } from '../../connectors/connector.ts'
import type { FieldValue } from '../../src/kernel/field-value.ts'
import type { FieldType, SyncedField } from '../../src/kernel/synced-entity.ts'

export type RemoteFields = Readonly<Record<string, RemoteValue>>
export type LocalFields = Readonly<Record<string, FieldValue>>
/** A value that is there: blanks are settled by the line before a transform is asked. */
export type FilledValue = Exclude<FieldValue, null>

/** What the connection knows and a document cannot say. */
export interface MappingContext {
  readonly multiCurrency: boolean
  /** The currency of an organisation with only one; null when it is not known. */
  readonly homeCurrency: string | null
  /** IANA zone in which the CRM's instants become days, where a line states none. */
  readonly timeZone: string
  /** Remote id of one of our records; null: not linked yet, wait; undefined: there will be none. */
  toRemoteId(entity: string, localId: string): string | null | undefined
  toLocalId(entity: string, remoteId: string): string | null | undefined
  /** Absent where nobody looks people up, as when a mapping is tried. */
  readonly users?: UserDirectory
}

/** People of the CRM, by the object that holds them; e-mail addresses in any case. */
export interface UserDirectory {
  /** Null: nobody who may own records has this address. */
  idOf(object: string, email: string): string | null
  /** In lower case; null: not known. */
  emailOf(object: string, id: string): string | null
}

/** Where the people are that values name. */
export interface PeopleSource {
  readonly object: string
  readonly emailField: string
  readonly active: { readonly field: string; readonly equals: string | number | boolean } | null
}

export type MappingIssueCode =
  | 'wrong_type'
  | 'too_long'
  | 'not_a_number'
  | 'too_precise'
  | 'not_a_date'
  | 'no_counterpart'
  | 'no_currency'
  | 'wrong_currency'
  | 'not_linked'
  | 'one_way'
  | 'not_read'
  | 'conflicting_values'
  | 'unknown_user'
  | 'not_looked_up'

/** Why one line could not be translated. `field` is our name of the line, `remote` the CRM's field. */
export interface MappingIssue {
  readonly field: string
  readonly remote: string
  readonly code: MappingIssueCode
  readonly message: string
}

/** The value names a record of ours that has no counterpart in the CRM yet. */
export interface Waiting {
  readonly field: string
  readonly entity: string
  readonly id: string
}

export type ToLocal =
  | { readonly ok: true; readonly value: FieldValue }
  | { readonly ok: false; readonly issue: MappingIssue }
export type ToRemote =
  /** `warning`: it goes, but not quite as it was meant. */
  | { readonly ok: true; readonly fields: RemoteFields; readonly warning?: MappingIssue }
  | { readonly ok: false; readonly issue: MappingIssue }
  | { readonly ok: false; readonly waiting: Waiting }

/** `both` gives back what it was given; `out` and `in` lose something and may flow only that way. */
export type Direction = 'both' | 'out' | 'in'

/** The line a transform is bound to. The first remote field is the one that holds the value. */
export interface LineNames {
  readonly local: string
  readonly label: string
  readonly remote: readonly [string, ...string[]]
}

export interface FlowDirections {
  readonly out: boolean
  readonly in: boolean
}

/** What is wrong with a transform's settings; a `warning` does not stop a document from being published. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly code: string
  readonly message: string
}
export const wrong = (code: string, message: string): Problem => ({ severity: 'error', code, message })
export const doubtful = (code: string, message: string): Problem => ({ severity: 'warning', code, message })

export interface Transform {
  readonly direction: Direction
  readonly localTypes: readonly FieldType[]
  /** Types of the first remote field. */
  readonly remoteTypes: readonly RemoteFieldType[]
  /** How many remote fields the line may name. */
  readonly maxRemotes: number
  toRemote(value: FilledValue, ctx: MappingContext): ToRemote
  /** Asked only for remote values that were read; the first one is filled unless `readsBlank`. */
  toLocal(remote: RemoteFields, ctx: MappingContext): ToLocal
  readonly readsBlank?: true
  /** The remote fields that `toLocal` needs; all of the line's when absent. */
  inputs?(multiCurrency: boolean): readonly string[]
  /** Our value where it is made from other fields instead of being one. */
  render?(fields: LocalFields): FieldValue
  /** Names of our fields that `render` uses. */
  readonly uses?: readonly string[]
  checkLocal?(field: SyncedField, flows: FlowDirections): readonly Problem[]
  checkRemote?(field: RemoteField, flows: FlowDirections): readonly Problem[]
  /** The entity whose records the values name. */
  readonly refersTo?: string
  /** The values name people of the CRM, who must have been looked up. */
  readonly people?: PeopleSource
}

export const issueOf = (
  { local, label, remote }: LineNames,
  code: MappingIssueCode,
  text: string,
): { readonly ok: false; readonly issue: MappingIssue } => ({
  ok: false,
  issue: { field: local, remote: remote[0], code, message: `${label}: ${text}` },
})

/** A value as a message shows it: short, in quotes where it is text. */
export function show(value: FieldValue | RemoteValue): string {
  if (value === null) return 'blank'
  if (typeof value === 'object') return `${value.amount} ${value.currency}`
  if (typeof value !== 'string') return String(value)
  return `"${value.length > 40 ? `${value.slice(0, 39)}…` : value}"`
}
