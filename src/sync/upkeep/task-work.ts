import { ConnectorFault } from '#connectors/fault.ts'
import { recordAudit } from '#src/database/audit.ts'
import { type Engine, type SyncConnection, syncActor } from '../ground/engine.ts'
import { openWorkspace } from '../ground/workspace.ts'
import { giveBackLease, type Lease, LeaseLost, renewLease, takeLease } from '../memory/slot-store.ts'
import { backfillStep } from './backfill-work.ts'
import { reconciliationStep } from './reconciliation-work.ts'
import { repairStep } from './repair-work.ts'
import { priorityOfTask, type SyncTask, TaskEnded, TaskPostponed } from './task.ts'
import type { Step } from './task-run.ts'
import { connectionsWithTasks, endTask, nextTask, postponeTask } from './task-store.ts'

/** Name of the bell. */
export const taskBell = 'sync_tasks'

const steps: Readonly<Record<SyncTask['kind'], Step>> = {
  backfill: backfillStep,
  reconciliation: reconciliationStep,
  repair: repairStep,
}

const mostFailures = 10
const retryMs = 30_000

/**
 * Works off the tasks of each connection, the oldest first and one at a time. A worker that dies leaves a row that says
 * how far it was; the next one goes on from there once the lease has run out.
 */
export function createTaskWork(engine: Engine, ring: () => void) {
  async function workOn(connection: SyncConnection, signal: AbortSignal): Promise<void> {
    const lease = await takeLease(engine.database, connection.id, 'tasks')
    if (!lease) return
    try {
      while (!signal.aborted) {
        const task = await engine.database.transact(syncActor, (tx) => nextTask(tx, connection.id))
        if (!task) return
        await workOff(connection, lease, task, signal)
      }
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error
    } finally {
      await giveBackLease(engine.database, lease)
    }
  }

  async function workOff(
    connection: SyncConnection,
    lease: Lease,
    first: SyncTask,
    signal: AbortSignal,
  ): Promise<void> {
    let task = first
    try {
      const connector = await engine.connectors.connectorFor(connection, priorityOfTask[task.kind])
      const workspace = { ...(await openWorkspace(engine, connection)), connector }
      for (let done = false; !done; ) {
        if (signal.aborted) return
        await renewLease(engine.database, lease)
        ;({ done, task } = await steps[task.kind]({ workspace, lease, task, signal }))
      }
      await finish(task)
    } catch (error) {
      if (error instanceof TaskEnded || error instanceof LeaseLost || signal.aborted) return
      await recover(task, error)
    }
  }

  async function finish({ id, kind, connectionId, progress, actor }: SyncTask): Promise<void> {
    await engine.database.transact(actor, async (tx) => {
      if (!(await endTask(tx, id, 'done'))) return
      const subject = { kind: 'connection', id: connectionId }
      await recordAudit(tx, actor, [
        { action: `sync.${kind}_done`, subject, after: { task: id, ...summaryOf(progress) } },
      ])
    })
    ring()
  }

  /** What passes is waited for; what does not pass ends the task, with the reason in its row. */
  async function recover(task: SyncTask, error: unknown): Promise<void> {
    const { id, kind } = task
    const passes = error instanceof TaskPostponed || error instanceof ConnectorFault
    if (!passes) engine.logger.error({ err: error, task: id, kind }, 'a task of a connection failed')
    const now = Date.now()
    const waitMs =
      error instanceof TaskPostponed
        ? error.waitMs
        : error instanceof ConnectorFault && error.details.retryAt
          ? Math.max(1_000, error.details.retryAt.getTime() - now)
          : retryMs
    const problem = passes ? error.message : 'Something went wrong on our side; it has been logged'
    await engine.database.transact(syncActor, async (tx) => {
      const isPatient =
        error instanceof TaskPostponed || (error instanceof ConnectorFault && error.kind === 'throttled')
      const failures = await postponeTask(tx, id, problem, waitMs, !isPatient)
      if (failures >= mostFailures) await endTask(tx, id, 'failed', problem)
    })
  }

  return {
    /** What the bell runs. */
    async drain(signal: AbortSignal): Promise<void> {
      const { due, active } = await engine.database.transact(syncActor, async (tx) => ({
        due: await connectionsWithTasks(tx),
        active: await engine.connections.activeConnections(tx),
      }))
      for (const connection of active) {
        if (signal.aborted) return
        if (due.has(connection.id)) await workOn(connection, signal)
      }
    },
  }
}

const summaryOf = (progress: unknown): object =>
  typeof progress === 'object' && progress !== null && 'counts' in progress ? { counts: progress.counts } : {}
