import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Import, ImportId } from './import.ts'
import { endImport, readImport } from './import-store.ts'

/** Ends an import if it is still under way, and leaves the trace of that. */
export async function end(
  tx: Tx,
  actor: Actor,
  id: ImportId,
  state: 'done' | 'cancelled' | 'failed',
  problem: string | null = null,
): Promise<Import> {
  const ended = await endImport(tx, id, state, problem)
  const after = await readImport(tx, id)
  if (!after) throw new Error(`The import ${id} is gone`)
  if (ended) {
    await recordAudit(tx, actor, [{ action: `import.${state}`, subject: { kind: 'import', id }, after }])
  }
  return after
}
