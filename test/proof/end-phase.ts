import { runCommand } from './commands.ts'
import { findDoubles } from './crm-before.ts'
import type { Ground } from './ground.ts'
import type { Imported } from './import-phase.ts'

interface Counted {
  readonly entity: string
  readonly code?: string
  readonly kind?: string
}

/** What must be true when everything is over: no doubles, nothing that cannot be explained, a ledger that holds. */
export async function proveEnd(ground: Ground, { deals }: Imported): Promise<void> {
  const { admin, simulator, scenario, protocol, dataFolder } = ground
  const doubles = findDoubles(simulator, scenario)
  protocol.require(
    'No account and no opportunity is doubled',
    Object.values(doubles).every((found) => found.length === 0),
    `${simulator.list('Account').length} accounts, ${simulator.list('Opportunity').length} opportunities; doubled: ${JSON.stringify(doubles).slice(0, 300)}`,
  )
  const parked = await admin.all<Counted>('/api/v1/parked-records')
  const reviews = await admin.all<Counted>('/api/v1/review-items?state=open')
  // Nobody asks the CRM about a company as long as its deal waits for its own approval.
  const doubtful = scenario.registrations.filter(
    ({ kind, ref }) => kind === 'doubtful' && deals.get(ref)?.status === 'approved',
  ).length
  protocol.require(
    'What waits for a person is what the CRM knows twice, and nothing else',
    parked.length === doubtful &&
      parked.every(({ code }) => code === 'doubtful_match') &&
      reviews.length === doubtful &&
      reviews.every(({ kind }) => kind === 'doubtful_match'),
    `parked: ${tally(parked, ({ code }) => code)}; review: ${tally(reviews, ({ kind }) => kind)}; expected: ${doubtful}`,
  )
  const proof = await runCommand('verify-ledger', [], { DATA_FOLDER: dataFolder })
  protocol.require('The ledger proves itself', proof.code === 0, proof.output.trim().split('\n').join(' · '))
}

function tally<Item>(items: readonly Item[], nameOf: (item: Item) => string | undefined): string {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(nameOf(item) ?? '?', (counts.get(nameOf(item) ?? '?') ?? 0) + 1)
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ') || 'none'
}
