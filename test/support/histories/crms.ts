/** The three CRMs for random histories: a desk for people, and what may befall a call of ours there. */
import type { Vendor } from '#connectors/registry.ts'
import { startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import { startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { CrmSimulator } from '#test/simulators/simulator.ts'
import type { CrmDesk } from '../desks/crm-desk.ts'
import { dynamicsDesk } from '../desks/dynamics.ts'
import { hubspotDesk } from '../desks/hubspot.ts'
import { salesforceDesk } from '../desks/salesforce.ts'
import type { Random } from '../random.ts'

export interface HistoryCrm {
  readonly desk: CrmDesk
  readonly simulator: Pick<CrmSimulator<unknown>, 'get' | 'update' | 'touch'>
  /** The fields of a deal that a desk does not change. */
  readonly fields: { readonly name: string; readonly protectionEnd: string }
  /** The next call of some kind meets with something bad; answers what. */
  strike(random: Random): object
  /** Null where the CRM sends none: one listens to it. */
  readonly webhooks: { sendTo(url: string): void; deliver(): Promise<unknown> } | null
}

const failures = [
  { kind: 'lost-answer', how: 'cut' },
  { kind: 'lost-answer', how: 'cut' },
  { kind: 'reset' },
  { kind: 'server-error', status: 503 },
  { kind: 'server-error', status: 502, body: 'html' },
] as const

export const historyCrms: Readonly<Record<Vendor, (seed: number) => Promise<HistoryCrm>>> = {
  async salesforce(seed) {
    const simulator = await startSalesforceSimulator({ seed })
    return {
      desk: salesforceDesk(simulator),
      simulator,
      fields: { name: 'Name', protectionEnd: 'PRM_Protection_End__c' },
      strike(random) {
        const operation = random.pick([
          'collections-update',
          'collections-upsert',
          'collections-read',
          'query',
        ] as const)
        const effect = random.pick([
          ...failures,
          { kind: 'throttled', limit: 'ConcurrentRequests' },
          { kind: 'throttled', limit: 'TotalRequests' },
          { kind: 'record-error' },
          { kind: 'record-error', statusCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message: 'Not today' },
        ] as const)
        const fault = { ...effect, operation, count: 1 }
        simulator.faults.add(fault)
        return fault
      },
      webhooks: null,
    }
  },

  async hubspot(seed) {
    const simulator = await startHubspotSimulator({
      seed,
      tenSecondLimit: 10_000,
      searchLimit: 1_000,
      indexLagMs: seed % 2 === 0 ? 0 : indexLagMs,
    })
    const { webhooks } = simulator
    return {
      desk: hubspotDesk(simulator),
      simulator,
      fields: { name: 'dealname', protectionEnd: 'prm_protection_end' },
      strike(random) {
        const operation = random.pick([
          'batch-update',
          'batch-upsert',
          'batch-read',
          'search',
          'associate',
        ] as const)
        const effect = random.pick([
          ...failures,
          { kind: 'throttled', policyName: 'TEN_SECONDLY_ROLLING' },
          { kind: 'throttled', retryAfterSeconds: 7 },
          { kind: 'locked' },
          { kind: 'record-error' },
        ] as const)
        const fault = { ...effect, operation, count: 1 }
        simulator.faults.add(fault)
        return fault
      },
      webhooks: {
        sendTo(url) {
          webhooks.target = url
        },
        deliver: () => webhooks.deliver(),
      },
    }
  },

  async dynamics(seed) {
    const simulator = await startDynamicsSimulator({ seed })
    const { webhooks } = simulator
    return {
      desk: dynamicsDesk(simulator),
      simulator,
      fields: { name: 'name', protectionEnd: 'prm_protectionend' },
      strike(random) {
        const operation = random.pick(['batch', 'batch', 'update', 'query', 'changes'] as const)
        const effect = random.pick([
          ...failures,
          { kind: 'throttled', limit: 'requests' },
          { kind: 'throttled', limit: 'concurrency', retryAfterSeconds: null },
          { kind: 'record-error' },
          { kind: 'half-batch', after: 1, how: 'truncated' },
          { kind: 'half-batch', after: 2, how: 'cut' },
          { kind: 'half-batch', after: 1, how: 'timeout' },
        ] as const)
        const fault = { ...effect, operation, count: 1 }
        simulator.faults.add(fault)
        return fault
      },
      webhooks: {
        sendTo: (url) => webhooks.register(url, simulator.credentials.webhookKey),
        deliver: () => webhooks.deliver(),
      },
    }
  },
}

/** How late HubSpot's search sees a change, in histories with an odd seed. */
export const indexLagMs = 120
