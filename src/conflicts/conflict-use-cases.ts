import { createCaseUseCases } from './case-use-cases.ts'
import { createClaimUseCases } from './claim-use-cases.ts'
import { createMirrorUseCases } from './mirror-use-cases.ts'
import { createNoticeUseCases } from './notice-use-cases.ts'
import { createQualityUseCases } from './quality-use-cases.ts'
import { createQuestionUseCases } from './question-use-cases.ts'
import { createReplayUseCases } from './replay-use-cases.ts'
import { createRuleSetUseCases } from './rule-set-use-cases.ts'
import { createWatchUseCases, type WatchDeps } from './watch-use-cases.ts'

export type ConflictDeps = WatchDeps

/** Everything that others may ask of conflicts. */
export const createConflictUseCases = (deps: ConflictDeps) => ({
  ...createClaimUseCases(deps),
  ...createCaseUseCases(deps),
  ...createQuestionUseCases(deps),
  ...createRuleSetUseCases(),
  ...createReplayUseCases(),
  ...createNoticeUseCases(),
  ...createQualityUseCases(),
  ...createMirrorUseCases(deps),
  ...createWatchUseCases(deps),
})
export type ConflictUseCases = ReturnType<typeof createConflictUseCases>
