/** What tests and demos may do with any simulator. */
import type { CallLog } from './calls.ts'
import type { FaultRegistry } from './faults.ts'

type Fields = Readonly<Record<string, unknown>>

/** An accepted change of a record. */
export interface Change {
  readonly at: string
  /** The user who made it; `system` for changes the platform made by itself. */
  readonly by: string
  readonly fields: Fields
}

/** The people, the administrator and the platform of a CRM. Each throws what the CRM would tell the person. */
export interface CrmSimulator<Fault = never, Operation extends string = string> {
  /** The API, the sign-in and the page for people, in one. */
  readonly url: string
  readonly organisationId: string
  /** Who API writes are by. */
  readonly integrationUserId: string
  /** Who the functions below act as unless told otherwise. */
  readonly personId: string
  /** Answers the id. */
  insert(object: string, fields: Fields, by?: string): string
  insertMany(object: string, rows: readonly Fields[], by?: string): string[]
  update(object: string, id: string, fields: Fields, by?: string): void
  /** A change by the platform: the stamp that polls go by moves, no field does. */
  touch(object: string, ids: readonly string[], at?: Date): void
  remove(object: string, id: string, by?: string): void
  undelete(object: string, id: string): void
  merge(object: string, masterId: string, loserIds: readonly string[], by?: string): void
  /** Deleted records too, marked as the CRM marks them. */
  get(object: string, id: string): Record<string, unknown> | undefined
  /** Live records. */
  list(object: string): readonly Record<string, unknown>[]
  /** Every accepted change of a record, oldest first. */
  history(object: string, id: string): readonly Change[]
  removeField(object: string, name: string): void
  setRequired(object: string, name: string, required: boolean): void
  /** Another organisation answers from now on, as after a sandbox refresh. Sessions end. */
  setOrganisationId(id: string): void
  /** Ends every session; the next sign-in works. */
  expireSessions(): void
  readonly faults: FaultRegistry<Fault>
  readonly calls: CallLog<Operation>
  close(): Promise<void>
}
