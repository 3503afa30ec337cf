import type { Route } from '#src/http/route.ts'
import { attemptRoutes } from './attempt-routes.ts'
import { homeRoutes } from './home-routes.ts'
import { linkRoutes } from './link-routes.ts'
import type { SyncOperations } from './operation-use-cases.ts'
import { queueRoutes } from './queue-routes.ts'
import { reviewRoutes } from './review-routes.ts'
import { type SyncHealthRouteDeps, syncHealthRoutes } from './sync-health-routes.ts'

export const syncRoutes = (
  operations: SyncOperations,
  { pollNow }: Pick<SyncHealthRouteDeps, 'pollNow'>,
): readonly Route[] => [
  ...reviewRoutes(operations.reviews),
  ...queueRoutes(operations.queue),
  ...attemptRoutes(operations.attempts),
  ...linkRoutes(operations.links),
  ...homeRoutes(operations.homes),
  ...syncHealthRoutes({ health: operations.health, pollNow }),
]
