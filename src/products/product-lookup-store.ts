import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ProductId } from '#src/kernel/ids.ts'

/** Products by their codes, whatever the case; keys are lower case. */
export async function readByCode(tx: Tx, codes: readonly string[]): Promise<ReadonlyMap<string, ProductId>> {
  if (codes.length === 0) return new Map()
  const { rows } = await sql<{ code: string; id: ProductId }>`
    select lower(code) as code, id from product
    where lower(code) = any(${codes.map((code) => code.toLowerCase())}::text[])`.execute(tx)
  return new Map(rows.map(({ code, id }) => [code, id]))
}
