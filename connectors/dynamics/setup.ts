import { ConnectorFault } from '../fault.ts'
import type { ConnectorSetup, SetupNeeds } from '../setup.ts'
import type { DynamicsCredentials } from './credentials.ts'
import { describeTable } from './describe.ts'
import { type Finding, stepOf } from './finding.ts'
import type { Organisation } from './organisation.ts'
import { findColumn } from './setup-columns.ts'
import { findPrivileges, type Reach, readReach } from './setup-privileges.ts'
import { findTracking } from './setup-tracking.ts'
import { findWebhook } from './setup-webhook.ts'

/** What an organisation needs: our columns and keys, change tracking, privileges, currencies, notifications. */
export function createSetup(organisation: Organisation, credentials: DynamicsCredentials): ConnectorSetup {
  async function look(needs: SetupNeeds, signal: AbortSignal): Promise<readonly Finding[]> {
    const reach = await readReach(organisation, signal)
    const findings: Finding[] = []
    const present: string[] = []
    for (const { object, fields } of needs.objects) {
      const found = await lookAtTable(organisation, object, fields, reach, signal)
      findings.push(...found)
      if (!found.some(({ id }) => id === `table:${object}`)) present.push(object)
    }
    findings.push(await findCurrencies(organisation, signal))
    findings.push(await findWebhook(organisation, present, needs.webhookUrl, credentials, signal))
    return findings
  }

  const plan = async (needs: SetupNeeds, signal: AbortSignal) => (await look(needs, signal)).map(stepOf)

  return {
    plan,
    /** In the order of the plan: a key comes after its column. */
    async apply(needs, stepIds, signal) {
      for (const { id, create } of await look(needs, signal)) {
        if (stepIds.includes(id)) await create?.(signal)
      }
      return plan(needs, signal)
    },
  }
}

async function lookAtTable(
  organisation: Organisation,
  object: string,
  fields: SetupNeeds['objects'][number]['fields'],
  reach: Reach,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  try {
    const { table, fields: existing } = await describeTable(organisation, object, signal)
    const byName = new Map(existing.map((field) => [field.name, field]))
    return [
      ...fields.flatMap((field) => findColumn(organisation, table, field, byName.get(field.name))),
      findTracking(organisation, table),
      await findPrivileges(organisation, table, reach, signal),
    ]
  } catch (error) {
    if (!(error instanceof ConnectorFault) || error.details.code !== 'NO_SUCH_TABLE') throw error
    const detail =
      'It is not there. Opportunities come with Dynamics 365 Sales: install it, or map another table.'
    return [{ id: `table:${object}`, title: `Table ${object}`, state: 'by_hand', detail }]
  }
}

async function findCurrencies({ currencies }: Organisation, signal: AbortSignal): Promise<Finding> {
  const active = (await currencies.list(signal)).filter((currency) => currency.active).map(({ code }) => code)
  const detail = `Amounts can be sent in ${active.toSorted().join(', ')}. A deal in another currency waits until it is added there.`
  return { id: 'currencies', title: 'Currencies', state: 'done', detail }
}
