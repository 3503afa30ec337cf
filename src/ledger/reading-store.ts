import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { Day } from '#src/kernel/calendar.ts'
import type { DealId, PartnerId, PlanVersionId } from '#src/kernel/ids.ts'
import type { AccountKind, Basis, EntryId, EntryKind } from './ledger.ts'

/** An account as a reader may see it; null: an account of the vendor that is hidden from the reader. */
export type SeenAccount = { readonly kind: AccountKind; readonly partnerId: PartnerId | null } | null

export interface EntryRow {
  readonly id: EntryId
  readonly postedAt: Date
  readonly effectiveOn: Day
  readonly period: string
  readonly kind: EntryKind
  readonly cause: string
  readonly partnerId: PartnerId | null
  readonly dealId: DealId | null
  readonly planVersionId: PlanVersionId | null
  readonly planLine: string | null
  readonly adjusts: EntryId | null
  readonly reverses: EntryId | null
  readonly basis: Basis
  readonly contentHash: string
  readonly postings: readonly {
    readonly debit: SeenAccount
    readonly credit: SeenAccount
    readonly amountMinor: bigint
    readonly currency: string
  }[]
}

export interface EntryFilter {
  readonly partnerId?: PartnerId | undefined
  readonly dealId?: DealId | undefined
  readonly period?: string | undefined
  readonly kind?: EntryKind | undefined
}

const account = (alias: string) => sql`
  case when ${sql.ref(`${alias}.id`)} is not null then
    jsonb_build_object('kind', ${sql.ref(`${alias}.kind`)}, 'partnerId', ${sql.ref(`${alias}.partner_id`)}) end`

type StoredEntry = Omit<EntryRow, 'postings'> & {
  readonly postings: readonly (Omit<EntryRow['postings'][number], 'amountMinor'> & { amountMinor: string })[]
}

/** Entries with their postings, as far as the reader may see them. */
export async function readEntries(
  tx: Tx,
  filter: EntryFilter,
  position: Position<'postedAt' | '-postedAt'>,
): Promise<readonly (EntryRow & Keyed)[]> {
  const { key, follows, tail } = keyset({ postedAt: 'creation' }, position)
  const { rows } = await sql<StoredEntry & Keyed>`
    with page as (
      select * from ledger_entry where ${allOf(
        asked(filter.partnerId, (id) => sql`partner_id = ${id}`),
        asked(filter.dealId, (id) => sql`deal_id = ${id}`),
        asked(filter.period, (period) => sql`period = ${period}`),
        asked(filter.kind, (kind) => sql`kind = ${kind}`),
        follows,
      )} ${tail}
    )
    select id, posted_at, effective_on, period, kind, cause, partner_id, deal_id, plan_version_id, plan_line, adjusts,
           reverses, basis, encode(content_hash, 'hex') as content_hash, ${key} as sort_key,
           (select jsonb_agg(jsonb_build_object('debit', ${account('d')}, 'credit', ${account('c')},
              'amountMinor', p.amount_minor::text, 'currency', p.currency) order by p.line)
            from ledger_posting p
            left join ledger_account d on d.id = p.debit_account
            left join ledger_account c on c.id = p.credit_account
            where p.entry_id = page.id) as postings
    from page ${tail}`.execute(tx)
  return rows.map((row) => ({
    ...row,
    postings: row.postings.map((posting) => ({ ...posting, amountMinor: BigInt(posting.amountMinor) })),
  }))
}

export interface AccountBalance {
  readonly kind: AccountKind
  readonly partnerId: PartnerId | null
  readonly currency: string
  /** Credits less debits: positive is owed to the owner, negative was paid too much (or, of an expense, spent). */
  readonly balanceMinor: bigint
}

/** Balances by account, of partners first by id; `after` is the last account of the page before. */
export async function readBalances(
  tx: Tx,
  filter: { readonly partnerId?: PartnerId | undefined; readonly kind?: AccountKind | undefined },
  page: { readonly after: readonly [string, string, string] | null; readonly limit: number },
): Promise<readonly AccountBalance[]> {
  const place = sql`(coalesce(partner_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), currency::text, kind)`
  const { after } = page
  const { rows } = await sql<AccountBalance>`
    select kind, partner_id, currency, sum(balance_minor)::bigint as balance_minor
    from ledger_account where ${allOf(
      asked(filter.partnerId, (id) => sql`partner_id = ${id}`),
      asked(filter.kind, (kind) => sql`kind = ${kind}`),
      after ? sql`${place} > (${after[0]}::uuid, ${after[1]}::text, ${after[2]}::text)` : sql`true`,
    )}
    group by partner_id, currency, kind
    order by coalesce(partner_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'), currency, kind
    limit ${page.limit}`.execute(tx)
  return rows
}

export interface PartnerAmounts {
  readonly currency: string
  readonly pendingMinor: bigint
  readonly payableMinor: bigint
}

export interface StatementEntry extends Omit<EntryRow, 'postings' | 'contentHash'>, PartnerAmounts {}

/** What each posting does to the partner's own accounts. */
const movements = sql`
  ledger_entry e
  join ledger_posting p on p.entry_id = e.id
  cross join lateral (
    values (p.debit_account, -p.amount_minor), (p.credit_account, p.amount_minor)) as m (account_id, delta_minor)
  join ledger_account a on a.id = m.account_id and a.kind in ('partner_pending', 'partner_payable')`

/**
 * A partner's balances per currency before a period: those of now less all that happened since its beginning, so that
 * the cost does not grow with the age of the ledger.
 */
export async function readOpening(
  tx: Tx,
  partnerId: PartnerId,
  period: string,
): Promise<readonly PartnerAmounts[]> {
  const { rows } = await sql<PartnerAmounts>`
    with since as (
      select m.account_id, sum(m.delta_minor) as delta_minor
      from ${movements} where e.partner_id = ${partnerId} and e.period >= ${period} group by 1
    )
    select currency,
           coalesce(sum(balance_minor - coalesce(delta_minor, 0)) filter (where kind = 'partner_pending'), 0)::bigint
             as pending_minor,
           coalesce(sum(balance_minor - coalesce(delta_minor, 0)) filter (where kind = 'partner_payable'), 0)::bigint
             as payable_minor
    from ledger_account left join since on since.account_id = ledger_account.id
    where partner_id = ${partnerId}
    group by currency order by currency`.execute(tx)
  return rows
}

/** A partner's entries of a period in the order they were posted, with what each does to its own accounts. */
export async function readPeriod(
  tx: Tx,
  partnerId: PartnerId,
  period: string,
): Promise<readonly StatementEntry[]> {
  const { rows } = await sql<StatementEntry>`
    select e.id, e.posted_at, e.effective_on, e.period, e.kind, e.cause, e.partner_id, e.deal_id, e.plan_version_id,
           e.plan_line, e.adjusts, e.reverses, e.basis, p.currency,
           coalesce(sum(m.delta_minor) filter (where a.kind = 'partner_pending'), 0)::bigint as pending_minor,
           coalesce(sum(m.delta_minor) filter (where a.kind = 'partner_payable'), 0)::bigint as payable_minor
    from ${movements}
    where e.partner_id = ${partnerId} and e.period = ${period}
    group by e.id, p.currency
    order by e.posted_at, e.id`.execute(tx)
  return rows
}
