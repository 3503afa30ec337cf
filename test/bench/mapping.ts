/** Translations of a deal by the default mapping, both ways, against copying the same two records through JSON. */
import { compileMapping, toLocal, toRemote } from '#mappings/apply.ts'
import { readDefaultMappings } from '#mappings/defaults.ts'
import type { MappingContext } from '#mappings/transforms/transform.ts'
import type { Ground } from './ground.ts'
import type { Scale } from './scale.ts'
import { inTurns, median, ratioOf } from './turns.ts'

const context: MappingContext = {
  multiCurrency: true,
  homeCurrency: 'EUR',
  timeZone: 'UTC',
  toRemoteId: (entity, id) => `${entity}-${id}`,
  toLocalId: (entity, id) => id.slice(entity.length + 1),
}
const deal = {
  title: 'Acme GmbH (D-000007)',
  customer: 'c1',
  partner: 'p1',
  status: 'approved',
  protectionEnd: '2027-02-28',
  amount: { amount: '1250.50', currency: 'EUR' },
  expectedCloseDate: '2026-12-31',
  outcome: 'open',
  stage: null,
  need: 'A new warehouse before the next season starts',
}

export async function benchMapping(_ground: Ground, { mapping: { translations, rounds } }: Scale) {
  const found = readDefaultMappings().find(({ document }) => document.entity === 'deal')
  if (!found) throw new Error('There is no default mapping of deals')
  const mapping = compileMapping(found.document)
  const opportunity = {
    ...toRemote(mapping, deal, context, { creating: true }).fields,
    HasOpportunityLineItem: false,
    IsWon: false,
    IsClosed: false,
  }
  const understood = Object.keys(toLocal(mapping, opportunity, context).values).length
  const perSecond = async (work: () => unknown): Promise<number> => {
    const startedMs = performance.now()
    for (let done = 0; done < translations; done += 1) work()
    return (translations * 1000) / (performance.now() - startedMs)
  }
  const rates = await inTurns(rounds, {
    copied: () =>
      perSecond(() => [JSON.parse(JSON.stringify(deal)), JSON.parse(JSON.stringify(opportunity))]),
    out: () => perSecond(() => toRemote(mapping, deal, context, { creating: false })),
    in: () => perSecond(() => toLocal(mapping, opportunity, context)),
    both: () =>
      perSecond(() => {
        toRemote(mapping, deal, context, { creating: false })
        toLocal(mapping, opportunity, context)
      }),
  })
  return {
    lines: mapping.lines.length,
    linesUnderstood: understood,
    toRemotePerSecond: Math.round(median(rates.out)),
    toLocalPerSecond: Math.round(median(rates.in)),
    bothWaysPerSecond: Math.round(median(rates.both)),
    againstCopyingThroughJson: ratioOf(rates.both, rates.copied),
  }
}
