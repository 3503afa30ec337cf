import { setTimeout as pause } from 'node:timers/promises'
import { toCountryCode } from '#src/customers/country.ts'
import { type Installation, registrationOf } from '#test/demo/installation.ts'
import type { SalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import type { Random } from '#test/support/random.ts'
import type { Company } from './companies.ts'
import { approvedFromCents } from './registrations.ts'

const pauseMs = 300
/** Every so many registrations one is approved by itself, and goes to the CRM. */
const approvedEvery = 40

export interface SideTraffic {
  /** Times of registrations since the last call, in milliseconds. */
  takeTimes(): number[]
  /** Registered on the side and approved. */
  approved(): number
  /** From the registration to the moment when the opportunity was seen in the CRM, in milliseconds. */
  arrivals(): number[]
  stop(): Promise<void>
}

/** People who go on registering deals one by one while something big happens behind them. */
export function startSideTraffic(
  installation: Installation,
  simulator: SalesforceSimulator,
  companies: readonly Company[],
  random: Random,
): SideTraffic {
  const partners = installation.partners
  const waiting = new Map<string, number>()
  const arrivals: number[] = []
  let times: number[] = []
  let approved = 0
  let stopped = false

  async function registerOne(company: Company, amountCents: bigint): Promise<void> {
    const { api } = random.pick(partners)
    const startedMs = performance.now()
    const deal = await api.post('/api/v1/deals', {
      ...registrationOf(company, installation, Number(amountCents)),
      country: toCountryCode(company.country),
      submit: true,
    })
    times.push(performance.now() - startedMs)
    if (deal.status !== 'approved') return
    approved += 1
    waiting.set(deal.id, startedMs)
  }

  function lookForArrivals(): void {
    if (waiting.size === 0) return
    for (const row of simulator.list('Opportunity')) {
      const id = String(row['PRM_Deal_Id__c'])
      const since = waiting.get(id)
      if (since === undefined) continue
      arrivals.push(performance.now() - since)
      waiting.delete(id)
    }
  }

  async function register(): Promise<void> {
    for (const [index, company] of companies.entries()) {
      if (stopped) return
      const isApproved = index % approvedEvery === approvedEvery - 1
      await registerOne(company, isApproved ? approvedFromCents : approvedFromCents - 100n)
      await pause(pauseMs)
    }
  }

  async function watch(): Promise<void> {
    while (!stopped) {
      lookForArrivals()
      await pause(200)
    }
  }

  const work = Promise.all([register(), watch()])
  // Whoever stops the traffic hears of a failure; until then it must not end the process.
  work.catch(() => undefined)
  return {
    takeTimes() {
      const taken = times
      times = []
      return taken
    },
    approved: () => approved,
    arrivals: () => [...arrivals],
    async stop() {
      stopped = true
      await work
    },
  }
}
