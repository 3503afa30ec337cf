import { beforeAll, expect, test } from 'vitest'
import { recordAudit } from '#src/database/audit.ts'
import { auditJournal } from '#src/database/audit-journal.ts'
import { sealJournal } from '#src/database/sealer.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { newId, type PartnerId } from '#src/kernel/ids.ts'
import { ledgerJournal } from '#src/ledger/journal-store.ts'
import { type EntryDraft, type EntryId, incentiveExpense, payable, pending } from '#src/ledger/ledger.ts'
import { contentHash } from '#src/ledger/ledger-identity.ts'
import { formatLedgerProof } from '#src/ledger/ledger-proof.ts'
import { postEntries } from '#src/ledger/ledger-use-cases.ts'
import { verifyLedger } from '#src/ledger/proof-store.ts'
import { useDatabase } from '#test/support/database.ts'
import { entryDraft } from '#test/support/ledger.ts'
import { query } from '#test/support/sql.ts'

const db = useDatabase()
const system = systemActor('test')
const tables = ['ledger_account', 'ledger_entry', 'ledger_posting', 'audit_entry', 'seal', 'seal_member']
const [ada, bob] = [newId<'partner'>(), newId<'partner'>()]
const causes = ['first', 'second', 'third', 'correction', 'mistake', 'undo']

/** Somebody with every right on the database lifts the protection, does the damage and leaves no trace of himself. */
const tamper = (...statements: string[]) => query(db.url, statements.join(';\n'))

beforeAll(async () => {
  await db.database.transact(system, async (tx) => {
    const said = (cause: string) => ({ cause })
    const [first] = await postEntries(tx, system, [
      entryDraft(ada, said('first')),
      entryDraft(bob, said('second')),
      entryDraft(ada, said('third')),
    ])
    const mistake = entryDraft(ada, { cause: 'mistake', kind: 'manual' })
    const [wrong] = await postEntries(tx, system, [mistake])
    await postEntries(tx, system, [
      entryDraft(ada, {
        cause: 'correction',
        kind: 'adjustment',
        adjusts: first?.id ?? null,
        postings: [{ debit: pending(ada), credit: incentiveExpense, amountMinor: 40n, currency: 'USD' }],
      }),
      entryDraft(ada, {
        cause: 'undo',
        kind: 'reversal',
        reverses: wrong?.id ?? null,
        postings: [{ debit: pending(ada), credit: incentiveExpense, amountMinor: 100n, currency: 'USD' }],
      }),
      entryDraft(bob, {
        cause: 'release',
        kind: 'release',
        postings: [{ debit: pending(bob), credit: payable(bob), amountMinor: 100n, currency: 'USD' }],
      }),
    ])
    const subject = { kind: 'test', id: 'one' }
    await recordAudit(tx, system, [
      { action: 'test.began', subject },
      {
        action: 'test.done',
        subject,
        before: { amount: 1.5, note: 'Ünïcode "x"' },
        after: null,
        reason: 'why',
      },
    ])
  })
  await tamper(
    ...tables.map((table) => `alter table ${table} no force row level security, disable trigger user`),
    'alter table ledger_posting drop constraint ledger_posting_entry_id_fkey',
    'alter table seal_member drop constraint seal_member_journal_seal_number_fkey',
    "update ledger_entry set posted_at = posted_at - interval '1 hour'",
  )
  await sealJournal(db.database, ledgerJournal, { limit: 3 })
  await sealJournal(db.database, auditJournal)
  await tamper(...tables.map((table) => `create table kept_${table} as table ${table}`))
})

/** What the proof says after the damage; then everything is put back. */
async function faultAfter(...damage: string[]) {
  await tamper(...damage)
  const { fault } = await verifyLedger(db.database)
  await tamper(
    `truncate ${tables.join(', ')}`,
    ...tables.map((table) => `insert into ${table} table kept_${table}`),
  )
  return fault
}

const idOf = async (cause: string) =>
  (await query<{ id: string }>(db.url, 'select id from kept_ledger_entry where cause = $1', [cause]))[0]?.id

test('an untouched ledger holds, and the proof prints its head and its totals', async () => {
  const proof = await verifyLedger(db.database)
  expect(proof.fault).toBeNull()
  expect(proof.chains).toMatchObject([
    { journal: 'ledger', sealed: 7, waiting: 0 },
    { journal: 'audit', sealed: 2, waiting: 0 },
  ])
  expect(proof.totals).toEqual([{ currency: 'USD', movedMinor: 640n, postings: 7n }])
  expect(formatLedgerProof(proof)).toMatch(
    /head 3 [0-9a-f]{64}[\s\S]*7 postings move 6\.40\nThe ledger holds/,
  )
})

test('an amount that was changed is named', async () => {
  const damage = `update ledger_posting set amount_minor = 101 where entry_id = '${await idOf('second')}'`
  expect(await faultAfter(damage)).toMatchObject({ id: await idOf('second'), code: 'content_changed' })
})

test('of several bad rows the first of the chain is named', async () => {
  const damage = `update ledger_entry set period = '2026-04' where cause in ('third', 'second', 'release')`
  const order = await query<{ id: string }>(
    db.url,
    `select entry_id as id from kept_seal_member join kept_ledger_entry e on e.id = entry_id
     where cause in ('third', 'second', 'release') order by seal_number, position`,
  )
  expect(await faultAfter(damage)).toMatchObject({ id: order[0]?.id, code: 'content_changed' })
})

test.each(causes)('whatever an entry says is covered by its hash: %s', async (cause) => {
  for (const change of [
    `partner_id = '${newId()}'`,
    "effective_on = '2020-01-01'",
    `deal_id = '${newId()}'`,
    "plan_line = 'other'",
    `basis = '{"rule": "flat"}'`,
    "cause = cause || 'x'",
  ]) {
    const damage = `update ledger_entry set ${change} where cause = '${cause}'`
    expect(await faultAfter(damage)).toMatchObject({ id: await idOf(cause), code: 'content_changed' })
  }
})

test('a posting that was removed, moved to another account or added is named by its entry', async () => {
  const id = await idOf('second')
  const account = "(select id from ledger_account where kind = 'partner_payable' limit 1)"
  for (const damage of [
    `delete from ledger_posting where entry_id = '${id}'`,
    `update ledger_posting set credit_account = ${account} where entry_id = '${id}'`,
    `insert into ledger_posting select entry_id, 9, debit_account, credit_account, 5, currency
     from ledger_posting where entry_id = '${id}'`,
  ]) {
    expect(await faultAfter(damage)).toMatchObject({ id, code: 'content_changed' })
  }
})

test('an entry that was removed with all its postings leaves a gap in its seal', async () => {
  const id = await idOf('third')
  const fault = await faultAfter(
    `delete from ledger_posting where entry_id = '${id}'`,
    `delete from ledger_entry where id = '${id}'`,
  )
  expect(fault).toMatchObject({ id, code: 'row_missing' })
})

test('a changed instant breaks the seal, and so does an entry whose hash was forged to match', async () => {
  const instant =
    "update ledger_entry set posted_at = posted_at + interval '1 microsecond' where cause = 'first'"
  const forged = contentHash(entryDraft(bob, { cause: 'second', dealId: null }))
  const content = `update ledger_entry set deal_id = null, content_hash = '\\x${forged}' where cause = 'second'`
  for (const damage of [instant, content]) {
    expect(await faultAfter(damage)).toMatchObject({ id: 'seal 1', code: 'seal_mismatch' })
  }
})

test('a link that makes no sense is named, even where contents and chain are in order', async () => {
  const [first, undo] = [await idOf('first'), await idOf('undo')]
  const post = async (draft: EntryDraft) => {
    const [written] = await db.database.transact(system, (tx) => postEntries(tx, system, [draft]))
    await sealJournal(db.database, ledgerJournal)
    const fault = await faultAfter('select 1')
    return { id: written?.id, fault }
  }
  const adjusting = (partnerId: PartnerId, adjusts: string | undefined, currency = 'USD') => {
    const posting = { debit: incentiveExpense, credit: pending(partnerId), amountMinor: 1n, currency }
    return entryDraft(partnerId, { kind: 'adjustment', adjusts: adjusts as EntryId, postings: [posting] })
  }
  const foreign = await post(adjusting(bob, first))
  expect(foreign.fault).toMatchObject({
    id: foreign.id,
    code: 'link_invalid',
    message: expect.stringContaining('another payee'),
  })
  const otherCurrency = await post(adjusting(ada, first, 'EUR'))
  expect(otherCurrency.fault).toMatchObject({
    id: otherCurrency.id,
    message: expect.stringContaining('another currency'),
  })
  const onReversal = await post(adjusting(ada, undo))
  expect(onReversal.fault).toMatchObject({
    id: onReversal.id,
    message: expect.stringContaining('a reversal'),
  })
})

test('damage to the chain itself is named: a seal changed, removed, cut off or emptied', async () => {
  expect(
    await faultAfter("update seal set hash = sha256('x') where number = 2 and journal = 'ledger'"),
  ).toMatchObject({ id: 'seal 2', code: 'seal_mismatch' })
  expect(
    await faultAfter("update seal set previous_hash = sha256('x') where number = 2 and journal = 'ledger'"),
  ).toMatchObject({ id: 'seal 2', code: 'chain_broken' })
  expect(await faultAfter("delete from seal where number = 2 and journal = 'ledger'")).toMatchObject({
    id: 'seal 3',
    code: 'seal_missing',
  })
  expect(await faultAfter("delete from seal where number = 3 and journal = 'ledger'")).toMatchObject({
    code: 'seal_missing',
  })
  expect(
    await faultAfter("delete from seal_member where seal_number = 1 and journal = 'ledger'"),
  ).toMatchObject({ id: 'seal 1', code: 'seal_empty' })
  expect(
    await faultAfter(
      "delete from seal_member where journal = 'ledger' and seal_number = 3",
      "delete from seal where journal = 'ledger' and number = 3",
    ),
  ).toMatchObject({ code: 'not_sealed' })
})

test('an entry slipped in without a seal is named once it is a minute old', async () => {
  const id = newId()
  const insert = (age: string) => [
    `insert into ledger_entry select '${id}', clock_timestamp() - interval '${age}', effective_on, period, kind, 'slipped',
       partner_id, deal_id, plan_version_id, plan_line, adjusts, reverses, basis, content_hash
     from ledger_entry where cause = 'first'`,
  ]
  expect(await faultAfter(...insert('2 minutes'))).toMatchObject({ id, code: 'not_sealed' })
  expect(await faultAfter(...insert('1 second'))).toMatchObject({ id, code: 'content_changed' })
})

test('a balance that is not the sum of its postings is named', async () => {
  const [row] = await query<{ id: string }>(
    db.url,
    `select id from kept_ledger_account where kind = 'partner_payable'`,
  )
  const fault = await faultAfter(`update ledger_account set balance_minor = 1 where id = '${row?.id}'`)
  expect(fault).toMatchObject({ id: row?.id, code: 'balance_wrong' })
  expect(fault?.message).toMatch(/is 1, its postings add up to 100/)
})

test('an audit row that was changed or removed is named', async () => {
  const [row] = await query<{ id: string }>(
    db.url,
    "select id from kept_audit_entry where action = 'test.done'",
  )
  for (const change of [
    "reason = 'another'",
    "before = '{}'",
    'before = null',
    "after = '1'",
    "actor_name = 'Eve'",
  ]) {
    const fault = await faultAfter(`update audit_entry set ${change} where id = '${row?.id}'`)
    expect(fault).toMatchObject({ journal: 'audit', id: row?.id, code: 'content_changed' })
  }
  const gone = await faultAfter(`delete from audit_entry where id = '${row?.id}'`)
  expect(gone).toMatchObject({ journal: 'audit', id: row?.id, code: 'row_missing' })
})
