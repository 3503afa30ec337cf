/**
 * Random histories of a few deals in step with a CRM: people type on both sides, calls fail in every way, workers die or
 * dawdle, webhooks come as they like. In the end both sides stand equal, nothing more is written, and nothing that a
 * person typed is gone without a trace.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Vendor } from '#connectors/registry.ts'
import type { Database } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { createSyncOperations } from '#src/sync/operations/operation-use-cases.ts'
import { createRandom } from '../random.ts'
import { addDeals, localDeal } from '../toy-deals.ts'
import { toySync } from '../toy-sync.ts'
import { historyCrms, indexLagMs } from './crms.ts'
import { openPostOffice } from './post-office.ts'
import { createTypedValues, type Field, fields } from './typed-values.ts'
import { createWebhookMail } from './webhooks.ts'
import { createWorkers } from './workers.ts'

const actions = [
  'type ours',
  'type ours',
  'type theirs',
  'type theirs',
  'type theirs',
  'put back',
  'touch',
  'new deal',
  'close',
  'reopen',
  'poll',
  'poll',
  'deliver',
  'deliver',
  'read hints',
  'read hints',
  'work',
  'work',
  'work',
  'interrupted work',
  'strike',
  'strike',
  'die',
  'die',
  'dawdle',
  'dawdle',
  'come back',
  'leases run out',
  'resume',
] as const
type Action = (typeof actions)[number]

const owners = ['prm', 'crm', 'review'] as const
const firstDeals = 3
const mostDeals = 5
const steps = 40

/** @throws an assertion that names the seed and, as `happened`, what led there */
export async function runHistory(
  database: Database,
  databaseUrl: string,
  vendor: Vendor,
  seed: number,
): Promise<void> {
  const world = await openWorld(database, databaseUrl, vendor, seed)
  try {
    await world.begin()
    for (let step = 1; step <= steps; step += 1) await world.act(step)
    await world.calmDown()
    await world.expectSilence()
    await world.expectEqual()
    await world.expectTraces()
  } finally {
    await world.close()
  }
}

async function openWorld(database: Database, databaseUrl: string, vendor: Vendor, seed: number) {
  const random = createRandom(seed)
  const happened: string[] = []
  const crm = await historyCrms[vendor](seed)
  const { desk, simulator } = crm
  const post = await openPostOffice()
  /** What a person does while a write of ours is on its way. */
  let meanwhile: { readonly when: 'before' | 'after'; readonly act: () => void } | null = null
  const interrupt = (when: 'before' | 'after') => {
    if (meanwhile?.when !== when) return
    const { act } = meanwhile
    meanwhile = null
    act()
  }
  const sync = await toySync(database, databaseUrl, desk, {
    obeysPauses: true,
    webhookUrl: () => post.url,
    wrap: (connector) => ({
      ...connector,
      async write(commands, signal) {
        interrupt('before')
        const outcomes = await connector.write(commands, signal)
        interrupt('after')
        return outcomes
      },
    }),
  })
  const mail = createWebhookMail(crm, sync, post, random)
  const workers = createWorkers(sync, random)
  const deals: string[] = []
  let parents: ReturnType<typeof addDeals> | null = null

  const seenOf = (deal: string) => desk.dealsOf(deal)[0]
  const standing = (deal: string, { local, fromLocal, fromDesk }: Field) => {
    const seen = seenOf(deal)
    return [fromLocal(localDeal(sync, deal)[local] ?? null), seen ? fromDesk(seen) : null] as const
  }
  const typed = createTypedValues(standing)

  async function typeHere(deal: string, field: Field, value: string): Promise<void> {
    typed.add({ side: 'ours', deal, field: field.local, value })
    sync.entity('deal').put(deal, { [field.local]: field.toLocal(value) })
    await sync.mark('deal', [deal])
  }
  /** What is closed has to be opened again before people there change it. */
  function typeThere(deal: string, { local }: Field, value: string, isOld = false): void {
    const seen = seenOf(deal)
    if (seen?.outcome !== 'open') return
    typed.add({ side: 'theirs', deal, field: local, value }, isOld)
    happened.push(`  ${local} of ${deals.indexOf(deal)} there: ${value}`)
    if (local === 'amount') desk.change(seen.id, { amount: Number(value) })
    else if (local === 'expectedCloseDate') desk.change(seen.id, { closeDate: value })
    else {
      const remote = local === 'title' ? crm.fields.name : crm.fields.protectionEnd
      simulator.update(desk.dealObject, seen.id, { [remote]: value })
    }
  }
  /** Closes it, or opens it again; the CRM may change other fields along with it. */
  function turnOutcome(deal: string, wanted: 'open' | 'won' | 'lost'): void {
    const before = seenOf(deal)
    if (!before || (before.outcome === 'open') === (wanted === 'open')) return
    typed.noteEqual()
    if (wanted === 'open') desk.reopen(before.id)
    else desk.close(before.id, wanted)
    const after = seenOf(deal) ?? before
    for (const { local, fromDesk } of fields) {
      if (fromDesk(before) !== fromDesk(after)) typed.supersede('theirs', deal, local)
    }
  }
  async function addDeal(count = 1): Promise<void> {
    const known = parents ? { customer: parents.customer, partner: parents.partner } : {}
    const added = addDeals(sync, count, known)
    parents ??= added
    deals.push(...added.deals)
    await sync.mark('deal', added.deals)
  }
  async function work(): Promise<void> {
    await sync.ripen()
    await sync.reconcile()
  }
  /** Where a write cannot name the state it is based on, nobody can know of a change right before it. */
  async function workInterrupted(act: () => void): Promise<void> {
    const isNamed = sync.connector.traits.conditionalWrite
    meanwhile = { when: isNamed && random.chance(0.5) ? 'before' : 'after', act }
    await work()
    meanwhile = null
  }

  async function perform(action: Action, step: number): Promise<unknown> {
    const deal = random.pick(deals)
    const field = random.pick(fields)
    const value = field.valueOf(step)
    happened.push(`${step} ${action} (${deals.indexOf(deal)} ${field.local} ${value})`)
    switch (action) {
      case 'type ours':
        return typeHere(deal, field, value)
      case 'type theirs':
        return typeThere(deal, field, value)
      case 'put back': {
        const [, there] = standing(deal, field)
        const old = typed.of(deal, field.local).find((entry) => entry.value !== there)
        return old && typeThere(deal, field, old.value, true)
      }
      case 'touch': {
        const seen = seenOf(deal)
        return seen && simulator.touch(desk.dealObject, [seen.id])
      }
      case 'new deal':
        return deals.length < mostDeals ? addDeal() : null
      case 'close':
        return turnOutcome(deal, random.pick(['won', 'lost']))
      case 'reopen':
        return turnOutcome(deal, 'open')
      case 'poll':
        return sync.poll()
      case 'deliver':
        return mail.deliver()
      case 'read hints':
        return sync.readHints()
      case 'work':
        return work()
      case 'interrupted work':
        return workInterrupted(() => typeThere(deal, field, value))
      case 'strike':
        return happened.push(`  ${JSON.stringify(crm.strike(random))}`)
      case 'die':
        return happened.push(`  ${await workers.die()}`)
      case 'dawdle':
        return happened.push(`  ${await workers.dawdle()}`)
      case 'come back':
        return workers.comeBack()
      case 'leases run out':
        return sync.expireLeases()
      case 'resume':
        return sync.resume()
    }
  }

  async function turn(): Promise<void> {
    sync.resume()
    await sync.poll()
    await sync.readHints()
    await sync.settle()
    typed.noteEqual()
  }
  const openReviews = () =>
    sync.rows<{ recordId: string; field: string }>(
      'select record_id, field from review_item where connection_id = $id and closed_at is null',
    )
  const isHeld = (
    reviews: Awaited<ReturnType<typeof openReviews>>,
    deal: string,
    { local }: Pick<Field, 'local'>,
  ) => reviews.some(({ recordId, field }) => recordId === deal && field === local)

  return {
    async begin(): Promise<void> {
      await sync.setUp()
      for (const line of ['expectedCloseDate', 'amount'])
        await sync.changeLine('deal', line, { owner: random.pick(owners) })
      await sync.poll()
      await addDeal(firstDeals)
      for (let turns = 0; turns < 2; turns += 1) await turn()
    },

    async act(step: number): Promise<void> {
      await perform(random.pick(actions), step)
      typed.noteEqual()
    },

    /** Nothing happens any more but what is under way, and an administrator gives refused records another try. */
    async calmDown(): Promise<void> {
      desk.simulator.faults.clear()
      await sync.expireLeases()
      await workers.allComeBack()
      await mail.deliver({ isLast: true })
      for (const deal of deals) turnOutcome(deal, 'open')
      if (vendor === 'hubspot') await delay(indexLagMs + 10)
      const { queue } = createSyncOperations(sync.operations)
      const administrator = systemActor('test')
      for (let turns = 0; turns < 2; turns += 1) {
        await turn()
        await sync.run((tx) =>
          queue.replay(tx, administrator, { all: true, connectionId: sync.connection.id }),
        )
      }
      for (let turns = 0; turns < 2; turns += 1) await turn()
    },

    async expectSilence(): Promise<void> {
      desk.simulator.calls.reset()
      for (let turns = 0; turns < 2; turns += 1) await turn()
      const writes = desk.simulator.calls.log.filter(({ operation }) => desk.isWrite(operation))
      expect({ seed, happened, writes }).toEqual({ seed, happened, writes: [] })
    },

    async expectEqual(): Promise<void> {
      const reviews = await openReviews()
      for (const deal of deals) {
        const records = desk.dealsOf(deal).length
        expect({ seed, happened, deal, records }).toEqual({ seed, happened, deal, records: 1 })
        const [seen] = desk.dealsOf(deal)
        const isWhole = Boolean(seen?.companyId) && Boolean(seen?.partnerId)
        expect({ seed, happened, deal, isWhole }).toEqual({ seed, happened, deal, isWhole: true })
        const { outcome } = localDeal(sync, deal)
        expect({ seed, happened, deal, outcome }).toEqual({ seed, happened, deal, outcome: 'open' })
        for (const field of fields) {
          const { local } = field
          const [ours, theirs] = standing(deal, field)
          if (isHeld(reviews, deal, field)) continue
          expect({ seed, happened, deal, local, ours }).toEqual({ seed, happened, deal, local, ours: theirs })
        }
      }
    },

    /** What stands nowhere any more is named in the log of the record and field, or waits for a person. */
    async expectTraces(): Promise<void> {
      const reviews = await openReviews()
      const lost = await sync.rows<{ recordId: string; fields: string[]; message: string }>(
        "select record_id, fields, message from sync_attempt where connection_id = $id and outcome = 'lost'",
      )
      const untraced = typed.open().filter(({ deal, field, value }) => {
        const known = fields.find(({ local }) => local === field)
        const stands = known ? standing(deal, known).includes(value) : false
        const waits = isHeld(reviews, deal, { local: field }) && stands
        const isNamed = lost.some(
          (row) => row.recordId === deal && row.fields.includes(field) && row.message.includes(value),
        )
        return !waits && !isNamed
      })
      expect({ seed, happened, untraced }).toEqual({ seed, happened, untraced: [] })
    },

    async close(): Promise<void> {
      await sync.close()
      await post.close()
      await desk.simulator.close()
    },
  }
}
