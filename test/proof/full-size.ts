import { setUpInstallation } from '#test/demo/installation.ts'
import { startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { salesforceDesk } from '#test/support/desks/salesforce.ts'
import { createRandom } from '#test/support/random.ts'
import type { Company } from './companies.ts'
import { fillCrm } from './crm-before.ts'
import { proveEnd } from './end-phase.ts'
import type { Ground } from './ground.ts'
import { importRegistrations } from './import-phase.ts'
import type { PreparedProof } from './proof-base.ts'
import { makeScenario } from './registrations.ts'
import { playOutcomes } from './win-phase.ts'

/** A whole file of registrations, rivals, doubtful and broken ones with it, into one CRM; then people there win deals. */
export async function prepareFullSize(
  companies: readonly Company[],
  { rows, seed }: { readonly rows: number; readonly seed: number },
): Promise<PreparedProof> {
  const random = createRandom(seed)
  const scenario = makeScenario(companies, { rows, partners: 3, random })
  const simulator = await startSalesforceSimulator()
  fillCrm(simulator, scenario.known)
  return {
    about: `${rows} registrations of ${companies.length} companies, seed ${seed}`,
    async run(base) {
      const installation = await setUpInstallation(base.admin, salesforceDesk(simulator), {
        autoApproval: { field: 'amount', is: 'at_least', value: { amount: '5000.00', currency: 'USD' } },
        pollSeconds: base.pollSeconds,
      })
      const ground: Ground = { ...base, simulator, installation, scenario, random }
      const imported = await importRegistrations(ground)
      await playOutcomes(ground, imported)
      await proveEnd(ground, imported)
    },
    close: () => simulator.close(),
  }
}
