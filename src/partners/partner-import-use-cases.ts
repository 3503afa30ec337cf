import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { FieldIssue } from '#src/kernel/errors.ts'
import type { EventBus } from '#src/kernel/events.ts'
import { newId, type PartnerId } from '#src/kernel/ids.ts'
import { invalidRow, type RowResult, readRows } from '#src/kernel/import-row.ts'
import {
  applyPartnerPatch,
  blankPartner,
  type Partner,
  type PartnerDetails,
  type PartnerRow,
  partnerRowSchema,
  readTerritories,
  sameDetails,
} from './partner.ts'
import {
  insertPartners,
  lockPartnersByRef,
  type MembershipWrite,
  readPartners,
  updatePartners,
  writeMemberships,
} from './partner-store.ts'
import { tiersOf } from './programme-store.ts'

interface Plan {
  readonly externalRef: string
  readonly id: PartnerId
  readonly before: Partner | undefined
  readonly details: PartnerDetails
  readonly memberships: readonly MembershipWrite[]
  readonly changes: boolean
}

export function createPartnerImport(deps: { readonly events: EventBus<Tx> }) {
  return {
    /**
     * Creates or updates partners (rows: `partnerRowSchema`) by their external reference, with a handful of statements
     * however many rows there are. Fields and memberships that a row does not name stay; a bad row harms no other.
     */
    async upsertPartners(tx: Tx, actor: Actor, rows: readonly unknown[]): Promise<readonly RowResult[]> {
      const { read, rejected } = readRows(partnerRowSchema, rows)
      const results = new Map(rejected)
      const plans = new Map<number, Plan>()
      const existing = await existingByRef(tx, [...read.values()])
      const programmes = await programmesOfTiers(tx, [...read.values()])
      for (const [index, row] of read) {
        const { plan, issues } = planRow(row, existing.get(row.externalRef), programmes)
        if (issues.length > 0) results.set(index, invalidRow(row.externalRef, issues))
        else plans.set(index, plan)
      }
      const arrived = await write(tx, actor, [...plans.values()])
      for (const [index, plan] of plans) {
        const { externalRef, id, before, changes } = plan
        const outcome = before ? (changes ? 'updated' : 'unchanged') : 'created'
        const done: RowResult = { externalRef, id, outcome, issues: [] }
        results.set(index, before || arrived.has(id) ? done : invalidRow(externalRef, [overtaken]))
      }
      return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
    },
  }

  /** @returns ids of the new partners that went in */
  async function write(tx: Tx, actor: Actor, plans: readonly Plan[]): Promise<ReadonlySet<string>> {
    const fresh = plans.filter(({ before }) => !before)
    const edited = plans.filter(({ before, changes }) => before && changes)
    const inserted = await insertPartners(
      tx,
      fresh.map(({ id, details }) => ({ id, ...details })),
    )
    await updatePartners(
      tx,
      edited.map(({ id, details }) => ({ id, ...details })),
    )
    const written = [...fresh.filter(({ id }) => inserted.has(id)), ...edited]
    await writeMemberships(
      tx,
      written.flatMap(({ memberships }) => memberships),
    )
    await leaveTrace(tx, actor, written)
    return inserted
  }

  async function leaveTrace(tx: Tx, actor: Actor, written: readonly Plan[]): Promise<void> {
    const ids = written.map(({ id }) => id)
    const before = new Map(written.map((plan) => [plan.id, plan.before]))
    const entries = (await readPartners(tx, ids)).map((after) => ({
      action: before.get(after.id) ? 'partner.updated' : 'partner.created',
      subject: { kind: 'partner', id: after.id },
      partnerId: after.id,
      before: before.get(after.id),
      after,
    }))
    await recordAudit(tx, actor, entries)
    await deps.events.publish(
      tx,
      actor,
      ids.map((id) => ({ type: 'record_changed', entity: 'partner', id, priority: 'bulk' })),
    )
  }
}

const overtaken: FieldIssue = {
  path: '/externalRef',
  code: 'overtaken',
  message: 'Somebody created this partner at the same moment: import the row again',
}

async function existingByRef(tx: Tx, rows: readonly PartnerRow[]): Promise<ReadonlyMap<string, Partner>> {
  const found = await lockPartnersByRef(
    tx,
    rows.map(({ externalRef }) => externalRef),
  )
  return new Map(found.map((partner) => [partner.externalRef ?? '', partner]))
}

/** The programme of each tier in the programmes that rows name. */
async function programmesOfTiers(tx: Tx, rows: readonly PartnerRow[]): Promise<ReadonlyMap<string, string>> {
  const ids = rows.flatMap(({ memberships = [] }) => memberships.map(({ programmeId }) => programmeId))
  const tiers = await tiersOf(tx, [...new Set(ids)])
  return new Map(tiers.map(({ id, programmeId }) => [id, programmeId]))
}

function planRow(
  row: PartnerRow,
  before: Partner | undefined,
  programmes: ReadonlyMap<string, string>,
): { readonly plan: Plan; readonly issues: readonly FieldIssue[] } {
  const { details, issues } = applyPartnerPatch(before ?? blankPartner, row)
  const found: FieldIssue[] = [...issues]
  if (!before && row.currency === undefined) {
    found.push({ path: '/currency', code: 'missing', message: 'A new partner needs a currency' })
  }
  const id = before?.id ?? newId<'partner'>()
  const memberships = (row.memberships ?? []).map((membership, index) => {
    const { programmeId, tierId, territories = [] } = membership
    const at = `/memberships/${index}`
    if (programmes.get(tierId) !== programmeId) {
      found.push({ path: `${at}/tierId`, code: 'unknown_tier', message: 'Not a tier of this programme' })
    }
    const read = readTerritories(territories, `${at}/territories`)
    found.push(...read.issues)
    return { partnerId: id, programmeId, tierId, territories: read.codes }
  })
  const changes =
    !before || !sameDetails(before, details) || !memberships.every((each) => holds(before, each))
  return { plan: { externalRef: row.externalRef, id, before, details, memberships, changes }, issues: found }
}

const holds = (partner: Partner, wanted: MembershipWrite): boolean =>
  partner.memberships.some(
    ({ programmeId, tierId, territories }) =>
      programmeId === wanted.programmeId &&
      tierId === wanted.tierId &&
      territories.join() === wanted.territories.join(),
  )
