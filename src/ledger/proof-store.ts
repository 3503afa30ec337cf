import { sql } from 'kysely'
import { auditJournal } from '#src/database/audit-journal.ts'
import type { Database, Tx } from '#src/database/database.ts'
import { type ChainProof, type Fault, proveChain } from '#src/database/seal-proof.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { ledgerJournal } from './journal-store.ts'
import type { CurrencyTotal, LedgerProof } from './ledger-proof.ts'

/**
 * Proves the whole history anew, in one snapshot and with bounded memory, while others go on posting: what every entry
 * says against its hash, the chain of seals (of the audit trail too), that everything older than a minute is sealed, the
 * links between entries, and that every balance is the sum of its postings and each currency nets to zero.
 */
export async function verifyLedger(database: Database): Promise<LedgerProof> {
  return database.transact(systemActor('verify-ledger'), async (tx) => {
    await sql`set transaction isolation level repeatable read`.execute(tx)
    const chains: ChainProof[] = []
    let fault: Fault | null = null
    for (const journal of [ledgerJournal, auditJournal]) {
      const proof: ChainProof = await proveChain(tx, journal)
      chains.push(proof)
      fault ??= proof.fault
    }
    for (const check of [checkPostings, checkLinks, checkBalances, checkNet]) fault ??= await check(tx)
    return { holds: fault === null, chains, totals: await readTotals(tx), fault }
  })
}

const bad = (id: string, code: string, message: string): Fault => ({ journal: 'ledger', id, code, message })

interface BadRow {
  readonly id: string
  readonly what: string
}

async function checkPostings(tx: Tx): Promise<Fault | null> {
  const { rows } = await sql<BadRow>`
    select p.entry_id as id, 'posting ' || p.line as what
    from ledger_posting p
    left join ledger_entry e on e.id = p.entry_id
    left join ledger_account d on d.id = p.debit_account
    left join ledger_account c on c.id = p.credit_account
    where e.id is null or p.amount_minor <= 0 or d.id = c.id
      or d.currency is distinct from p.currency or c.currency is distinct from p.currency
      or (d.partner_id is not null and d.partner_id is distinct from e.partner_id)
      or (c.partner_id is not null and c.partner_id is distinct from e.partner_id)
    order by p.entry_id, p.line limit 1`.execute(tx)
  const [row] = rows
  return row
    ? bad(row.id, 'posting_invalid', `Its ${row.what} does not fit its entry, its accounts or its currency`)
    : null
}

async function checkLinks(tx: Tx): Promise<Fault | null> {
  const { rows } = await sql<BadRow>`
    with linked as (
      select e.id, e.partner_id, e.reverses, coalesce(e.adjusts, e.reverses) as original
      from ledger_entry e where e.adjusts is not null or e.reverses is not null
    ), wrong as (
      select id, 'names the wrong kind of link for its own kind, ' || kind as what
      from ledger_entry
      where (kind = 'adjustment') <> (adjusts is not null) or (kind = 'reversal') <> (reverses is not null)
      union all
      select l.id, case
          when o.id is null then 'names an entry that is not there'
          when o.partner_id is distinct from l.partner_id then 'names an entry of another payee'
          when o.reverses is not null then 'names a reversal' end
      from linked l left join ledger_entry o on o.id = l.original
      where o.id is null or o.partner_id is distinct from l.partner_id or o.reverses is not null
      union all
      select l.id, 'names an entry in another currency'
      from linked l join ledger_posting own on own.entry_id = l.id
      where not exists (
        select from ledger_posting other where other.entry_id = l.original and other.currency = own.currency)
      union all
      select max(l.id::text)::uuid, 'reverses an entry that was reversed before'
      from linked l where l.reverses is not null group by l.reverses having count(*) > 1
    )
    select id, what from wrong order by id limit 1`.execute(tx)
  const [row] = rows
  return row ? bad(row.id, 'link_invalid', `It ${row.what}`) : null
}

async function checkBalances(tx: Tx): Promise<Fault | null> {
  const { rows } = await sql<{ id: string; balanceMinor: string; sumMinor: string }>`
    select coalesce(a.id, m.account_id) as id, coalesce(a.balance_minor, 0)::text as balance_minor,
           coalesce(m.sum_minor, 0)::text as sum_minor
    from ledger_account a
    full join (
      select account_id, sum(delta) as sum_minor
      from (select debit_account, -amount_minor from ledger_posting
            union all select credit_account, amount_minor from ledger_posting) as moved (account_id, delta)
      group by account_id) m on m.account_id = a.id
    where coalesce(a.balance_minor, 0) <> coalesce(m.sum_minor, 0)
    order by 1 limit 1`.execute(tx)
  const [row] = rows
  if (!row) return null
  const message = `The account's balance is ${row.balanceMinor}, its postings add up to ${row.sumMinor}`
  return bad(row.id, 'balance_wrong', message)
}

async function checkNet(tx: Tx): Promise<Fault | null> {
  const { rows } = await sql<{ currency: string; net: string }>`
    select currency, sum(balance_minor)::text as net from ledger_account
    group by currency having sum(balance_minor) <> 0 order by currency limit 1`.execute(tx)
  const [row] = rows
  return row
    ? bad(row.currency, 'currency_not_zero', `All accounts in it add up to ${row.net} instead of 0`)
    : null
}

async function readTotals(tx: Tx): Promise<readonly CurrencyTotal[]> {
  const { rows } = await sql<{ currency: string; movedMinor: string; postings: bigint }>`
    select currency, sum(amount_minor)::text as moved_minor, count(*) as postings
    from ledger_posting group by currency order by currency`.execute(tx)
  return rows.map((row) => ({ ...row, movedMinor: BigInt(row.movedMinor) }))
}
