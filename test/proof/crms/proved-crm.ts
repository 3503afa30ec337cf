/**
 * The proof with three CRMs at once: how many calls a file of registrations, changes and refused rows cost in each of
 * them. Nothing here asks our service for what the simulators can tell; their call logs count.
 */
import type { Call } from '#test/simulators/calls.ts'
import { startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import { startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { CrmDesk } from '#test/support/desks/crm-desk.ts'
import { dynamicsDesk } from '#test/support/desks/dynamics.ts'
import { hubspotDesk } from '#test/support/desks/hubspot.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'

/** What one call did, as far as it counts here. */
export interface Deed {
  /** `links`: which records belong together, where that is written and read on its own. */
  readonly kind: 'write' | 'read' | 'link-write' | 'link-read'
  readonly object: string
  /** The object at the other end of links. */
  readonly to?: string
  readonly records: number
}

export interface ProvedCrm {
  readonly desk: CrmDesk
  /** Records that one write call can hold. */
  readonly batch: number
  /** Null for calls of no interest: sign-in, polls, searches, definitions. Reads are those by id. */
  deedOf(call: Call): Deed | null
  /** The administrator refuses deals that close on this day. Answers a function that lifts the rule. */
  refuseCloseDay(day: string, message: string): () => void
}

export async function startCrms(): Promise<readonly ProvedCrm[]> {
  return [await startSalesforce(), await startDynamics(), await startHubspot()]
}

async function startSalesforce(): Promise<ProvedCrm> {
  const simulator = await startSalesforceSimulator()
  return {
    desk: salesforceDesk(simulator),
    batch: 200,
    deedOf({ operation, object, records }) {
      if (object === null) return null
      if (/^(?:collections-)?(?:create|update|upsert|delete)$/.test(operation))
        return { kind: 'write', object, records }
      return /^(?:collections-)?read$/.test(operation) ? { kind: 'read', object, records } : null
    },
    refuseCloseDay: (day, message) =>
      simulator.addValidationRule({
        object: 'Opportunity',
        field: 'CloseDate',
        check: ({ CloseDate: closes }) => (closes === day ? message : null),
      }),
  }
}

const dynamicsWrites = /^(?:create|update|upsert|delete|bulk|close|merge)$/

async function startDynamics(): Promise<ProvedCrm> {
  const simulator = await startDynamicsSimulator()
  const keys: Readonly<Record<string, string>> = { opportunity: 'opportunityid', account: 'accountid' }
  return {
    desk: dynamicsDesk(simulator),
    batch: 100,
    deedOf({ operation, object, records, path, parts }) {
      if (operation === 'batch') {
        // One that writes anything is a write of what it writes; one that only reads is a read.
        const writes = (parts ?? []).filter((part) => dynamicsWrites.test(part.operation))
        const [first] = writes.length > 0 ? writes : (parts ?? [])
        if (!first?.object) return null
        const kind = writes.length > 0 ? 'write' : 'read'
        return { kind, object: first.object, records: writes.length || records }
      }
      if (object === null) return null
      if (dynamicsWrites.test(operation)) return { kind: 'write', object, records }
      const isById =
        operation === 'read' ||
        (operation === 'query' && decodeURIComponent(path).includes(`${keys[object] ?? object} eq `))
      return isById ? { kind: 'read', object, records } : null
    },
    refuseCloseDay: (day, message) =>
      simulator.addValidationRule({
        object: 'opportunity',
        check: ({ estimatedclosedate: closes }) => (closes === day ? message : null),
      }),
  }
}

/** `/crm/v4/associations/deals/companies/batch/create` */
const otherEnd = (path: string): string => /associations\/(?:[^/]+\/)*?([^/]+)\/batch\//.exec(path)?.[1] ?? ''

async function startHubspot(): Promise<ProvedCrm> {
  const simulator = await startHubspotSimulator()
  return {
    desk: hubspotDesk(simulator),
    batch: 100,
    deedOf({ operation, object, records, path }) {
      if (object === null) return null
      if (/^(?:batch-)?(?:create|update|upsert|archive)$/.test(operation))
        return { kind: 'write', object, records }
      if (/^(?:batch-)?read$/.test(operation)) return { kind: 'read', object, records }
      const kind =
        operation === 'associate' ? 'link-write' : operation === 'associations' ? 'link-read' : null
      return kind && { kind, object, to: otherEnd(path), records }
    },
    refuseCloseDay: (day, message) =>
      simulator.addValidationRule({
        object: 'deals',
        property: 'closedate',
        check: ({ closedate }) => (String(closedate ?? '').startsWith(day) ? message : null),
      }),
  }
}
