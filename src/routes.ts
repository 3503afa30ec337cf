/** Every route of the API in one list: what the server serves, the documentation shows and the access test walks. */
import { auditRoutes } from './audit/audit-routes.ts'
import type { Capabilities } from './capabilities.ts'
import { caseRoutes } from './conflicts/case-routes.ts'
import { checkRoutes } from './conflicts/check-routes.ts'
import { conflictRoutes } from './conflicts/conflict-routes.ts'
import { ruleSetRoutes } from './conflicts/rule-set-routes.ts'
import { connectionRoutes } from './connections/connection-routes.ts'
import { mappingPauseRoutes } from './connections/mapping-pause-routes.ts'
import { mappingRoutes } from './connections/mapping-routes.ts'
import { setupRoutes } from './connections/setup-routes.ts'
import { customerRoutes } from './customers/customer-routes.ts'
import { dealRoutes } from './deals/deal-routes.ts'
import type { Route } from './http/route.ts'
import { importRoutes } from './imports/import-routes.ts'
import { incentiveRoutes } from './incentives/incentive-routes.ts'
import { planRoutes } from './incentives/plan-routes.ts'
import { ledgerRoutes } from './ledger/ledger-routes.ts'
import { notificationRoutes } from './notifications/notification-routes.ts'
import { partnerRoutes } from './partners/partner-routes.ts'
import { statementRoutes } from './payouts/statement-routes.ts'
import { productRoutes } from './products/product-routes.ts'
import { leakRoutes } from './sync/attribution/leak-routes.ts'
import { syncRoutes } from './sync/operations/operation-routes.ts'
import { routingRoutes } from './sync/operations/routing-routes.ts'
import { pushRoutes } from './sync/passes/push-routes.ts'
import { driftRoutes } from './sync/upkeep/drift-routes.ts'
import { taskRoutes } from './sync/upkeep/task-routes.ts'
import { webhookRoutes } from './webhooks/webhook-routes.ts'

export function createRoutes(made: Capabilities): readonly Route[] {
  return [
    ...partnerRoutes(made.partners),
    ...customerRoutes(made.customers),
    ...productRoutes(made.products),
    ...dealRoutes(made.deals),
    ...conflictRoutes(made.conflicts),
    ...caseRoutes(made.conflicts),
    ...checkRoutes(made.conflicts),
    ...ruleSetRoutes(made.conflicts),
    ...planRoutes(made.plans),
    ...incentiveRoutes(made.incentives),
    ...ledgerRoutes(),
    ...statementRoutes(made.statements),
    ...notificationRoutes(made.notifications),
    ...webhookRoutes(made.webhooks),
    ...auditRoutes(made.audit),
    ...connectionRoutes(made),
    ...setupRoutes(made.setup),
    ...mappingRoutes(made),
    ...mappingPauseRoutes(made.mappingPauses),
    ...pushRoutes(made.push),
    ...routingRoutes({ routing: made.routing, rerouting: made.operations.rerouting, deals: made.deals }),
    ...syncRoutes(made.operations, made.drains),
    ...taskRoutes(made.tasks),
    ...driftRoutes(made.drift),
    ...leakRoutes(made.leaks),
    ...importRoutes(made),
  ]
}
