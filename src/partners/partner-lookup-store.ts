import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { PartnerId } from '#src/kernel/ids.ts'

export interface PartnerMatch {
  readonly text: string
  readonly id: PartnerId
  /** 1: by reference, 2: by id, 3: by name. */
  readonly rank: number
}

/** Partners whose external reference, id or name (whatever its case) is one of the texts. */
export async function matchPartners(tx: Tx, texts: readonly string[]): Promise<readonly PartnerMatch[]> {
  const given = sql`unnest(${texts}::text[]) as given (text)`
  const { rows } = await sql<PartnerMatch>`
    select text, partner.id, 1 as rank from ${given} join partner on external_ref = text
    union all
    select text, partner.id, 2 from ${given} join partner on partner.id =
      case when text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then text::uuid end
    union all
    select text, partner.id, 3 from ${given} join partner on lower(name) = lower(text)`.execute(tx)
  return rows
}
