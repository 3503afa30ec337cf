import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Installation } from '#test/demo/installation.ts'
import type { Random } from '#test/support/random.ts'
import { type CommandRun, runCommand } from '../commands.ts'
import { type DealAnswer, readDeals } from '../deals.ts'
import type { ProofBase } from '../proof-base.ts'
import type { ProvedCrm } from './proved-crm.ts'
import { type CrmRegistration, toCrmCsv } from './registration-file.ts'

/** A CRM with the programme whose deals go there. */
export interface Place {
  readonly crm: ProvedCrm
  readonly installation: Installation
  /** Its name. */
  readonly programme: string
}

export interface CrmGround extends ProofBase {
  readonly crms: readonly ProvedCrm[]
  readonly places: readonly Place[]
  readonly random: Random
}

/** A registration that was approved, and so belongs in its CRM. */
export interface Approved {
  readonly one: CrmRegistration
  readonly deal: DealAnswer
}

export const inPlace = (
  { places }: CrmGround,
  place: Place,
  approved: readonly Approved[],
): readonly Approved[] => approved.filter(({ one }) => places[one.crm] === place)

export function placeOf({ places }: CrmGround, { crm }: CrmRegistration): Place {
  const place = places[crm]
  if (!place) throw new Error(`there is no CRM number ${crm}`)
  return place
}

export function partnerOf(ground: CrmGround, one: CrmRegistration): Installation['partners'][number] {
  const partner = placeOf(ground, one).installation.partners[one.partner]
  if (!partner) throw new Error(`there is no partner number ${one.partner}`)
  return partner
}

/** The command that a person would use for the file. */
export async function importFile(
  ground: CrmGround,
  name: string,
  registrations: readonly CrmRegistration[],
): Promise<CommandRun> {
  const file = join(ground.folder, name)
  const csv = toCrmCsv(registrations, (one) => ({
    programme: placeOf(ground, one).programme,
    partner: partnerOf(ground, one).id,
  }))
  writeFileSync(file, csv)
  return runCommand('import', ['deals', file, '--wait', '--url', ground.admin.url], {
    COUNTERPART_TOKEN: ground.admin.token,
  })
}

/** Of these rows, those that the programme approved by itself. */
export async function readApproved(
  { admin }: CrmGround,
  registrations: readonly CrmRegistration[],
): Promise<readonly Approved[]> {
  const deals = new Map((await readDeals(admin)).map((deal) => [deal.externalRef, deal]))
  return registrations.flatMap((one): Approved[] => {
    const deal = deals.get(one.ref)
    return deal?.status === 'approved' ? [{ one, deal }] : []
  })
}
