import { ConnectorFault } from '#connectors/fault.ts'
import type { ConnectorSetup, SetupNeeds, SetupStep } from '#connectors/setup.ts'
import { neededObjects } from '#mappings/needs.ts'
import { recordAudit } from '#src/database/audit.ts'
import type { Database } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput, Refused } from '#src/kernel/errors.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { Connection } from './connection.ts'
import { subjectOf } from './connection-standing-use-cases.ts'
import type { ConnectorPool } from './connector-pool.ts'
import { getConnection } from './crm-access.ts'
import { refusalOf } from './fault-words.ts'
import { readPublished } from './mapping-store.ts'

export interface SetupDeps {
  readonly database: Database
  readonly pool: Pick<ConnectorPool, 'connectorFor'>
  /** The public address for webhooks of a connection. */
  webhookUrl(id: ConnectionId): string
}

export type SetupUseCases = ReturnType<typeof createSetupUseCases>

/** What the organisation behind a connection still lacks for the published mappings, and creating it there. */
export function createSetupUseCases({ database, pool, webhookUrl }: SetupDeps) {
  async function prepare(actor: Actor, id: ConnectionId) {
    const { connection, published } = await database.transact(actor, async (tx) => ({
      connection: await getConnection(tx, id),
      published: await readPublished(tx, id),
    }))
    const { setup } = await pool.connectorFor(connection)
    if (!setup) throw new Refused('no_setup', 'This CRM can only be set up by hand; see the documentation')
    const needs: SetupNeeds = {
      objects: neededObjects(published.map(({ document }) => document)),
      webhookUrl: reachable(webhookUrl(id), connection) ? webhookUrl(id) : null,
    }
    return { setup, needs }
  }

  async function asking(work: () => Promise<readonly SetupStep[]>): Promise<readonly SetupStep[]> {
    try {
      return await work()
    } catch (error) {
      throw error instanceof ConnectorFault ? refusalOf(error) : error
    }
  }

  return {
    /** Looks and changes nothing. */
    plan: (actor: Actor, id: ConnectionId, signal: AbortSignal): Promise<readonly SetupStep[]> =>
      asking(async () => {
        const { setup, needs } = await prepare(actor, id)
        return setup.plan(needs, signal)
      }),

    /**
     * Creates over there what the named steps say is missing. Only what the plan offers is done: what must be done by
     * hand, or stands there already, is refused. Safe to repeat.
     */
    apply: (
      actor: Actor,
      id: ConnectionId,
      stepIds: readonly string[],
      signal: AbortSignal,
    ): Promise<readonly SetupStep[]> =>
      asking(async () => {
        const { setup, needs } = await prepare(actor, id)
        const chosen = await choose(setup, needs, stepIds, signal)
        const subject = subjectOf(id)
        await database.transact(actor, (tx) =>
          recordAudit(tx, actor, [
            { action: 'connection.setup_begun', subject, after: { steps: chosen.map(({ title }) => title) } },
          ]),
        )
        const after = await setup.apply(needs, stepIds, signal)
        await database.transact(actor, (tx) =>
          recordAudit(tx, actor, [{ action: 'connection.setup_applied', subject, after: { steps: after } }]),
        )
        return after
      }),
  }
}

async function choose(
  setup: ConnectorSetup,
  needs: SetupNeeds,
  stepIds: readonly string[],
  signal: AbortSignal,
): Promise<readonly SetupStep[]> {
  const plan = new Map((await setup.plan(needs, signal)).map((step) => [step.id, step]))
  const issues = stepIds.flatMap((id, index) => {
    const step = plan.get(id)
    if (step && step.state !== 'by_hand') return []
    const message = step ? `Only a person can do this: ${step.detail}` : 'The plan has no such step'
    return [{ path: `/body/steps/${index}`, code: step ? 'by_hand' : 'unknown_step', message }]
  })
  if (issues.length > 0) throw new InvalidInput('Not all of these steps can be done', issues)
  return stepIds.flatMap((id) => plan.get(id) ?? [])
}

const loopback = ['localhost', '127.0.0.1', '[::1]']

/** Can the CRM reach it? A loopback address only where the CRM is on this machine too. */
function reachable(url: string, { instanceUrl }: Connection): boolean {
  const { protocol, hostname } = new URL(url)
  if (!loopback.includes(hostname)) return protocol === 'https:'
  return instanceUrl !== null && loopback.includes(new URL(instanceUrl).hostname)
}
