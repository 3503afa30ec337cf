import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId, DealId, PartnerId } from '#src/kernel/ids.ts'
import type { Deal, DealShare } from './deal.ts'
import { changingNames, columnNames, type DealRow, fromRow, recordType, toRow } from './deal-row.ts'

const columns = sql.raw(columnNames.join(', '))

/** Rows of these ids that the actor may see, in no order. */
export async function findDeals(tx: Tx, ids: readonly DealId[]): Promise<Map<DealId, Deal>> {
  const { rows } = await sql<DealRow>`select ${columns} from deal where id = any(${ids}::uuid[])`.execute(tx)
  return byId(rows)
}

/** Ids behind `after`, in their order. */
export async function listDealIds(tx: Tx, after: string | null, limit: number): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from deal where ${after}::uuid is null or id > ${after}::uuid order by id limit ${limit}`.execute(
    tx,
  )
  return rows.map(({ id }) => id)
}

/** Like findDeals, locked until the transaction ends, in the order of ids so that two batches never wait in a circle. */
export async function lockDeals(tx: Tx, ids: readonly DealId[]): Promise<Map<DealId, Deal>> {
  const { rows } = await sql<DealRow>`
    select ${columns} from deal where id = any(${ids}::uuid[]) order by id for update`.execute(tx)
  return byId(rows)
}

/** The connection that each of these deals goes to; null where none is fixed yet. */
export async function findCrmHomes(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ConnectionId | null>> {
  if (ids.length === 0) return new Map()
  const { rows } = await sql<{ id: DealId; crmConnectionId: ConnectionId | null }>`
    select id, crm_connection_id from deal where id = any(${ids}::uuid[])`.execute(tx)
  return new Map(rows.map(({ id, crmConnectionId }) => [id, crmConnectionId]))
}

/** Deals of an import that came before, by their external reference, locked. */
export async function lockByExternalRef(tx: Tx, refs: readonly string[]): Promise<Map<string, Deal>> {
  const { rows } = await sql<DealRow>`
    select ${columns} from deal where external_ref = any(${refs}::text[]) order by id for update`.execute(tx)
  return new Map(rows.map((row) => [row.externalRef ?? '', fromRow(row)]))
}

const inserted = sql.raw(
  columnNames
    .map((column) => (column === 'number' ? "coalesce(nullif(number, ''), next_deal_number())" : column))
    .join(', '),
)

/** The attempt that follows a deal, if there is one. */
export async function findSuccessor(tx: Tx, dealId: DealId): Promise<DealId | null> {
  const { rows } = await sql<{ id: DealId }>`
    select id from deal where previous_attempt_id = ${dealId}`.execute(tx)
  return rows[0]?.id ?? null
}

const byId = (rows: readonly DealRow[]): Map<DealId, Deal> =>
  new Map(rows.map((row) => [row.id, fromRow(row)]))

/** Inserts in one statement; a deal without a number gets the next one. Result in the order of `deals`. */
export async function insertDeals(tx: Tx, deals: readonly Deal[]): Promise<Deal[]> {
  const { rows } = await sql<{ id: DealId; number: string }>`
    insert into deal (${columns})
    select ${inserted}
    from jsonb_to_recordset(${JSON.stringify(deals.map(toRow))}::jsonb) as given (${sql.raw(recordType(columnNames))})
    returning id, number`.execute(tx)
  const numbers = new Map(rows.map(({ id, number }) => [id, number]))
  return deals.map((deal) => ({ ...deal, number: numbers.get(deal.id) ?? deal.number }))
}

const assignments = changingNames.map((column) => `${column} = given.${column}`).join(', ')
const updatedNames = ['id', ...changingNames]

/** Writes the changing columns of deals that this transaction has locked, in one statement. */
export async function updateDeals(tx: Tx, deals: readonly Deal[]): Promise<void> {
  const { numAffectedRows } = await sql`
    update deal set ${sql.raw(assignments)}
    from jsonb_to_recordset(${JSON.stringify(deals.map(toRow))}::jsonb) as given (${sql.raw(recordType(updatedNames))})
    where deal.id = given.id`.execute(tx)
  if (numAffectedRows !== BigInt(deals.length)) {
    throw new Error(`${deals.length} deals were to be written, but ${numAffectedRows} were there`)
  }
}

/** Splits by deal, in the order of partner ids; deals without one are absent. */
export async function findSplits(tx: Tx, ids: readonly DealId[]): Promise<Map<DealId, DealShare[]>> {
  const { rows } = await sql<{ dealId: DealId; partnerId: PartnerId; shareWeight: number }>`
    select deal_id, partner_id, share_weight from deal_split
    where deal_id = any(${ids}::uuid[]) order by deal_id, partner_id`.execute(tx)
  const splits = new Map<DealId, DealShare[]>()
  for (const { dealId, partnerId, shareWeight } of rows) {
    const shares = splits.get(dealId) ?? []
    shares.push({ partnerId, shareWeight })
    splits.set(dealId, shares)
  }
  return splits
}

export async function replaceSplit(tx: Tx, dealId: DealId, shares: readonly DealShare[]): Promise<void> {
  await sql`delete from deal_split where deal_id = ${dealId}`.execute(tx)
  await sql`
    insert into deal_split (deal_id, partner_id, share_weight)
    select ${dealId}::uuid, * from unnest(
      ${shares.map(({ partnerId }) => partnerId)}::uuid[], ${shares.map(({ shareWeight }) => shareWeight)}::integer[])`.execute(
    tx,
  )
}
