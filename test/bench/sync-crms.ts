/** The simulated CRMs of the sync bench, one interface to each, without limits of calls per time. */
import type { Vendor } from '#connectors/registry.ts'
import { startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import { startHubspotSimulator } from '#test/simulators/hubspot/simulator.ts'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { CrmSimulator } from '#test/simulators/simulator.ts'
import type { CrmDesk } from '#test/support/desks/crm-desk.ts'
import { dynamicsDesk } from '#test/support/desks/dynamics.ts'
import { hubspotDesk } from '#test/support/desks/hubspot.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'

/** What a limit per time would say of a rate is the limit; here the simulator answers as fast as it can. */
const noLimit = 1_000_000_000

type Row = Readonly<Record<string, unknown>>

export interface BenchCrm {
  readonly vendor: Vendor
  readonly desk: CrmDesk
  readonly simulator: Pick<
    CrmSimulator,
    'get' | 'insertMany' | 'integrationUserId' | 'calls' | 'close' | 'url'
  >
  /** Records that one call may carry: 5, 10 and 10 calls per 1,000. */
  readonly recordsPerCall: number
  /** What is done in there happened long before: polls, which read the latest minutes again, do not come back to it. */
  longAgo<Result>(work: () => Result): Result
  /** Ties a new record to others where that is no field of it. `ties` are remote fields with ids. */
  tie(object: string, id: string, ties: Row): void
  /** Sends the webhooks that piled up; nothing where the service listens. */
  deliver(): Promise<void>
  /** Throws them away. */
  forget(): Promise<void>
  /** Sends them every second until the answered function is called. */
  deliverOnAndOn(): () => void
}

const never = () => undefined

const longAgoMs = 3_600_000

/** The clock over there. */
function createClock(): { readonly now: () => Date } & Pick<BenchCrm, 'longAgo'> {
  let behindMs = 0
  return {
    now: () => new Date(Date.now() - behindMs),
    longAgo(work) {
      behindMs = longAgoMs
      try {
        return work()
      } finally {
        behindMs = 0
      }
    },
  }
}

export const startCrm: Readonly<Record<Vendor, (name?: string) => Promise<BenchCrm>>> = {
  async salesforce(name) {
    const { now, longAgo } = createClock()
    const simulator = await startSalesforceSimulator({ now, dailyLimit: noLimit })
    const desk = salesforceDesk(simulator)
    return {
      vendor: 'salesforce',
      desk: { ...desk, name: name ?? desk.name },
      simulator,
      recordsPerCall: 200,
      longAgo,
      tie: never,
      deliver: async () => undefined,
      forget: async () => undefined,
      deliverOnAndOn: () => never,
    }
  },

  async dynamics(name) {
    const { now, longAgo } = createClock()
    const simulator = await startDynamicsSimulator({ now, requestLimit: noLimit })
    const desk = dynamicsDesk(simulator)
    return {
      vendor: 'dynamics',
      desk: { ...desk, name: name ?? desk.name, tellAt: never },
      simulator,
      recordsPerCall: 100,
      longAgo,
      tie: never,
      deliver: async () => void (await simulator.webhooks.deliver()),
      forget: async () => simulator.webhooks.clear(),
      deliverOnAndOn: () => simulator.webhooks.run(1_000),
    }
  },

  async hubspot(name) {
    const { now, longAgo } = createClock()
    const simulator = await startHubspotSimulator({
      now,
      dailyLimit: noLimit,
      tenSecondLimit: noLimit,
      searchLimit: noLimit,
    })
    const desk = hubspotDesk(simulator)
    const { webhooks } = simulator
    return {
      vendor: 'hubspot',
      desk: {
        ...desk,
        name: name ?? desk.name,
        tellAt(url) {
          webhooks.target = url
        },
      },
      simulator,
      recordsPerCall: 100,
      longAgo,
      tie(object, id, ties) {
        for (const [field, other] of Object.entries(ties)) {
          const [, target = '', own] = field.split('.')
          const label = own === 'prm_partner' ? 'PRM Partner' : target === 'companies' ? 'Primary' : null
          const type = simulator.associationType(object, target, label)
          if (type !== undefined) simulator.associate(id, String(other), type)
        }
      },
      deliver: async () => void (await webhooks.deliver()),
      forget: async () => void (await webhooks.deliver({ drop: 1 })),
      deliverOnAndOn: () => webhooks.run(1_000),
    }
  },
}
