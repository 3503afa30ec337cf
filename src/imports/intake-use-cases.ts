import { recordAudit } from '#src/database/audit.ts'
import { afterCommit, type Database, type Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { CounterpartError, InvalidInput, Refused } from '#src/kernel/errors.ts'
import { newId } from '#src/kernel/ids.ts'
import { type RowBatch, readCsv } from './csv-rows.ts'
import { end } from './ending-step.ts'
import type { Import, ImportId, ImportKind } from './import.ts'
import { appendRows } from './import-row-store.ts'
import { closeIntake, insertImport, readImport } from './import-store.ts'

export const importsBell = 'imports'

export interface IntakeDeps {
  readonly database: Database
  /** Says that an import waits, once its unit of work has committed. */
  ring(name: string): void
}

export interface Upload {
  readonly kind: ImportKind
  readonly fileName: string | null
  readonly body: AsyncIterable<Uint8Array>
}

export type IntakeUseCases = ReturnType<typeof createIntakeUseCases>

export function createIntakeUseCases({ database, ring }: IntakeDeps) {
  /** Rows of one batch, with the import itself if they are its first. */
  async function store(
    actor: Actor,
    upload: Upload,
    known: ImportId | null,
    batch: RowBatch,
  ): Promise<ImportId> {
    return database.transact(actor, async (tx) => {
      const id = known ?? newId<'import'>()
      const { kind, fileName } = upload
      if (!known) await insertImport(tx, { id, kind, fileName, actor, columns: batch.columns })
      if (!(await appendRows(tx, id, batch.columns, batch.rows))) throw endedMeanwhile()
      return id
    })
  }

  const close = async (tx: Tx, actor: Actor, id: ImportId): Promise<Import> => {
    if (!(await closeIntake(tx, id))) throw endedMeanwhile()
    const received = await readImport(tx, id)
    if (!received) throw new Error(`The import ${id} is gone`)
    await recordAudit(tx, actor, [
      { action: 'import.received', subject: { kind: 'import', id }, after: received },
    ])
    afterCommit(tx, importsBell, () => ring(importsBell))
    return received
  }

  return {
    /**
     * Stores a file as it arrives, in transactions of its own, and hands it to the work behind the requests. Nothing of
     * a file that breaks off or cannot be read is ever applied.
     * @throws InvalidInput for a header that does not fit, no rows, or what is not CSV in UTF-8; Refused
     * `import_ended` when somebody cancelled it on the way
     */
    async receive(actor: Actor, upload: Upload): Promise<Import> {
      let id: ImportId | null = null
      try {
        for await (const batch of readCsv(upload.kind, upload.body)) {
          id = await store(actor, upload, id, batch)
        }
        if (id === null) throw new InvalidInput('The file has no rows')
        const stored = id
        return await database.transact(actor, (tx) => close(tx, actor, stored))
      } catch (error) {
        if (id !== null) await abandon(actor, id, error)
        throw error
      }
    },
  }

  async function abandon(actor: Actor, id: ImportId, error: unknown): Promise<void> {
    const problem = error instanceof CounterpartError ? error.message : 'The upload broke off'
    await database.transact(actor, (tx) => end(tx, actor, id, 'failed', problem))
  }
}

const endedMeanwhile = () =>
  new Refused('import_ended', 'This import was cancelled or given up while its file was still on its way')
