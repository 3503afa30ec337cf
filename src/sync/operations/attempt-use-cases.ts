import type { Tx } from '#src/database/database.ts'
import type { Keyed, Position } from '#src/database/keyset.ts'
import {
  type AttemptFilter,
  type AttemptSort,
  type LoggedAttempt,
  listAttempts,
} from '../memory/attempt-store.ts'
import type { OperationDeps } from './operation-deps.ts'

export type AttemptUseCases = ReturnType<typeof createAttemptUseCases>

/** The sync log: every attempt on every record, whichever way it went. */
export const createAttemptUseCases = ({ engine }: Pick<OperationDeps, 'engine'>) => ({
  list: (
    tx: Tx,
    filter: AttemptFilter,
    position: Position<AttemptSort>,
  ): Promise<readonly (LoggedAttempt & Keyed)[]> =>
    listAttempts(tx, filter, [...engine.entities.keys()], position),
})
