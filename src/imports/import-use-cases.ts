import type { Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound, Refused } from '#src/kernel/errors.ts'
import { end } from './ending-step.ts'
import {
  hasEnded,
  type Import,
  type ImportId,
  type ImportKind,
  type ImportState,
  kindsFor,
  type ToldRow,
} from './import.ts'
import { dropReports, toldRows } from './import-row-store.ts'
import { type ImportSort, listImports, lockImport, readImport } from './import-store.ts'

/** Reports hold what people typed about people, so they are not kept for ever. */
export const reportKeptDays = 90

/** What people see of imports and do with them; an import of a kind that is not theirs does not exist for them. */
export function createImportUseCases() {
  return {
    getImport: async (tx: Tx, actor: Actor, id: ImportId): Promise<Import> =>
      visible(actor, await readImport(tx, id)),

    listImports: async (
      tx: Tx,
      actor: Actor,
      filter: { readonly kind?: ImportKind | undefined; readonly state?: ImportState | undefined },
      position: Position<ImportSort>,
    ) =>
      listImports(
        tx,
        { state: filter.state, kinds: kindsOf(actor).filter((kind) => kind === (filter.kind ?? kind)) },
        position,
      ),

    /** Rows of the file that have something said about them, in its order. */
    async reportOf(
      tx: Tx,
      actor: Actor,
      id: ImportId,
      page: { readonly afterLine: number; readonly limit: number },
    ): Promise<readonly ToldRow[]> {
      visible(actor, await readImport(tx, id))
      return toldRows(tx, id, page.afterLine, page.limit)
    },

    /**
     * Stops an import behind the batch in hand; what was applied until then stays.
     * @throws Refused `import_ended` when there is nothing left to stop
     */
    async cancelImport(tx: Tx, actor: Actor, id: ImportId): Promise<Import> {
      const before = visible(actor, await lockImport(tx, id))
      if (before.state === 'cancelled') return before
      if (hasEnded(before.state)) throw new Refused('import_ended', `This import is ${before.state} already`)
      return end(tx, actor, id, 'cancelled')
    },

    /** Drops old reports, a bounded number of rows at a time. @returns how many */
    forgetReports: (tx: Tx, limit: number): Promise<number> => dropReports(tx, reportKeptDays, limit),
  }
}

export type ImportUseCases = ReturnType<typeof createImportUseCases>

const kindsOf = (actor: Actor) => (actor.kind === 'vendor' ? kindsFor(actor.roles) : [])

function visible(actor: Actor, found: Import | undefined): Import {
  if (!found || !kindsOf(actor).includes(found.kind)) throw new NotFound('The import')
  return found
}
