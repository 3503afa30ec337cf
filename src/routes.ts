/** Every route of the API in one list: what the server serves, the documentation shows and the access test walks. */
import type { Bell } from '#jobs/bell.ts'
import type { Capabilities } from './capabilities.ts'
import { conflictRoutes } from './conflicts/conflict-routes.ts'
import { connectionRoutes } from './connections/connection-routes.ts'
import { mappingRoutes } from './connections/mapping-routes.ts'
import { dealRoutes } from './deals/deal-routes.ts'
import type { Route } from './http/route.ts'
import type { Clock } from './kernel/clock.ts'

export interface RouteSurroundings {
  readonly clock: Clock
  readonly bell: Pick<Bell, 'ring'>
}

export function createRoutes(made: Capabilities, { clock }: RouteSurroundings): readonly Route[] {
  return [
    ...dealRoutes(made.deals, clock),
    ...conflictRoutes(made.conflicts),
    ...connectionRoutes(made),
    ...mappingRoutes(made),
  ]
}
