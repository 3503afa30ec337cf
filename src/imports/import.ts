/**
 * Imports: partners, customers and registrations out of CSV files of any size. A file is stored row by row as it
 * arrives, then applied in small batches behind live work; what is wrong with a row goes into a report. Rules of the
 * records live in their own capabilities: this folder reads cells, keeps progress, and never writes their tables.
 */
import type { VendorRole } from '#src/kernel/actor.ts'
import type { Id } from '#src/kernel/ids.ts'

export type ImportId = Id<'import'>

export const importKinds = ['partners', 'customers', 'deals'] as const
export type ImportKind = (typeof importKinds)[number]

/**
 * receiving: the file is on its way, nothing is applied yet · waiting: it is stored · running · done: every row was
 * applied or is in the report · cancelled: what was applied until then stays · failed: it stopped with `problem`.
 */
export const importStates = ['receiving', 'waiting', 'running', 'done', 'cancelled', 'failed'] as const
export type ImportState = (typeof importStates)[number]

export const hasEnded = (state: ImportState): boolean =>
  state === 'done' || state === 'cancelled' || state === 'failed'

export const outcomes = ['created', 'updated', 'unchanged', 'invalid'] as const
export type RowOutcome = (typeof outcomes)[number]

/** What is wrong with a row, or worth knowing of one that is in. */
export interface CellIssue {
  /** Null when it is about the row as a whole. */
  readonly column: string | null
  readonly code: string
  readonly message: string
}

/** A row of the file as far as it was stored; blank cells are left out. */
export interface StoredRow {
  /** Where it begins in the file; the header is line 1. */
  readonly line: number
  readonly cells: ReadonlyMap<string, string>
}

export interface RowVerdict {
  readonly line: number
  readonly outcome: RowOutcome
  readonly issues: readonly CellIssue[]
}

/** A row of the report. */
export interface ToldRow extends RowVerdict {
  readonly externalRef: string | null
  /** By column. */
  readonly cells: Readonly<Record<string, string>>
}

/** Number of rows by what became of them; `read` counts all of the file so far. */
export type RowCounts = Readonly<Record<RowOutcome | 'read', number>>

export interface Import {
  readonly id: ImportId
  readonly kind: ImportKind
  readonly state: ImportState
  readonly fileName: string | null
  readonly startedBy: string
  /** Why it failed, or why it is being tried again. */
  readonly problem: string | null
  readonly rows: RowCounts
  readonly createdAt: Date
  readonly receivedAt: Date | null
  readonly startedAt: Date | null
  readonly endedAt: Date | null
}

const importers: Readonly<Record<ImportKind, readonly VendorRole[]>> = {
  partners: ['administrator', 'revenue_operations'],
  customers: ['administrator', 'revenue_operations'],
  deals: ['administrator', 'revenue_operations', 'channel_manager'],
}

/** Who may import this kind, and see and stop such imports of others. */
export const rolesFor = (kind: ImportKind): readonly VendorRole[] => importers[kind]

export const kindsFor = (roles: readonly string[]): ImportKind[] =>
  importKinds.filter((kind) => importers[kind].some((role) => roles.includes(role)))

export const appliedRows = ({ created, updated, unchanged, invalid }: RowCounts): number =>
  created + updated + unchanged + invalid

/** Rows per second while it ran; null before it did. */
export function rateOf({ rows, startedAt, endedAt }: Import, now: Date): number | null {
  if (!startedAt) return null
  const seconds = ((endedAt ?? now).getTime() - startedAt.getTime()) / 1_000
  return seconds > 0 ? Math.round((appliedRows(rows) / seconds) * 10) / 10 : null
}
