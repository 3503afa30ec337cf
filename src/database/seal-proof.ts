import { createHash, type Hash } from 'node:crypto'
import { sql } from 'kysely'
import type { Tx } from './database.ts'
import type { Journal } from './sealer.ts'

/** A journal whose rows can be hashed anew from what they say now. */
export interface ProvableJournal extends Journal {
  /** Hashes (hex) of the rows' present content by id; a row that is not there is missing. */
  rehash(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, string>>
}

/** The first thing found wrong. */
export interface Fault {
  readonly journal: string
  /** Id of the bad row. */
  readonly id: string
  readonly code: string
  readonly message: string
}

export interface ChainProof {
  readonly journal: string
  readonly sealed: number
  /** Rows younger than a minute that wait for the sealer. */
  readonly waiting: number
  /** Number and hash (hex) of the newest seal; null while nothing is sealed. Note it elsewhere to detect a rewritten chain. */
  readonly head: { readonly number: bigint; readonly hash: string } | null
  readonly fault: Fault | null
}

interface ChainRow {
  readonly number: bigint
  readonly position: number | null
  readonly entryCount: number
  readonly previousHash: string
  readonly hash: string
  readonly entryId: string | null
  readonly recordedAt: string | null
  readonly contentHash: string | null
}

interface Walk {
  number: bigint
  head: string
  digest: Hash
  members: number
  sealed: number
}

const pageSize = 2_000

/**
 * Walks a journal in the order of its seals and recomputes every hash; then looks for rows that no seal holds although
 * they are older than a minute. Bounded memory, whatever the length. Run it in a repeatable read transaction.
 */
export async function proveChain(tx: Tx, journal: ProvableJournal): Promise<ChainProof> {
  const walk: Walk = {
    number: 0n,
    head: createHash('sha256').update(journal.name).digest('hex'),
    digest: createHash('sha256'),
    members: 0,
    sealed: 0,
  }
  const fault = (await walkSeals(tx, journal, walk)) ?? (await findStray(tx, journal))
  const waiting = fault ? { count: 0, fault } : await walkUnsealed(tx, journal)
  return {
    journal: journal.name,
    sealed: walk.sealed,
    waiting: waiting.count,
    head: walk.number === 0n ? null : { number: walk.number, hash: walk.head },
    fault: waiting.fault,
  }
}

async function walkSeals(tx: Tx, journal: ProvableJournal, walk: Walk): Promise<Fault | null> {
  let after = { number: 0n, position: 0 }
  let open: ChainRow | null = null
  for (;;) {
    const page = await readSeals(tx, journal, after)
    const hashes = await journal.rehash(
      tx,
      page.flatMap(({ entryId }) => entryId ?? []),
    )
    for (const row of page) {
      if (open?.number !== row.number) {
        const fault: Fault | null = (open && closeSeal(journal, walk, open)) ?? openSeal(journal, walk, row)
        if (fault) return fault
        open = row
      }
      const fault = takeMember(journal, walk, row, hashes)
      if (fault) return fault
      after = { number: row.number, position: row.position ?? 0 }
    }
    if (page.length < pageSize) return open && closeSeal(journal, walk, open)
  }
}

async function readSeals(tx: Tx, journal: Journal, after: { number: bigint; position: number }) {
  const { rows } = await sql<ChainRow>`
    select seal.number, member.position, seal.entry_count, encode(seal.previous_hash, 'hex') as previous_hash,
           encode(seal.hash, 'hex') as hash, member.entry_id,
           encode(timestamptz_send(entry.${sql.ref(journal.recordedAt)}), 'hex') as recorded_at,
           encode(entry.content_hash, 'hex') as content_hash
    from seal
    left join seal_member member on member.journal = seal.journal and member.seal_number = seal.number
    left join ${sql.table(journal.table)} entry on entry.id = member.entry_id
    where seal.journal = ${journal.name} and seal.number >= ${after.number}
      and (seal.number > ${after.number} or member.position > ${after.position})
    order by seal.number, member.position limit ${pageSize}`.execute(tx)
  return rows
}

const faulty = (journal: Journal, id: string, code: string, message: string): Fault => ({
  journal: journal.name,
  id,
  code,
  message,
})

function openSeal(journal: Journal, walk: Walk, row: ChainRow): Fault | null {
  const id = `seal ${row.number}`
  if (row.number !== walk.number + 1n) {
    return faulty(journal, id, 'seal_missing', `Seal ${walk.number + 1n} before it is missing`)
  }
  if (row.previousHash !== walk.head) {
    return faulty(journal, id, 'chain_broken', 'Its previous hash is not the hash of the seal before')
  }
  walk.number = row.number
  walk.digest = createHash('sha256').update(row.previousHash, 'hex')
  walk.members = 0
  return null
}

function takeMember(
  journal: Journal,
  walk: Walk,
  row: ChainRow,
  hashes: ReadonlyMap<string, string>,
): Fault | null {
  if (row.entryId === null)
    return faulty(journal, `seal ${row.number}`, 'seal_empty', 'The seal holds no rows')
  if (row.recordedAt === null || row.contentHash === null) {
    return faulty(journal, row.entryId, 'row_missing', `Seal ${row.number} holds this row, but it is gone`)
  }
  if (hashes.get(row.entryId) !== row.contentHash) {
    return faulty(journal, row.entryId, 'content_changed', 'What it says does not match its content hash')
  }
  walk.digest
    .update(row.entryId.replaceAll('-', ''), 'hex')
    .update(row.recordedAt, 'hex')
    .update(row.contentHash, 'hex')
  walk.members += 1
  walk.sealed += 1
  return null
}

function closeSeal(journal: Journal, walk: Walk, seal: ChainRow): Fault | null {
  const id = `seal ${seal.number}`
  if (walk.members !== seal.entryCount) {
    const counted = `It holds ${walk.members} rows instead of ${seal.entryCount}`
    return faulty(journal, id, 'members_changed', counted)
  }
  const hash = walk.digest.digest('hex')
  if (hash !== seal.hash) {
    return faulty(
      journal,
      id,
      'seal_mismatch',
      'Its hash does not match the ids, instants and contents it holds',
    )
  }
  walk.head = hash
  return null
}

/** A membership whose seal is gone, which a walk along the seals does not meet. */
async function findStray(tx: Tx, journal: Journal): Promise<Fault | null> {
  const { rows } = await sql<{ entryId: string; sealNumber: bigint }>`
    select entry_id, seal_number from seal_member
    where journal = ${journal.name} and not exists (
      select from seal where seal.journal = seal_member.journal and seal.number = seal_member.seal_number)
    order by seal_number, position limit 1`.execute(tx)
  const [row] = rows
  return row ? faulty(journal, row.entryId, 'seal_missing', `Its seal ${row.sealNumber} is gone`) : null
}

async function walkUnsealed(
  tx: Tx,
  journal: ProvableJournal,
): Promise<{ count: number; fault: Fault | null }> {
  const recordedAt = sql.ref(journal.recordedAt)
  let count = 0
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows } = await sql<{ id: string; contentHash: string; late: boolean }>`
      select id, encode(content_hash, 'hex') as content_hash,
             ${recordedAt} < clock_timestamp() - interval '1 minute' as late
      from ${sql.table(journal.table)} entry
      where id > ${after} and not exists (
        select from seal_member where journal = ${journal.name} and entry_id = entry.id)
      order by id limit ${pageSize}`.execute(tx)
    const hashes = await journal.rehash(
      tx,
      rows.map(({ id }) => id),
    )
    for (const { id, contentHash, late } of rows) {
      if (late)
        return { count, fault: faulty(journal, id, 'not_sealed', 'Older than a minute and in no seal') }
      if (hashes.get(id) !== contentHash) {
        const message = 'What it says does not match its content hash'
        return { count, fault: faulty(journal, id, 'content_changed', message) }
      }
      count += 1
      after = id
    }
    if (rows.length < pageSize) return { count, fault: null }
  }
}
