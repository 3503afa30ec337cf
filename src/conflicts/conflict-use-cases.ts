import { createCaseUseCases } from './case-use-cases.ts'
import { createClaimUseCases } from './claim-use-cases.ts'
import { createMirrorUseCases } from './mirror-use-cases.ts'
import { refileClaims } from './refiling-use-cases.ts'
import { createWatchUseCases, type WatchDeps } from './watch-use-cases.ts'

export type ConflictDeps = WatchDeps

/** Everything that others may ask of conflicts. */
export const createConflictUseCases = (deps: ConflictDeps) => ({
  ...createClaimUseCases(deps),
  ...createCaseUseCases(deps),
  ...createMirrorUseCases(deps),
  ...createWatchUseCases(deps),
  refileClaims,
})
export type ConflictUseCases = ReturnType<typeof createConflictUseCases>
