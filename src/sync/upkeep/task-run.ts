import type { Workspace } from '../ground/workspace.ts'
import type { Lease } from '../memory/slot-store.ts'
import type { SyncTask } from './task.ts'

/** One task in one worker's hands. */
export interface TaskRun {
  readonly workspace: Workspace
  readonly lease: Lease
  readonly task: SyncTask
  readonly signal: AbortSignal
}

/**
 * One bounded piece of a task: reads the CRM outside of any transaction, then saves what it did and how far it is in
 * one. @returns whether the task is finished
 * @throws TaskEnded, TaskPostponed, LeaseLost, ConnectorFault
 */
export type Step = (run: TaskRun) => Promise<{ readonly done: boolean; readonly task: SyncTask }>
