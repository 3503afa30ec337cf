import type { Tx } from '#src/database/database.ts'
import type { PartnerId } from '#src/kernel/ids.ts'
import { matchPartners } from './partner-lookup-store.ts'

/**
 * The partners that people mean by what they wrote, in one query: the reference of the vendor's other system before our
 * id before the exact name. A name that several have is `ambiguous`; what nobody is called is left out.
 */
export async function identifyPartners(
  tx: Tx,
  texts: readonly string[],
): Promise<ReadonlyMap<string, PartnerId | 'ambiguous'>> {
  if (texts.length === 0) return new Map()
  const best = new Map<string, { readonly id: PartnerId | 'ambiguous'; readonly rank: number }>()
  for (const { text, id, rank } of await matchPartners(tx, texts)) {
    const known = best.get(text)
    if (!known || rank < known.rank) best.set(text, { id, rank })
    else if (rank === known.rank && id !== known.id) best.set(text, { id: 'ambiguous', rank })
  }
  return new Map([...best].map(([text, { id }]) => [text, id]))
}
