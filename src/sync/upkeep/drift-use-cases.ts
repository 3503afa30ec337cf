import type { RemoteField } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound, Refused } from '#src/kernel/errors.ts'
import type { EventBus } from '#src/kernel/events.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { type Engine, type PublishedMapping, type SyncConnection, syncActor } from '../ground/engine.ts'
import { usesField } from '../ground/workspace.ts'
import {
  type CreationHold,
  creationHolds,
  holdCreations,
  releaseCreations,
} from '../memory/creation-hold-store.ts'
import { restLines } from '../memory/link-store.ts'
import { markLinked } from '../memory/mark-store.ts'
import { takeLease } from '../memory/slot-store.ts'
import type { OperationDeps } from '../operations/operation-deps.ts'
import { type Drift, findDrift } from './drift.ts'
import {
  closeDrift,
  driftDue,
  insertDrift,
  openDrift,
  type StoredDrift,
  saveSchema,
  seenSchemas,
} from './drift-store.ts'

/** Name of the bell. */
export const driftBell = 'schema_drift'

const betweenChecksMs = 50_000

export interface DriftDeps {
  readonly engine: Engine
  readonly connectionOf: OperationDeps['connectionOf']
  readonly events: Pick<EventBus<Tx>, 'publish'>
  /** Says that marks may go on. */
  ring(): void
}

export interface DriftReport {
  readonly objects: readonly { readonly object: string; readonly checkedAt: Date }[]
  readonly holds: readonly CreationHold[]
  readonly findings: readonly StoredDrift[]
}

export type DriftUseCases = ReturnType<typeof createDriftUseCases>
type Described = ReadonlyMap<string, readonly RemoteField[] | null>

/** Whether the CRM's set-up still fits the mappings; what does not is put to rest, told, and healed once it is mended. */
export function createDriftUseCases({ engine, connectionOf, events, ring }: DriftDeps) {
  const { database, connections } = engine

  async function describeAll(
    connection: SyncConnection,
    objects: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Described> {
    const connector = await engine.connectors.connectorFor(connection, 'repair')
    const described = new Map<string, readonly RemoteField[] | null>()
    for (const object of objects) {
      const fields = await connector.describe(object, signal).catch((error: unknown) => {
        if (error instanceof ConnectorFault && error.kind === 'configuration') return null
        throw error
      })
      described.set(object, fields)
    }
    return described
  }

  /** @throws ConnectorFault */
  async function check(connection: SyncConnection, signal: AbortSignal): Promise<void> {
    const mappings = await database.transact(syncActor, (tx) =>
      connections.publishedMappings(tx, connection.id),
    )
    const objects = new Set(mappings.map(({ document }) => document.object))
    const described = await describeAll(connection, objects, signal)
    await database.transact(syncActor, (tx) => settle(tx, connection, described))
    ring()
  }

  async function settle(tx: Tx, connection: SyncConnection, described: Described): Promise<void> {
    const { id } = connection
    const seen = await seenSchemas(tx, id)
    const published = await connections.publishedMappings(tx, id)
    const found = published.flatMap(({ document, versionId }) => {
      const now = described.get(document.object)
      // Published while we asked: the next check looks at it.
      if (now === undefined) return []
      const before = seen.get(document.object)?.fields ?? null
      const drifts = findDrift({ document, before, now, organisation: connection })
      return drifts.map((drift) => ({ ...drift, mappingVersionId: versionId }))
    })
    const open = await openDrift(tx, id)
    const isOpen = (drift: Drift) => open.some((known) => sameDrift(known, drift))
    const news = found.filter((drift) => !isOpen(drift))
    const closed = open.filter((known) => isOver(known, found, published))
    await closeDrift(
      tx,
      id,
      closed.map((drift) => drift.id),
    )
    await insertDrift(tx, id, news)
    await restFields(tx, id, published, found)
    await releaseFields(tx, id, closed, found)
    await settleHolds(tx, id, published, found)
    for (const [object, fields] of described) if (fields) await saveSchema(tx, id, object, fields)
    await tell(tx, connection, news)
  }

  async function restFields(
    tx: Tx,
    id: ConnectionId,
    published: readonly PublishedMapping[],
    found: readonly Drift[],
  ): Promise<void> {
    const resting = await connections.quarantinedFields(tx, id)
    for (const { entity, remoteField, effect, message } of found) {
      const rests = resting.some((field) => field.entity === entity && field.remoteField === remoteField)
      if (effect !== 'field_rests' || rests) continue
      await connections.quarantineField(tx, id, entity, remoteField, message)
      const lines = published
        .filter((mapping) => mapping.entity === entity)
        .flatMap(({ document }) => document.fields.filter((line) => usesField(line, remoteField)))
      await restLines(
        tx,
        id,
        entity,
        lines.map(({ local }) => local),
      )
    }
  }

  /** Fields that fit again: they go on, and every linked record is compared anew, so that what was missed catches up. */
  async function releaseFields(
    tx: Tx,
    id: ConnectionId,
    closed: readonly StoredDrift[],
    found: readonly Drift[],
  ): Promise<void> {
    const rests = (entity: string, remoteField: string) =>
      found.some(
        (drift) =>
          drift.effect === 'field_rests' && drift.entity === entity && drift.remoteField === remoteField,
      )
    const mended = closed.filter(
      ({ effect, entity, remoteField }) => effect === 'field_rests' && !rests(entity, remoteField),
    )
    for (const { entity, remoteField } of mended) await connections.releaseField(tx, id, entity, remoteField)
    for (const entity of new Set(mended.map((drift) => drift.entity)))
      await markLinked(tx, id, entity, 'repair')
  }

  async function settleHolds(
    tx: Tx,
    id: ConnectionId,
    published: readonly PublishedMapping[],
    found: readonly Drift[],
  ): Promise<void> {
    for (const { entity } of published) {
      const causes = found.filter((drift) => drift.entity === entity && drift.effect === 'creations_held')
      const [first] = causes
      if (!first) {
        await releaseCreations(tx, id, entity)
        continue
      }
      const reason = causes.map(({ message }) => message).join(' ')
      const remoteFields = [...new Set(causes.map(({ remoteField }) => remoteField))]
      await holdCreations(tx, id, { entity, reason, remoteFields })
    }
  }

  async function tell(tx: Tx, { id, name }: SyncConnection, news: readonly Drift[]): Promise<void> {
    const [first] = news
    if (!first) return
    const subject = { kind: 'connection', id }
    await recordAudit(
      tx,
      syncActor,
      news.map(({ entity, remoteField, kind, effect, message }) => ({
        action: 'connection.drift_found',
        subject,
        after: { entity, remoteField, kind, effect },
        reason: message,
      })),
    )
    const more = news.length > 1 ? ` (and ${news.length - 1} more)` : ''
    await events.publish(tx, syncActor, [
      {
        type: 'notification',
        kind: 'schema_drifted',
        partnerId: null,
        subject,
        data: {
          connection: name,
          message: `${first.message}${more}`,
          advice: first.advice,
          count: String(news.length),
        },
      },
    ])
  }

  async function report(tx: Tx, id: ConnectionId): Promise<DriftReport> {
    await connectionOf(tx, id)
    const objects = [...(await seenSchemas(tx, id))].map(([object, { seenAt }]) => ({
      object,
      checkedAt: seenAt,
    }))
    return { objects, holds: await creationHolds(tx, id), findings: await openDrift(tx, id) }
  }

  return {
    report,

    /** Looks now, on behalf of a person. @throws Refused `crm_unreachable` */
    async checkNow(actor: Actor, id: ConnectionId, signal: AbortSignal): Promise<DriftReport> {
      const connection = await database.transact(actor, (tx) => connectionOf(tx, id))
      try {
        await check(connection, signal)
      } catch (error) {
        if (!(error instanceof ConnectorFault)) throw error
        throw new Refused('crm_unreachable', `The CRM could not be asked: ${error.message}`)
      }
      return database.transact(actor, (tx) => report(tx, id))
    },

    /** A person has seen a finding that only tells something. @throws Refused `needs_mending` */
    async acknowledge(tx: Tx, actor: Actor, id: ConnectionId, findingId: string): Promise<DriftReport> {
      const finding = (await openDrift(tx, id)).find((one) => one.id === findingId)
      if (!finding) throw new NotFound('The finding')
      if (finding.effect !== 'told') {
        throw new Refused('needs_mending', 'It goes by itself once the field or the mapping is mended')
      }
      await closeDrift(tx, id, [findingId])
      await recordAudit(tx, actor, [
        {
          action: 'connection.drift_acknowledged',
          subject: { kind: 'connection', id },
          before: { entity: finding.entity, remoteField: finding.remoteField, kind: finding.kind },
        },
      ])
      return report(tx, id)
    },

    /** What the bell runs: each connection now and then, one worker at a time. A CRM that does not answer is asked later. */
    async drain(signal: AbortSignal): Promise<void> {
      const { active, due } = await database.transact(syncActor, async (tx) => {
        const active = await connections.activeConnections(tx)
        const ids = active.map(({ id }) => id)
        return { active, due: await driftDue(tx, ids) }
      })
      for (const connection of active) {
        if (signal.aborted) return
        if (!due.has(connection.id)) continue
        // The lease is left to run out: it is what spaces the checks.
        if (!(await takeLease(database, connection.id, 'drift', betweenChecksMs))) continue
        try {
          await check(connection, signal)
        } catch (error) {
          if (!(error instanceof ConnectorFault)) throw error
          engine.logger.warn(
            { connection: connection.name, reason: error.message },
            'the set-up of a CRM could not be looked at',
          )
        }
      }
    },
  }
}

const sameDrift = (a: Drift, b: Drift): boolean =>
  a.entity === b.entity && a.remoteField === b.remoteField && a.kind === b.kind && a.effect === b.effect

/** What stands against a mapping is over once it no longer does; what was only told, with the next mapping. */
function isOver(
  known: StoredDrift,
  found: readonly Drift[],
  published: readonly PublishedMapping[],
): boolean {
  if (known.effect !== 'told') return !found.some((drift) => sameDrift(drift, known))
  const isWorse = found.some(
    (drift) => sameDrift({ ...drift, effect: 'told' }, known) && drift.effect !== 'told',
  )
  return isWorse || !published.some(({ versionId }) => versionId === known.mappingVersionId)
}
