import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'
import type { OpenTroubledCrm, Struck } from './crm-troubles.ts'

const deals = 'Opportunity'
const operations = {
  create: 'collections-upsert',
  update: 'collections-update',
  read: 'collections-read',
  poll: 'query',
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

export const openTroubledSalesforce: OpenTroubledCrm = async ({ aheadMs = 0 } = {}) => {
  const simulator = await startSalesforceSimulator({ now: () => new Date(Date.now() + aheadMs) })
  const desk = salesforceDesk(simulator)
  const { faults } = simulator
  const fields = {
    key: 'PRM_Deal_Id__c',
    name: 'Name',
    protectionEnd: 'PRM_Protection_End__c',
    tier: 'PRM_Partner_Tier__c',
    status: 'PRM_Registration_Status__c',
  }
  const setStatuses = (choices: readonly string[]) =>
    simulator.setChoices(deals, fields.status, choices, { restricted: true })
  simulator.addField(deals, { name: 'Campaign_Code__c', label: 'Campaign code', type: 'string', length: 40 })
  return {
    desk,
    simulator,
    fields,
    spareField: 'Campaign_Code__c',
    // Salesforce never says for how long: the day's limit lasts an hour at a time, too many at once a moment.
    throttle: (seconds) => {
      const limit = seconds === null ? 'ConcurrentRequests' : 'TotalRequests'
      faults.add({ kind: 'throttled', limit, operation: operations.create, object: deals, count: 1 })
    },
    statedPauseSeconds: (seconds) => (seconds === null ? [5, 60] : [3_000, 3_700]),
    asksCallsForRequired: true,
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
        field: 'Name',
        check: (row) => (row['Name'] === name ? 'Not a name for an opportunity' : null),
      }),
    revoke() {
      simulator.expireSessions()
      faults.add({ kind: 'refused-login', error: 'invalid_client', description: 'client revoked' })
      return desk.credentials
    },
    dropApproved() {
      setStatuses(statuses.filter((status) => status !== 'Approved'))
      return () => setStatuses(statuses)
    },
    relabelStatuses: () =>
      simulator.setChoices(
        deals,
        fields.status,
        statuses.map((value) => ({ value, label: `Status: ${value}` })),
        { restricted: true },
      ),
    refuseSome: (probability) => {
      faults.add({
        kind: 'record-error',
        statusCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
        object: deals,
        probability,
      })
    },
    unknownId: '006000000000001AAA',
    namedDeal: (name) => ({ Name: name, StageName: 'Qualification', CloseDate: '2027-02-01' }),
    restoreProtectionEnd: () => simulator.addField(deals, { name: fields.protectionEnd, type: 'date' }),
    refuseDoublesOf: (id) =>
      simulator.addDuplicateRule({
        object: deals,
        name: 'Same project',
        matches: (_candidate, existing) => existing['Id'] === id,
      }),
    mergeCompanies(master, loser) {
      simulator.merge('Account', master, [loser])
      return master
    },
    expireCursors: null,
    push: {
      kind: 'channel',
      held: () => simulator.streams.held,
      disturb: ({ double = false, shuffle = false }) =>
        simulator.streams.setDelivery({ double, reverse: shuffle }),
      forget: () => simulator.changeEvents.forget(null),
    },
  }
}
