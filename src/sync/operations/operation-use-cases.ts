import { createAttemptUseCases } from './attempt-use-cases.ts'
import { createHomeUseCases } from './home-use-cases.ts'
import { createLinkUseCases } from './link-use-cases.ts'
import type { OperationDeps } from './operation-deps.ts'
import { createQueueUseCases } from './queue-use-cases.ts'
import { createRerouteUseCases } from './reroute-use-cases.ts'
import { createReviewUseCases } from './review-use-cases.ts'
import { createSyncHealthUseCases } from './sync-health-use-cases.ts'

export type SyncOperations = ReturnType<typeof createSyncOperations>

/** Everything that people do with the sync engine. */
export function createSyncOperations(deps: OperationDeps) {
  const links = createLinkUseCases(deps)
  return {
    links,
    homes: createHomeUseCases(deps),
    rerouting: createRerouteUseCases(deps, links),
    reviews: createReviewUseCases(deps, links),
    queue: createQueueUseCases(deps),
    attempts: createAttemptUseCases(deps),
    health: createSyncHealthUseCases(deps),
  }
}
