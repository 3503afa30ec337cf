import { startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'
import { hubspotDesk } from '#test/support/desks/hubspot.ts'
import type { OpenTroubledCrm, Struck } from './crm-troubles.ts'

const deals = 'deals'
const operations = {
  create: 'batch-upsert',
  update: 'batch-update',
  read: 'batch-read',
  poll: 'search',
} as const satisfies Record<Struck, string>
const statuses = [
  'Draft',
  'Submitted',
  'In Review',
  'Returned',
  'Approved',
  'Rejected',
  'Withdrawn',
  'Cancelled',
  'Expired',
]

export const openTroubledHubspot: OpenTroubledCrm = async ({ aheadMs = 0 } = {}) => {
  const simulator = await startHubspotSimulator({
    now: () => new Date(Date.now() + aheadMs),
    tenSecondLimit: 10_000,
    searchLimit: 1_000,
  })
  const desk = hubspotDesk(simulator)
  const { faults, webhooks } = simulator
  const fields = {
    key: 'prm_deal_id',
    name: 'dealname',
    protectionEnd: 'prm_protection_end',
    tier: 'prm_partner_tier',
    status: 'prm_registration_status',
  }
  const setStatuses = (labels: readonly string[]) =>
    simulator.setOptions(
      deals,
      fields.status,
      labels.map((label, displayOrder) => ({ label, value: label, displayOrder, hidden: false })),
    )
  simulator.addProperty(deals, {
    name: 'campaign_code',
    label: 'Campaign code',
    type: 'string',
    fieldType: 'text',
  })
  return {
    desk,
    simulator,
    fields,
    spareField: 'campaign_code',
    throttle: (seconds) => {
      faults.add({
        kind: 'throttled',
        operation: operations.create,
        object: deals,
        count: 1,
        ...(seconds === null ? {} : { retryAfterSeconds: seconds }),
      })
    },
    statedPauseSeconds: (seconds) => [seconds ?? 5, seconds ?? 60],
    // Of people only: calls by the numbered paths pass.
    asksCallsForRequired: false,
    breakDown: (status, body, struck, count) => {
      faults.add({ kind: 'server-error', status, body, operation: operations[struck], object: deals, count })
    },
    loseAnswer: (struck, how) => {
      faults.add({ kind: 'lost-answer', how, operation: operations[struck], object: deals, count: 1 })
    },
    cutBefore: (struck) => {
      faults.add({ kind: 'reset', operation: operations[struck], object: deals, count: 1 })
    },
    refuseDealsNamed: (name) =>
      simulator.addValidationRule({
        object: deals,
        property: 'dealname',
        check: (row) => (row['dealname'] === name ? 'Not a name for a deal' : null),
      }),
    revoke() {
      simulator.expireSessions()
      faults.add({ kind: 'refused-login', error: 'invalid_grant', description: 'refresh token revoked' })
      return desk.credentials
    },
    dropApproved() {
      setStatuses(statuses.filter((status) => status !== 'Approved'))
      return () => setStatuses(statuses)
    },
    relabelStatuses: () =>
      simulator.setOptions(
        deals,
        fields.status,
        statuses.map((value, displayOrder) => ({
          label: `Status: ${value}`,
          value,
          displayOrder,
          hidden: false,
        })),
      ),
    refuseSome: (probability) => {
      faults.add({ kind: 'record-error', object: deals, probability })
    },
    unknownId: '999999999999',
    namedDeal: (dealname) => ({ dealname, pipeline: 'default', dealstage: 'qualifiedtobuy' }),
    restoreProtectionEnd: () =>
      simulator.addProperty(deals, {
        name: fields.protectionEnd,
        label: 'PRM Protection End',
        type: 'date',
        fieldType: 'date',
      }),
    // HubSpot has no rules about doubles of deals; a value that must be unique is what it refuses them by.
    refuseDoublesOf: (id) =>
      faults.add({
        kind: 'record-error',
        status: 409,
        category: 'CONFLICT',
        code: 'CONFLICTING_UNIQUE_VALUE',
        message: `${id} already has that value.`,
        operation: operations.create,
        object: deals,
      }),
    mergeCompanies: (master, loser) => simulator.merge('companies', master, [loser]),
    expireCursors: null,
    push: {
      kind: 'webhook',
      target(url) {
        webhooks.target = url
      },
      async deliver({ drop, double, shuffle = false }) {
        await webhooks.deliver({ drop: drop ? 0.5 : 0, double: double ? 1 : 0, shuffle })
      },
    },
  }
}
