import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Keyed, Position } from '#src/database/keyset.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound, Refused } from '#src/kernel/errors.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { OperationDeps } from '../operations/operation-deps.ts'
import { people } from '../records/known-contacts.ts'
import {
  backfillBegun,
  reconciliationBegun,
  repairBegun,
  type StoredFinding,
  type SyncTask,
  type TaskKind,
} from './task.ts'
import {
  endTask,
  exampleFindings,
  type FindingFilter,
  findTask,
  forgetTasks,
  insertTask,
  listFindings,
  listTasks,
  type NewTask,
  repairsOf,
  type TaskSort,
} from './task-store.ts'

const examplesPerKind = 10

export interface TaskView extends SyncTask {
  /** The newest repair of a reconciliation. */
  readonly repair: SyncTask | null
}

export interface TaskDetails extends TaskView {
  /** The first findings of each kind. */
  readonly examples: readonly StoredFinding[]
}

export type TaskUseCases = ReturnType<typeof createTaskUseCases>

/** Long tasks of a connection, as people order, watch and cancel them. */
export function createTaskUseCases(deps: Pick<OperationDeps, 'engine' | 'connectionOf' | 'ring'>) {
  const { engine } = deps

  async function start(tx: Tx, actor: Actor, task: Omit<NewTask, 'actor'>): Promise<TaskView> {
    const id = await insertTask(tx, { ...task, actor })
    if (id === null) {
      throw new Refused(
        'already_running',
        `A ${task.kind} of this connection is under way; wait or cancel it`,
      )
    }
    const { connectionId, kind, entity = null, dryRun = false } = task
    await recordAudit(tx, actor, [
      {
        action: `sync.${kind}_started`,
        subject: { kind: 'connection', id: connectionId },
        after: { task: id, entity, dryRun },
      },
    ])
    deps.ring(tx)
    return viewOf(tx, connectionId, kind, id)
  }

  async function taskOf(tx: Tx, connectionId: ConnectionId, kind: TaskKind, id: string): Promise<SyncTask> {
    const task = await findTask(tx, id)
    if (task?.connectionId !== connectionId || task.kind !== kind) throw new NotFound(`The ${kind}`)
    return task
  }

  async function viewOf(tx: Tx, connectionId: ConnectionId, kind: TaskKind, id: string): Promise<TaskView> {
    const task = await taskOf(tx, connectionId, kind, id)
    return { ...task, repair: (await repairsOf(tx, [id])).at(-1) ?? null }
  }

  return {
    /**
     * Looks for what the CRM has already of an entity; a dry run only says what it would do.
     * @throws Refused `not_mapped`, `found_when_needed`, `already_running`
     */
    async startBackfill(
      tx: Tx,
      actor: Actor,
      connectionId: ConnectionId,
      { entity, dryRun }: { readonly entity: string; readonly dryRun: boolean },
    ): Promise<TaskView> {
      await deps.connectionOf(tx, connectionId)
      if (!engine.entities.has(entity)) throw new NotFound(`The synced entity ${entity}`)
      const mappings = await engine.connections.publishedMappings(tx, connectionId)
      if (people.has(entity)) {
        throw new Refused(
          'found_when_needed',
          'Contact persons are found by their e-mail address when a deal needs them',
        )
      }
      if (!mappings.some((mapping) => mapping.entity === entity)) {
        throw new Refused('not_mapped', `No mapping of ${entity} is published for this connection`)
      }
      return start(tx, actor, { connectionId, kind: 'backfill', entity, dryRun, progress: backfillBegun })
    },

    /** Compares both sides of everything that is linked. @throws Refused `already_running` */
    async startReconciliation(tx: Tx, actor: Actor, connectionId: ConnectionId): Promise<TaskView> {
      await deps.connectionOf(tx, connectionId)
      return start(tx, actor, { connectionId, kind: 'reconciliation', progress: reconciliationBegun })
    },

    /** One reconciliation for each connection that may work, where none is under way. */
    async startDailyReconciliations(tx: Tx, actor: Actor): Promise<number> {
      let started = 0
      for (const { id: connectionId } of await engine.connections.activeConnections(tx)) {
        const task = { connectionId, kind: 'reconciliation', progress: reconciliationBegun, actor } as const
        if ((await insertTask(tx, task)) !== null) started += 1
      }
      if (started > 0) deps.ring(tx)
      return started
    },

    /** Mends what a reconciliation found, through the normal merge. @throws Refused `not_finished`, `already_running` */
    async startRepair(tx: Tx, actor: Actor, connectionId: ConnectionId, id: string): Promise<TaskView> {
      const { state } = await taskOf(tx, connectionId, 'reconciliation', id)
      if (state !== 'done') {
        throw new Refused('not_finished', 'Only a reconciliation that was carried through can be repaired')
      }
      await start(tx, actor, { connectionId, kind: 'repair', repairs: id, progress: repairBegun })
      return viewOf(tx, connectionId, 'reconciliation', id)
    },

    /** What was done so far stays. @throws Refused `already_ended` */
    async cancel(
      tx: Tx,
      actor: Actor,
      connectionId: ConnectionId,
      kind: TaskKind,
      id: string,
    ): Promise<TaskView> {
      await taskOf(tx, connectionId, kind, id)
      if (!(await endTask(tx, id, 'cancelled'))) throw new Refused('already_ended', 'It has ended already')
      await recordAudit(tx, actor, [
        {
          action: `sync.${kind}_cancelled`,
          subject: { kind: 'connection', id: connectionId },
          after: { task: id },
        },
      ])
      return viewOf(tx, connectionId, kind, id)
    },

    async list(
      tx: Tx,
      connectionId: ConnectionId,
      kind: TaskKind,
      position: Position<TaskSort>,
    ): Promise<readonly (TaskView & Keyed)[]> {
      await deps.connectionOf(tx, connectionId)
      const tasks = await listTasks(tx, { connectionId, kind }, position)
      const repairs = await repairsOf(
        tx,
        tasks.map(({ id }) => id),
      )
      return tasks.map((task) => ({
        ...task,
        repair: repairs.findLast((repair) => repair.repairs === task.id) ?? null,
      }))
    },

    async details(tx: Tx, connectionId: ConnectionId, kind: TaskKind, id: string): Promise<TaskDetails> {
      const task = await viewOf(tx, connectionId, kind, id)
      return { ...task, examples: await exampleFindings(tx, id, examplesPerKind) }
    },

    async findings(
      tx: Tx,
      connectionId: ConnectionId,
      kind: TaskKind,
      id: string,
      filter: FindingFilter,
      position: Position<'createdAt'>,
    ): Promise<readonly (StoredFinding & Keyed)[]> {
      await taskOf(tx, connectionId, kind, id)
      return listFindings(tx, id, filter, position)
    },

    forgetOld: forgetTasks,
  }
}
