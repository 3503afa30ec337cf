import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { systemActor } from '#src/kernel/actor.ts'
import { newId, type PartnerId } from '#src/kernel/ids.ts'
import { type EntryDraft, incentiveExpense, payable, pending, reversed } from '#src/ledger/ledger.ts'
import { postEntries } from '#src/ledger/ledger-use-cases.ts'
import { useDatabase } from '#test/support/database.ts'
import { entryDraft } from '#test/support/ledger.ts'

const db = useDatabase()
const system = systemActor('test')

const post = (...drafts: EntryDraft[]) =>
  db.database.transact(system, (tx) => postEntries(tx, system, drafts))

async function balance(partnerId: PartnerId, kind: string): Promise<bigint> {
  const { rows } = await db.database.transact(system, (tx) =>
    sql<{ sum: string | null }>`
      select sum(balance_minor) from ledger_account where partner_id = ${partnerId} and kind = ${kind}`.execute(
      tx,
    ),
  )
  return BigInt(rows[0]?.sum ?? 0)
}

test('the same cause with the same content posts once, however often it is told', async () => {
  const partnerId = newId<'partner'>()
  const draft = entryDraft(partnerId)
  const [first] = await post(draft)
  const [again] = await post(draft)
  expect(first).toMatchObject({ inserted: true })
  expect(again).toEqual({ ...first, inserted: false })
  expect(await balance(partnerId, 'partner_pending')).toBe(100n)
})

test('the same cause with another content is refused loudly', async () => {
  const draft = entryDraft(newId<'partner'>())
  await post(draft)
  await expect(post({ ...draft, effectiveOn: '2026-03-03' })).rejects.toThrow(/another content/)
})

test('one statement posts a batch with old and new causes and moves only the accounts of the new ones', async () => {
  const partnerId = newId<'partner'>()
  const old = entryDraft(partnerId)
  await post(old)
  const written = await post(entryDraft(partnerId), old, entryDraft(partnerId))
  expect(written.map(({ inserted }) => inserted)).toEqual([true, false, true])
  expect(await balance(partnerId, 'partner_pending')).toBe(300n)
})

test('a draft that cannot balance or touches another partner never reaches the database', async () => {
  const partnerId = newId<'partner'>()
  const posting = { debit: incentiveExpense, credit: pending(partnerId), amountMinor: 0n, currency: 'USD' }
  await expect(post(entryDraft(partnerId, { postings: [] }))).rejects.toThrow(/no posting/)
  await expect(post(entryDraft(partnerId, { postings: [posting] }))).rejects.toThrow(/more than zero/)
  const foreign = { ...posting, amountMinor: 1n, credit: pending(newId<'partner'>()) }
  await expect(post(entryDraft(partnerId, { postings: [foreign] }))).rejects.toThrow(/payee/)
})

test('an entry can be reversed once', async () => {
  const partnerId = newId<'partner'>()
  const original = entryDraft(partnerId, { kind: 'manual' })
  const [written] = await post(original)
  const reversal = (cause: string): EntryDraft => ({
    ...original,
    kind: 'reversal',
    cause,
    reverses: written?.id ?? null,
    postings: reversed(original.postings),
  })
  await post(reversal(`test:${newId()}`))
  expect(await balance(partnerId, 'partner_pending')).toBe(0n)
  await expect(post(reversal(`test:${newId()}`))).rejects.toThrow(/reversed_once/)
})

test('entries and postings cannot be changed or deleted', async () => {
  await post(entryDraft(newId<'partner'>()))
  for (const statement of [
    'update ledger_entry set period = period',
    'delete from ledger_entry',
    'update ledger_posting set amount_minor = 1',
    'delete from ledger_posting',
  ]) {
    await expect(db.database.transact(system, (tx) => sql.raw(statement).execute(tx))).rejects.toThrow(
      /permission/,
    )
    await expect(db.database.pool.query(statement)).rejects.toThrow(/append-only|row-level/)
  }
})

test('a partner sees its own entries, postings and balances only, and may cause postings all the same', async () => {
  const [mine, other] = [newId<'partner'>(), newId<'partner'>()]
  await post(entryDraft(mine), entryDraft(other))
  const actor = { kind: 'partner', id: newId(), name: 'Ada', roles: [], partnerId: mine } as const
  const seen = await db.database.transact(actor, async (tx) => {
    await postEntries(tx, actor, [entryDraft(mine)])
    const { rows } = await sql<{ partnerId: string; balance: bigint; postings: bigint; entries: bigint }>`
      select partner_id, balance_minor as balance, (select count(*) from ledger_posting) as postings,
             (select count(*) from ledger_entry) as entries
      from ledger_account`.execute(tx)
    return rows
  })
  expect(seen).toEqual([{ partnerId: mine, balance: 200n, postings: 2n, entries: 2n }])
})

test('many writers on the same few accounts end without deadlock, and every balance is the sum of its postings', async () => {
  const partners = Array.from({ length: 4 }, () => newId<'partner'>())
  const writers = Array.from({ length: 16 }, async (_, writer) => {
    for (let round = 0; round < 10; round += 1) {
      const order = writer % 2 === 0 ? partners : partners.toReversed()
      await post(
        ...order.map((partnerId) =>
          entryDraft(partnerId, {
            postings: [
              { debit: incentiveExpense, credit: pending(partnerId), amountMinor: 7n, currency: 'EUR' },
              { debit: pending(partnerId), credit: payable(partnerId), amountMinor: 3n, currency: 'EUR' },
            ],
          }),
        ),
      )
    }
  })
  await Promise.all(writers)
  for (const partnerId of partners) {
    expect(await balance(partnerId, 'partner_pending')).toBe(640n)
    expect(await balance(partnerId, 'partner_payable')).toBe(480n)
  }
})
