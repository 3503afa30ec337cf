import type { Tx } from '#src/database/database.ts'
import type { Priority } from '#src/kernel/events.ts'
import { type Mark, markDirty, waitForParents } from '../memory/mark-store.ts'
import type { Round } from './round.ts'

/** A record names another one of ours that has no counterpart over there yet. */
export interface ParentWait {
  readonly mark: Mark
  readonly parent: { readonly entity: string; readonly id: string }
}

const priorities = ['live', 'repair', 'bulk'] as const
export const priorityOf = ({ priority }: Mark): Priority => priorities[priority] ?? 'live'

/** The records rest until their parents are linked; a parent is brought over as urgently as the child that needs it. */
export async function waitOnParents(tx: Tx, round: Round, waits: readonly ParentWait[]): Promise<void> {
  const { connection } = round.workspace
  await waitForParents(
    tx,
    connection.id,
    round.mapped.name,
    waits.map(({ mark, parent }) => ({ recordId: mark.recordId, parent: `${parent.entity}:${parent.id}` })),
  )
  await markParents(tx, round, waits)
}

export async function markParents(tx: Tx, round: Round, waits: readonly ParentWait[]): Promise<void> {
  await markDirty(
    tx,
    waits.map(({ mark, parent }) => ({
      connectionId: round.workspace.connection.id,
      entity: parent.entity,
      recordId: parent.id,
      priority: priorityOf(mark),
    })),
  )
}
