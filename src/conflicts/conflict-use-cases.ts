import { createCaseDecisionUseCases } from './case-decision-use-cases.ts'
import type { CaseDeps } from './case-deps-step.ts'
import { createCaseDeskUseCases } from './case-desk-use-cases.ts'
import { createCaseUseCases } from './case-use-cases.ts'
import { createClaimUseCases } from './claim-use-cases.ts'
import { createMirrorUseCases } from './mirror-use-cases.ts'
import { createNoticeUseCases } from './notice-use-cases.ts'
import { createQualityUseCases } from './quality-use-cases.ts'
import { createQuestionUseCases } from './question-use-cases.ts'
import { refileClaims } from './refiling-use-cases.ts'
import { createReplayUseCases } from './replay-use-cases.ts'
import { createRuleSetUseCases } from './rule-set-use-cases.ts'
import { createWatchUseCases } from './watch-use-cases.ts'

export type ConflictDeps = CaseDeps
export type { RegistrationPort } from './case-deps-step.ts'

/** Everything that others may ask of conflicts. */
export function createConflictUseCases(deps: ConflictDeps) {
  const decisions = createCaseDecisionUseCases(deps)
  return {
    ...createClaimUseCases(deps),
    ...createCaseUseCases(deps, decisions),
    ...decisions,
    ...createCaseDeskUseCases(deps),
    ...createQuestionUseCases(deps),
    ...createRuleSetUseCases(),
    ...createReplayUseCases(),
    ...createNoticeUseCases(),
    ...createQualityUseCases(),
    ...createMirrorUseCases(deps),
    ...createWatchUseCases(deps),
    refileClaims,
  }
}
export type ConflictUseCases = ReturnType<typeof createConflictUseCases>
