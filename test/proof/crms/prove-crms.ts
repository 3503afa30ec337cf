import { setUpInstallations } from '#test/demo/installation.ts'
import { createRandom } from '#test/support/random.ts'
import type { Company } from '../companies.ts'
import type { PreparedProof, ProofBase } from '../proof-base.ts'
import { changeHere } from './change-phase.ts'
import { forgetCalls } from './counts.ts'
import type { CrmGround } from './crm-ground.ts'
import { fillCrms, importAgain } from './import-phase.ts'
import { refuseSome } from './poison-phase.ts'
import { startCrms } from './proved-crm.ts'
import { enoughCompanies, registerAll } from './registration-file.ts'

const partners = 3
const poisonedShare = 0.05
const poisonedDay = '2027-12-25'

/** Two files of `rows` registrations each, of different companies; the second one has rows that the CRMs refuse. */
export async function prepareCrms(
  companies: readonly Company[],
  { rows, seed }: { readonly rows: number; readonly seed: number },
): Promise<PreparedProof> {
  const random = createRandom(seed)
  const crms = await startCrms()
  const all = enoughCompanies(companies, rows * 2, random)
  const file = { crms: crms.length, partners, random }
  const first = registerAll(all.slice(0, rows), { ...file, prefix: 'R' })
  const poisoned = Math.ceil(rows * poisonedShare)
  const second = registerAll(all.slice(rows), { ...file, prefix: 'S' }).map((one, index) =>
    index < poisoned ? { ...one, closeDate: poisonedDay } : one,
  )
  return {
    about: `${rows} registrations and ${second.length} more, ${poisoned} of them refused by ${crms.length} CRMs, seed ${seed}`,
    async run(base: ProofBase) {
      const ground = await prepareGround(base, { crms, random })
      const filled = await fillCrms(ground, first)
      await importAgain(ground, first)
      await changeHere(ground, filled)
      await refuseSome(ground, random.shuffled(second), poisonedDay)
    },
    close: async () => {
      await Promise.all(crms.map(({ desk }) => desk.simulator.close()))
    },
  }
}

async function prepareGround(
  base: ProofBase,
  { crms, random }: Pick<CrmGround, 'crms' | 'random'>,
): Promise<CrmGround> {
  const { admin, pollSeconds } = base
  const installations = await setUpInstallations(
    admin,
    crms.map(({ desk }) => desk),
    {
      autoApproval: { field: 'amount', is: 'at_least', value: { amount: '5000.00', currency: 'USD' } },
      pollSeconds,
    },
  )
  const programmes = await admin.all('/api/v1/programmes')
  const places = crms.map((crm, index) => {
    const installation = installations[index]
    const programme = programmes.find(({ id }) => id === installation?.programmeId)
    if (!installation || !programme) throw new Error(`nothing was set up for ${crm.desk.name}`)
    return { crm, installation, programme: programme.name as string }
  })
  forgetCalls(crms)
  return { ...base, crms, random, places }
}
