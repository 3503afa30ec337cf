/** Wire forms of long tasks of a connection. Pure. */
import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { listOf } from '../operations/sync-wire.ts'
import {
  backfillCountsSchema,
  backfillProgressSchema,
  discrepancyKinds,
  reconciliationProgressSchema,
  repairProgressSchema,
  type StoredFinding,
  type SyncTask,
  taskStates,
} from './task.ts'
import type { TaskDetails, TaskView } from './task-use-cases.ts'

const count = z.int().min(0)

const findingSchema = z
  .object({
    id: z.string(),
    kind: z.string(),
    entity: z.string(),
    recordId: z.string().nullable(),
    remoteId: z.string().nullable(),
    details: z.record(z.string(), z.unknown()).readonly(),
    repairedAt: instantSchema.nullable(),
  })
  .meta({ id: 'SyncFinding' })

export { findingSchema }

const taskFields = {
  id: z.string(),
  state: z.enum(taskStates),
  problem: z.string().nullable().describe('Why it waits, is tried again, or failed'),
  startedBy: z.string(),
  createdAt: instantSchema,
  startedAt: instantSchema.nullable(),
  endedAt: instantSchema.nullable(),
}

export const backfillSchema = z
  .object({
    ...taskFields,
    entity: z.string(),
    dryRun: z.boolean(),
    phase: z
      .enum(['check', 'read', 'match'])
      .describe('read: the object is read anew, since the mapping has grown since'),
    recordsRead: count,
    counts: backfillCountsSchema,
  })
  .meta({ id: 'Backfill' })
export const backfillDetailsSchema = backfillSchema
  .extend({ examples: listOf(findingSchema).describe('The first findings of each kind') })
  .meta({ id: 'BackfillDetails' })

const repairSchema = z.object({ ...taskFields, looked: count, mended: count }).meta({ id: 'SyncRepair' })

const entityReportSchema = reconciliationProgressSchema.shape.entities.element.meta({
  id: 'ReconciledEntity',
})

export const reconciliationSchema = z
  .object({
    ...taskFields,
    entities: listOf(entityReportSchema),
    discrepancies: count.describe('What a repair or a person has to see to, over all entities'),
    repair: repairSchema.nullable().describe('The newest repair of it'),
  })
  .meta({ id: 'Reconciliation' })
export const reconciliationDetailsSchema = reconciliationSchema
  .extend({ examples: listOf(findingSchema).describe('The first findings of each kind') })
  .meta({ id: 'ReconciliationDetails' })

const commonOf = ({ id, state, problem, actor, createdAt, startedAt, endedAt }: SyncTask) => ({
  id,
  state,
  problem,
  startedBy: actor.name,
  createdAt,
  startedAt,
  endedAt,
})

export function backfillToWire(task: TaskView) {
  const { phase, read, counts } = backfillProgressSchema.parse(task.progress)
  const { entity, dryRun } = task
  return { ...commonOf(task), entity: entity ?? '', dryRun, phase, recordsRead: read, counts }
}

function repairToWire(task: SyncTask) {
  const { looked, mended } = repairProgressSchema.parse(task.progress)
  return { ...commonOf(task), looked, mended }
}

export function reconciliationToWire(task: TaskView) {
  const { entities } = reconciliationProgressSchema.parse(task.progress)
  const discrepancies = entities.reduce(
    (total, report) => total + discrepancyKinds.reduce((sum, kind) => sum + report[kind], 0),
    0,
  )
  const repair = task.repair && repairToWire(task.repair)
  return { ...commonOf(task), entities, discrepancies, repair }
}

export const withExamples = <Wire extends object>(
  wire: Wire,
  { examples }: Pick<TaskDetails, 'examples'>,
): Wire & { readonly examples: readonly StoredFinding[] } => ({ ...wire, examples })
