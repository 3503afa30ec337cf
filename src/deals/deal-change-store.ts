import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { DealId, Id, PartnerId } from '#src/kernel/ids.ts'
import type { DetailsPatch } from './deal-details.ts'
import { readProduct, writeProduct } from './deal-row.ts'

export type ChangeRequestStatus = 'open' | 'accepted' | 'declined' | 'withdrawn'

/** What a partner asks to change in an approved deal, and what became of it. */
export interface ChangeRequest {
  readonly id: Id<'deal_change_request'>
  readonly dealId: DealId
  readonly partnerId: PartnerId
  readonly changes: DetailsPatch
  readonly reason: string
  readonly requestedBy: string
  readonly requestedAt: Date
  readonly status: ChangeRequestStatus
  readonly decidedBy: string | null
  readonly decidedAt: Date | null
  readonly decisionReason: string | null
}

type StoredChanges = Omit<DetailsPatch, 'amountMinor' | 'products'> & {
  readonly amountMinor?: string | null
  readonly products?: readonly ReturnType<typeof writeProduct>[]
}
type Row = Omit<ChangeRequest, 'changes'> & { readonly changes: StoredChanges }

const fromRow = ({ changes: { amountMinor, products, ...changes }, ...row }: Row): ChangeRequest => ({
  ...row,
  changes: {
    ...changes,
    ...(amountMinor === undefined ? {} : { amountMinor: amountMinor === null ? null : BigInt(amountMinor) }),
    ...(products === undefined ? {} : { products: products.map(readProduct) }),
  },
})

const toStored = ({ amountMinor, products, ...changes }: DetailsPatch): string =>
  JSON.stringify({
    ...changes,
    ...(amountMinor === undefined ? {} : { amountMinor: amountMinor?.toString() ?? null }),
    ...(products === undefined ? {} : { products: products.map(writeProduct) }),
  })

const columns = sql.raw(
  'id, deal_id, partner_id, changes, reason, requested_by, requested_at, status, decided_by, decided_at, decision_reason',
)

/** @throws a violation of `deal_change_request_open` when one is open */
export async function insertRequest(tx: Tx, request: ChangeRequest): Promise<void> {
  await sql`
    insert into deal_change_request (id, deal_id, partner_id, changes, reason, requested_by, requested_at, status)
    values (${request.id}, ${request.dealId}, ${request.partnerId}, ${toStored(request.changes)}::jsonb,
      ${request.reason}, ${request.requestedBy}, ${request.requestedAt}, ${request.status})`.execute(tx)
}

export async function closeRequest(
  tx: Tx,
  request: Pick<ChangeRequest, 'id' | 'status' | 'decidedBy' | 'decidedAt' | 'decisionReason'>,
): Promise<void> {
  await sql`
    update deal_change_request set status = ${request.status}, decided_by = ${request.decidedBy},
      decided_at = ${request.decidedAt}, decision_reason = ${request.decisionReason}
    where id = ${request.id} and status = 'open'`.execute(tx)
}

/** The open request of each deal that has one. Its deal is locked by whoever changes it. */
export async function findOpenRequests(
  tx: Tx,
  dealIds: readonly DealId[],
): Promise<Map<DealId, ChangeRequest>> {
  const { rows } = await sql<Row>`
    select ${columns} from deal_change_request
    where deal_id = any(${dealIds}::uuid[]) and status = 'open'`.execute(tx)
  return new Map(rows.map((row) => [row.dealId, fromRow(row)]))
}

/** The newest first. */
export async function listRequests(tx: Tx, dealId: DealId): Promise<ChangeRequest[]> {
  const { rows } = await sql<Row>`
    select ${columns} from deal_change_request where deal_id = ${dealId} order by id desc limit 100`.execute(
    tx,
  )
  return rows.map(fromRow)
}
