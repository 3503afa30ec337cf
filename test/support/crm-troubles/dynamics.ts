import { startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import { dynamicsDesk } from '#test/support/desks/dynamics.ts'
import type { OpenTroubledCrm, Struck } from './crm-troubles.ts'

const deals = 'opportunity'
/** Every write is part of a batch, whatever it is about. */
const operations = {
  create: 'batch',
  update: 'batch',
  read: 'query',
  poll: 'changes',
} as const satisfies Record<Struck, string>
const options = [
  'Draft',
  'Submitted',
  'In Review',
  'Returned',
  'Approved',
  'Rejected',
  'Withdrawn',
  'Cancelled',
  'Expired',
].map((label, place) => ({ value: 100_000_000 + place, label }))

export const openTroubledDynamics: OpenTroubledCrm = async ({ aheadMs = 0 } = {}) => {
  const simulator = await startDynamicsSimulator({ now: () => new Date(Date.now() + aheadMs) })
  const desk = dynamicsDesk(simulator)
  const { faults, webhooks } = simulator
  const fields = {
    key: 'prm_dealid',
    name: 'name',
    protectionEnd: 'prm_protectionend',
    tier: 'prm_partnertier',
    status: 'prm_registrationstatus',
  }
  simulator.addAttribute(deals, { logicalName: 'new_campaigncode', label: 'Campaign code', type: 'String' })
  return {
    desk,
    simulator,
    fields,
    spareField: 'new_campaigncode',
    throttle: (retryAfterSeconds) => {
      faults.add({
        kind: 'throttled',
        limit: 'requests',
        retryAfterSeconds,
        operation: operations.create,
        count: 1,
      })
    },
    statedPauseSeconds: (seconds) => [seconds ?? 5, seconds ?? 310],
    asksCallsForRequired: true,
    breakDown: (status, body, struck, count) => {
      faults.add({ kind: 'server-error', status, body, operation: operations[struck], count })
    },
    loseAnswer: (struck, how) => {
      faults.add({ kind: 'lost-answer', how, operation: operations[struck], count: 1 })
    },
    cutBefore: (struck) => {
      faults.add({ kind: 'reset', operation: operations[struck], count: 1 })
    },
    refuseDealsNamed: (name) =>
      simulator.addValidationRule({
        object: deals,
        check: (row) => (row['name'] === name ? 'Not a name for an opportunity' : null),
      }),
    revoke() {
      simulator.expireSessions()
      faults.add({ kind: 'refused-login', error: 'invalid_client', description: 'secret expired' })
      return desk.credentials
    },
    dropApproved() {
      simulator.setOptions(
        deals,
        fields.status,
        options.filter(({ label }) => label !== 'Approved'),
      )
      return () => simulator.setOptions(deals, fields.status, options)
    },
    relabelStatuses: () =>
      simulator.setOptions(
        deals,
        fields.status,
        options.map(({ value, label }) => ({ value, label: `Status: ${label}` })),
      ),
    refuseSome: (probability) => {
      faults.add({
        kind: 'record-error',
        status: 400,
        code: '0x80040265',
        message: 'Refused by a plug-in',
        object: deals,
        probability,
      })
    },
    unknownId: '00000000-0000-4000-8000-00000000dead',
    namedDeal: (name) => ({ name }),
    restoreProtectionEnd: () =>
      simulator.addAttribute(deals, {
        logicalName: fields.protectionEnd,
        label: 'PRM Protection End',
        type: 'DateTime',
        dateOnly: true,
      }),
    refuseDoublesOf: (id) =>
      simulator.addDuplicateRule({
        object: deals,
        name: 'Same project',
        matches: (_candidate, existing) => existing['opportunityid'] === id,
      }),
    mergeCompanies(master, loser) {
      simulator.merge('account', master, [loser])
      return master
    },
    expireCursors: () => simulator.expireDeltaLinks(),
    push: {
      kind: 'webhook',
      target: (url) => webhooks.register(url, simulator.credentials.webhookKey),
      async deliver({ drop, double, shuffle = false }) {
        await webhooks.deliver({ drop: drop ? 1 : 0, double: double ?? false, shuffle })
      },
    },
  }
}
