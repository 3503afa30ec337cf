/**
 * What the product is made of, put together: each capability is a plain object of use-cases, and domain events go from
 * the lower ones to those above. Nothing here opens a port or starts work; application.ts does.
 */

import type { SecretKeys } from '#config/env.ts'
import type { Logger } from '#config/logger.ts'
import { isVendor, vendors } from '#connectors/registry.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import { createAuditUseCases } from './audit/audit-use-cases.ts'
import { createConflictUseCases } from './conflicts/conflict-use-cases.ts'
import type { Connection } from './connections/connection.ts'
import { createConnectionCheckUseCases } from './connections/connection-check-use-cases.ts'
import { createConnectionStanding } from './connections/connection-standing-use-cases.ts'
import { findConnection, oldestConnection } from './connections/connection-store.ts'
import { createConnectionUseCases } from './connections/connection-use-cases.ts'
import { createConnectorPool } from './connections/connector-pool.ts'
import { createCrmAccess, getConnection } from './connections/crm-access.ts'
import { connectionIds } from './connections/deal-home.ts'
import { createEngineConnections } from './connections/engine-use-cases.ts'
import { createMappingPauseUseCases } from './connections/mapping-pause-use-cases.ts'
import { createMappingReleaseUseCases } from './connections/mapping-release-use-cases.ts'
import { createMappingTrialUseCases } from './connections/mapping-trial-use-cases.ts'
import { createMappingUseCases, publishedMappings } from './connections/mapping-use-cases.ts'
import { createSecretBox } from './connections/secret-box.ts'
import { createSetupUseCases } from './connections/setup-use-cases.ts'
import { createContactEntity } from './customers/contact-entity.ts'
import { createCustomerEntity } from './customers/customer-entity.ts'
import { createCustomerUseCases } from './customers/customer-use-cases.ts'
import { afterCommit, type Database, type Tx } from './database/database.ts'
import { registrationPort } from './deals/case-use-cases.ts'
import { createDealEntity } from './deals/deal-entity.ts'
import { createDealUseCases } from './deals/deal-use-cases.ts'
import { createAppliers } from './imports/apply-use-cases.ts'
import { createImportUseCases } from './imports/import-use-cases.ts'
import { createIntakeUseCases } from './imports/intake-use-cases.ts'
import { createImportWork } from './imports/work-use-cases.ts'
import { createIncentiveUseCases } from './incentives/incentive-use-cases.ts'
import { createPlanUseCases } from './incentives/plan-use-cases.ts'
import type { Clock } from './kernel/clock.ts'
import { createEventBus } from './kernel/events.ts'
import type { DealId } from './kernel/ids.ts'
import type { SyncedEntity } from './kernel/synced-entity.ts'
import { createNotificationUseCases } from './notifications/notification-use-cases.ts'
import { createPartnerEntity } from './partners/partner-entity.ts'
import { createPartnerUseCases } from './partners/partner-use-cases.ts'
import { createStatementUseCases } from './payouts/statement-use-cases.ts'
import { createProductUseCases } from './products/product-use-cases.ts'
import { createLeakUseCases } from './sync/attribution/leak-use-cases.ts'
import { createDirtyHandlers } from './sync/ground/dirty.ts'
import type { Engine, SyncConnection } from './sync/ground/engine.ts'
import { markLinked, referenceLookup, sampleLinks } from './sync/ground/mapping-ports.ts'
import { lastPolls } from './sync/memory/mirror-store.ts'
import { createSyncOperations } from './sync/operations/operation-use-cases.ts'
import { createRoutingUseCases } from './sync/operations/routing-use-cases.ts'
import { createDrains, reconcileBell } from './sync/passes/drains.ts'
import { createPushUseCases } from './sync/passes/push-use-cases.ts'
import { createDriftUseCases } from './sync/upkeep/drift-use-cases.ts'
import { createTaskUseCases } from './sync/upkeep/task-use-cases.ts'
import { createTaskWork, taskBell } from './sync/upkeep/task-work.ts'
import { createWebhookUseCases } from './webhooks/webhook-use-cases.ts'

/** Where people look at a record of a CRM; null where it is not known. */
function recordUrl({ vendor, instanceUrl }: SyncConnection, object: string, remoteId: string): string | null {
  if (!isVendor(vendor) || !instanceUrl) return null
  return new URL(vendors[vendor].traits.recordPath(object, remoteId), instanceUrl).href
}

export interface Surroundings {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly keys: SecretKeys
  /** Where people and CRMs reach the service, without a slash at the end. */
  readonly publicUrl: string
  /** Says that work may be due, once a unit of work has committed. */
  ring(name: string, notBefore?: Date): void
}

export type Capabilities = ReturnType<typeof createCapabilities>

export function createCapabilities({ database, clock, logger, keys, publicUrl, ring }: Surroundings) {
  const dirty = createDirtyHandlers({
    connections: { publishedMappings, assertKnown: getConnection },
    homeByDefault: (tx) => routing.homeByDefault(tx),
    async linksMade(tx, actor, connectionId, links) {
      const connection = await getConnection(tx, connectionId)
      const news = links.map(({ entity, recordId, object, remoteId }) => {
        const url = recordUrl(connection, object, remoteId)
        return { entity, recordId, connectionId, state: 'active' as const, remoteId, url }
      })
      await engine.linksChanged(tx, actor, news)
    },
    ring: (tx) => afterCommit(tx, reconcileBell, () => ring(reconcileBell)),
  })
  const events = createEventBus<Tx>({
    record_changed: [
      dirty.onRecordChanged,
      (tx, actor, changes) => conflicts.onRecordsChanged(tx, actor, changes),
    ],
    link_requested: [dirty.onLinkRequested],
    customers_merged: [(tx, actor, merged) => conflicts.onCustomersMerged(tx, actor, merged)],
    outcome_settled: [(tx, actor, settled) => operations.reviews.onOutcomeSettled(tx, actor, settled)],
    conflict_decided: [(tx, actor, decided) => deals.onConflictDecided(tx, actor, decided)],
    conflict_found: [(tx, actor, found) => deals.onConflictFound(tx, actor, found)],
    conflict_cleared: [(tx, actor, cleared) => deals.onConflictCleared(tx, actor, cleared)],
    notification: [
      (tx, actor, news) => notifications.onNotifications(tx, actor, news),
      (tx, actor, news) => webhooks.onNotifications(tx, actor, news),
    ],
  })

  const partners = createPartnerUseCases({ events, clock })
  const customers = createCustomerUseCases({ events })
  const products = createProductUseCases()
  const notifications = createNotificationUseCases({ partners })
  const conflicts = createConflictUseCases({
    clock,
    events,
    canonicalOf: customers.canonicalOf,
    customers,
    people: partners,
    registrations: registrationPort(() => deals),
    findWins: (tx, customerIds) => deals.findPastWins(tx, customerIds),
  })
  const incentives = createIncentiveUseCases({ events, clock })
  const plans = createPlanUseCases({ programmes: partners })
  const statements = createStatementUseCases({ clock, incentives })
  const audit = createAuditUseCases()
  const routing = createRoutingUseCases({ homeOfDeals: oldestConnection, connectionIds })
  const deals = createDealUseCases({
    clock,
    events,
    partners,
    customers,
    products,
    conflicts,
    incentives,
    crm: routing,
  })
  const entities = new Map<string, SyncedEntity<Tx>>(
    [
      createPartnerEntity({ events }),
      createCustomerEntity({ events }),
      createContactEntity({ events }),
      createDealEntity(deals),
    ].map((entity) => [entity.name, entity]),
  )

  const secretBox = createSecretBox(keys)
  const webhooks = createWebhookUseCases({ clock, secrets: secretBox, events })
  const standing = createConnectionStanding({ events, clock })
  const webhookUrl = (id: Connection['id']) => `${publicUrl}/hooks/${id}`
  const pool = createConnectorPool({
    registry: vendors,
    secretBox,
    database,
    clock,
    logger,
    standing,
    webhookUrl,
  })
  const crm = createCrmAccess({ database, pool })
  const onPublished = (tx: Tx, id: Connection['id'], entity: string) => markLinked(tx, id, entity, 'repair')
  const mappings = createMappingUseCases({ entities, onPublished })
  const defaults = readDefaultMappings()
  const connections = createConnectionUseCases({
    clock,
    registry: vendors,
    secretBox,
    defaultMappings: (vendor) =>
      defaults.filter((one) => one.vendor === vendor).map(({ document }) => document),
    lastPolls,
  })
  const checks = createConnectionCheckUseCases({ database, clock, pool, standing, entities, onPublished })
  const setup = createSetupUseCases({ database, pool, webhookUrl })
  const releases = createMappingReleaseUseCases({ database, crm, entities, mappings, sampleLinks })
  const trials = createMappingTrialUseCases({ database, crm, entities, sampleLinks, referenceLookup })

  const engine: Engine = {
    database,
    connections: createEngineConnections(standing),
    connectors: pool,
    mirror: conflicts,
    entities,
    homesOfDeals: (tx, ids) => operations.rerouting.homesOfDeals(tx, ids),
    linksChanged: async (tx, actor, news) => {
      const links = news.flatMap(({ entity, recordId, state, connectionId, remoteId, url }) =>
        entity === 'deal' && state !== 'creating' && state !== 'proposed' && state !== 'moving'
          ? [
              {
                dealId: recordId as DealId,
                state: state === 'active' ? ('linked' as const) : state,
                connectionId,
                remoteId,
                url,
              },
            ]
          : [],
      )
      if (links.length > 0) await deals.setCrmLinks(tx, actor, links)
    },
    dealsWanted: async (tx, actor) => {
      await deals.offerToCrm(tx, actor)
    },
    accountsMerged: (tx, actor, merges) => conflicts.onAccountsMerged(tx, actor, merges),
    reviewsOpened: (tx, actor, count, connection) =>
      events.publish(tx, actor, [
        {
          type: 'notification',
          kind: 'review_item_opened',
          partnerId: null,
          subject: { kind: 'connection', id: connection.id },
          data: { connection: connection.name, count: String(count) },
        },
      ]),
    logger,
    random: Math.random,
  }
  const ringReconcile = (tx: Tx) => afterCommit(tx, reconcileBell, () => ring(reconcileBell))
  const mappingPauses = createMappingPauseUseCases({ ring: ringReconcile })
  const drains = createDrains(engine, { ring })
  const push = createPushUseCases({ engine, findConnection, webhookUrl, bell: { ring }, clock })
  const operations = createSyncOperations({
    engine,
    connectionOf: getConnection,
    deals,
    routing,
    recordUrl,
    ring: ringReconcile,
  })
  const leaks = createLeakUseCases({ engine, connectionOf: getConnection, recordUrl, connectionIds })
  const tasks = createTaskUseCases({
    engine,
    connectionOf: getConnection,
    ring: (tx) => afterCommit(tx, taskBell, () => ring(taskBell)),
  })
  const drift = createDriftUseCases({
    engine,
    connectionOf: getConnection,
    events,
    ring: () => ring(reconcileBell),
  })
  const taskWork = createTaskWork(engine, () => ring(reconcileBell))
  const imports = createImportUseCases()
  const intake = createIntakeUseCases({ database, ring })
  const importWork = createImportWork({
    database,
    appliers: createAppliers({ clock, partners, customers, deals }),
    log: logger,
    ring,
  })
  return {
    events,
    partners,
    customers,
    products,
    notifications,
    webhooks,
    secretBox,
    conflicts,
    incentives,
    plans,
    statements,
    audit,
    deals,
    routing,
    entities,
    standing,
    pool,
    connections,
    checks,
    setup,
    mappings,
    releases,
    trials,
    mappingPauses,
    engine,
    drains,
    push,
    operations,
    leaks,
    tasks,
    taskWork,
    drift,
    imports,
    intake,
    importWork,
    clock,
  }
}
