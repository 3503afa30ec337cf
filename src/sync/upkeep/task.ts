/**
 * Looking after a connection: linking what existed before us (backfill), comparing both sides completely and mending
 * what differs (reconciliation, repair), and noticing that the CRM's set-up drifts away from the mapping. It finds and
 * marks; merging, writing and retrying stay with the passes and records of the engine, which know nothing of this folder.
 *
 * task.ts: a long task as a row that any worker can go on with. Pure.
 */
import { z } from 'zod'
import type { Actor } from '#src/kernel/actor.ts'
import type { Priority } from '#src/kernel/events.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'

export const taskKinds = ['backfill', 'reconciliation', 'repair'] as const
export type TaskKind = (typeof taskKinds)[number]
/** How urgent a task's calls and marks are. */
export const priorityOfTask: Readonly<Record<TaskKind, Priority>> = {
  backfill: 'bulk',
  reconciliation: 'repair',
  repair: 'repair',
}
export const taskStates = ['waiting', 'running', 'done', 'cancelled', 'failed'] as const
export type TaskState = (typeof taskStates)[number]

export interface SyncTask {
  readonly id: string
  readonly connectionId: ConnectionId
  readonly kind: TaskKind
  readonly entity: string | null
  readonly dryRun: boolean
  /** The reconciliation that a repair mends. */
  readonly repairs: string | null
  readonly state: TaskState
  /** As its kind keeps it; read it with the schema of that kind. */
  readonly progress: unknown
  /** Why it waits, or why it failed. */
  readonly problem: string | null
  readonly failures: number
  readonly actor: Actor
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly endedAt: Date | null
}

/** Something that a task found out about one record. */
export interface Finding {
  readonly kind: string
  readonly entity: string
  readonly recordId: string | null
  readonly remoteId: string | null
  readonly details: Readonly<Record<string, unknown>>
}

export interface StoredFinding extends Finding {
  readonly id: string
  readonly repairedAt: Date | null
}

const count = z.int().min(0)

export const backfillCountsSchema = z.object({
  /** Records of ours that were looked at. */
  looked: count,
  /** Linked already, or a person ended their link: nothing to do. */
  settled: count,
  /** The mapping does not want them over there. */
  excluded: count,
  /** One record over there, beyond doubt. */
  certain: count,
  /** A person has to choose. */
  doubtful: count,
  /** Nothing over there stands for them. */
  none: count,
})
export type BackfillCounts = z.infer<typeof backfillCountsSchema>

export const backfillProgressSchema = z.object({
  /** read: the object is read anew, since what we hold of it lacks fields. match: our records are looked for in it. */
  phase: z.enum(['check', 'read', 'match']),
  cursor: z.string().nullable(),
  read: count,
  after: z.string().nullable(),
  counts: backfillCountsSchema,
})
export type BackfillProgress = z.infer<typeof backfillProgressSchema>

export const backfillBegun: BackfillProgress = {
  phase: 'check',
  cursor: null,
  read: 0,
  after: null,
  counts: { looked: 0, settled: 0, excluded: 0, certain: 0, doubtful: 0, none: 0 },
}

const fieldCountsSchema = z.object({
  equal: count,
  /** They differ and are known to: the CRM writes it its own way, a person let both stand, or only the start counts. */
  accepted: count,
  oursNewer: count,
  theirsNewer: count,
  /** Both changed, or nobody knows who did. */
  differ: count,
  /** A person has to decide, or what we have cannot be sent. */
  held: count,
})
export type FieldCounts = z.infer<typeof fieldCountsSchema>
export type FieldStanding = keyof FieldCounts
export const noFieldCounts: FieldCounts = {
  equal: 0,
  accepted: 0,
  oursNewer: 0,
  theirsNewer: 0,
  differ: 0,
  held: 0,
}

/** What can be wrong with a record or its link; see the docstrings of `EntityReport`. */
export const discrepancyKinds = [
  'different',
  'missing_there',
  'linked_to_nothing',
  'unlinked_key',
  'doubled_key',
] as const
export type DiscrepancyKind = (typeof discrepancyKinds)[number]

const entityReportSchema = z.object({
  entity: z.string(),
  object: z.string(),
  /** Links that were compared. */
  linked: count,
  /** Records whose every field is equal or accepted as it is. */
  inStep: count,
  /** Records that were being changed or written in that very moment: nothing is said of them. */
  moving: count,
  /** Records with a field that differs. */
  different: count,
  /** Deleted over there, or merged into another record. */
  missing_there: count,
  /** Links whose record of ours is not there. */
  linked_to_nothing: count,
  /** Records over there that carry the key of a record of ours and are linked to none. */
  unlinked_key: count,
  /** Keys that several records over there carry. */
  doubled_key: count,
  /** Records over there without a link that were looked at. */
  unlinked: count,
  /** Of those, the ones that were deleted over there unnoticed; conflict detection does not see them any more. */
  vanished: count,
  fields: z.record(z.string(), fieldCountsSchema),
})
export type EntityReport = z.infer<typeof entityReportSchema>

export const reconciliationProgressSchema = z.object({
  /** Entities that are done, and the one in hand. */
  entities: z.array(entityReportSchema),
  phase: z.enum(['links', 'mirror', 'keys']),
  at: count,
  after: z.string().nullable(),
})
export type ReconciliationProgress = z.infer<typeof reconciliationProgressSchema>
export const reconciliationBegun: ReconciliationProgress = {
  entities: [],
  phase: 'links',
  at: 0,
  after: null,
}

export const repairProgressSchema = z.object({ after: z.string().nullable(), looked: count, mended: count })
export type RepairProgress = z.infer<typeof repairProgressSchema>
export const repairBegun: RepairProgress = { after: null, looked: 0, mended: 0 }

/** The task was cancelled, or ended by another worker: stop, and leave its row alone. */
export class TaskEnded extends Error {
  constructor(id: string) {
    super(`The task ${id} has ended`)
    this.name = 'TaskEnded'
  }
}

/** The task cannot go on now; it is tried again after a while, and says why. */
export class TaskPostponed extends Error {
  readonly waitMs: number
  constructor(reason: string, waitMs: number) {
    super(reason)
    this.name = 'TaskPostponed'
    this.waitMs = waitMs
  }
}
