import type { Connector, RemoteField } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { CheckIssue } from '#mappings/check-catalogue.ts'
import type { Database, Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { SyncedEntity } from '#src/kernel/synced-entity.ts'
import { type Connection, standingAt } from './connection.ts'
import type { ConnectionStanding } from './connection-standing-use-cases.ts'
import { type ConnectorPool, otherOrganisation } from './connector-pool.ts'
import { getConnection } from './crm-access.ts'
import { describeFault, refusalOf } from './fault-words.ts'
import { checkOurSide, checkTheirSide, mendedFields } from './mapping-release.ts'
import { readPublished } from './mapping-store.ts'
import type { MappingDeps } from './mapping-use-cases.ts'
import { quarantinedFields, releaseFields } from './quarantine-use-cases.ts'

export interface ConnectionCheckDeps extends Pick<MappingDeps, 'onPublished'> {
  readonly database: Database
  readonly clock: Clock
  readonly pool: Pick<ConnectorPool, 'connectorFor'>
  readonly standing: ConnectionStanding
  readonly entities: ReadonlyMap<string, SyncedEntity<Tx>>
}

/** `entity` null: it concerns the connection as a whole. */
export interface ConnectionProblem extends CheckIssue {
  readonly entity: string | null
}

export interface ConnectionReport {
  /** Nothing stands against keeping in step. */
  readonly ok: boolean
  readonly organisationId: string | null
  readonly multiCurrency: boolean
  readonly problems: readonly ConnectionProblem[]
  /** Fields that rested and are back in step. */
  readonly released: readonly { readonly entity: string; readonly remoteField: string }[]
}

export type ConnectionCheckUseCases = ReturnType<typeof createConnectionCheckUseCases>

/** Asks a CRM whether everything that a connection needs is there. Writes nothing over there. */
export function createConnectionCheckUseCases(deps: ConnectionCheckDeps) {
  const { database, standing } = deps

  /** Signs in and asks who answers. The connector for more questions, or the reason why there can be none. */
  async function identify(
    actor: Actor,
    id: ConnectionId,
    signal: AbortSignal,
  ): Promise<{ readonly connector: Connector } | { readonly fault: ConnectorFault }> {
    const connection = await database.transact(actor, (tx) => getConnection(tx, id))
    try {
      const connector = await deps.pool.connectorFor(connection)
      const identity = await connector.probe(signal)
      const verdict = await database.transact(actor, (tx) => standing.noteIdentity(tx, actor, id, identity))
      return verdict.kind === 'other_organisation'
        ? { fault: otherOrganisation(verdict.message) }
        : { connector }
    } catch (error) {
      if (!(error instanceof ConnectorFault)) throw error
      return { fault: error }
    }
  }

  /** Every object that a published mapping speaks of; a fault but a missing object ends the check. */
  async function describeAll(
    connector: Connector,
    objects: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly RemoteField[] | null>> {
    const described = await Promise.all(
      [...objects].map(async (object) => {
        const fields = await connector.describe(object, signal).catch((error: unknown) => {
          if (error instanceof ConnectorFault && error.kind === 'configuration') return null
          throw error
        })
        return [object, fields] as const
      }),
    )
    return new Map(described)
  }

  /** Compares the published mappings with both sides, and lets fields go on that nothing stands against any more. */
  async function compare(
    tx: Tx,
    actor: Actor,
    id: ConnectionId,
    described: ReadonlyMap<string, readonly RemoteField[] | null>,
  ): Promise<Omit<ConnectionReport, 'ok'>> {
    const connection = await getConnection(tx, id)
    const resting = await quarantinedFields(tx, id)
    const problems: ConnectionProblem[] = []
    const released: ConnectionReport['released'][number][] = []
    for (const { entity, document } of await readPublished(tx, id)) {
      const fields = described.get(document.object)
      // Published while we asked: its publication has just checked it.
      if (fields === undefined) continue
      const theirs = checkTheirSide(document, fields, connection)
      problems.push(
        ...[...checkOurSide(document, deps.entities), ...theirs].map((issue) => ({ ...issue, entity })),
      )
      const names = resting.filter((field) => field.entity === entity).map(({ remoteField }) => remoteField)
      const mended = fields ? mendedFields(names, document, theirs) : []
      const back = await releaseFields(tx, actor, id, entity, mended)
      released.push(...back.map((remoteField) => ({ entity, remoteField })))
      if (back.length > 0) await deps.onPublished(tx, id, entity)
    }
    const { organisationId, multiCurrency } = connection
    return { organisationId, multiCurrency, problems, released }
  }

  async function unreachable(
    actor: Actor,
    id: ConnectionId,
    fault: ConnectorFault,
  ): Promise<ConnectionReport> {
    const isOther = fault.details.code === 'OTHER_ORGANISATION'
    const { organisationId, multiCurrency } = await database.transact(actor, async (tx) => {
      if (fault.kind === 'unauthorised' && !isOther) {
        const reason = describeFault(fault)
        await standing.pauseConnection(tx, actor, id, { until: null, reason, attention: true })
      }
      return getConnection(tx, id)
    })
    const problem: ConnectionProblem = {
      entity: null,
      path: '',
      severity: 'error',
      code: isOther ? 'other_organisation' : `crm_${fault.kind}`,
      message: isOther ? fault.message : describeFault(fault),
    }
    return { ok: false, organisationId, multiCurrency, problems: [problem], released: [] }
  }

  return {
    /**
     * Signs in, pins the organisation, and compares the published mappings with what the CRM describes. What is wrong
     * is in the report; a refused sign-in or another organisation stops the connection as well.
     */
    async check(actor: Actor, id: ConnectionId, signal: AbortSignal): Promise<ConnectionReport> {
      const answer = await identify(actor, id, signal)
      if ('fault' in answer) return unreachable(actor, id, answer.fault)
      const published = await database.transact(actor, (tx) => readPublished(tx, id))
      try {
        const objects = new Set(published.map(({ document }) => document.object))
        const described = await describeAll(answer.connector, objects, signal)
        const report = await database.transact(actor, (tx) => compare(tx, actor, id, described))
        return { ...report, ok: report.problems.every(({ severity }) => severity !== 'error') }
      } catch (error) {
        if (!(error instanceof ConnectorFault)) throw error
        return unreachable(actor, id, error)
      }
    },

    /** Lets a connection work again; one that needed attention only once the right organisation answers. */
    async resume(actor: Actor, id: ConnectionId, signal: AbortSignal): Promise<Connection> {
      const connection = await database.transact(actor, (tx) => getConnection(tx, id))
      if (standingAt(connection, deps.clock.now()).status === 'attention') {
        const answer = await identify(actor, id, signal)
        if ('fault' in answer) {
          const { details, message } = answer.fault
          throw details.code === 'OTHER_ORGANISATION'
            ? new Refused('other_organisation', message)
            : refusalOf(answer.fault)
        }
      }
      return database.transact(actor, (tx) => standing.resume(tx, actor, id))
    },
  }
}
