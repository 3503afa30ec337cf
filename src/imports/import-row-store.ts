import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { FileRow } from './csv-rows.ts'
import type { ImportId, RowVerdict, StoredRow, ToldRow } from './import.ts'

/** Appends rows of the file while it is received. False when the import ended in the meantime. */
export async function appendRows(
  tx: Tx,
  id: ImportId,
  columns: readonly string[],
  rows: readonly FileRow[],
): Promise<boolean> {
  const invalid = rows.filter(({ issues }) => issues.length > 0).length
  const { numAffectedRows } = await sql`
    update import set rows_read = rows_read + ${rows.length}, rows_invalid = rows_invalid + ${invalid},
      stored_at = clock_timestamp()
    where id = ${id} and state = 'receiving'`.execute(tx)
  if (numAffectedRows !== 1n) return false
  const key = columns.indexOf('external_ref')
  await sql`
    insert into import_row (import_id, line, external_ref, cells, outcome, issues)
    select ${id}, given.line, nullif(given.external_ref, ''), given.cells::json,
           case when given.issues is not null then 'invalid' end, given.issues::jsonb
    from unnest(${rows.map(({ line }) => line)}::int[], ${rows.map(({ cells }) => cells[key] ?? '')}::text[],
                ${rows.map(({ cells }) => JSON.stringify(cells))}::text[],
                ${rows.map(({ issues }) => (issues.length > 0 ? JSON.stringify(issues) : null))}::text[])
      as given (line, external_ref, cells, issues)`.execute(tx)
  return true
}

/** A row that waits, and the earlier line that has its key already, if there is one. */
export interface WaitingRow extends StoredRow {
  readonly repeats: number | null
}

/** The next rows behind `afterLine`, in the order of the file. */
export async function nextRows(
  tx: Tx,
  id: ImportId,
  columns: readonly string[],
  afterLine: number,
  limit: number,
): Promise<WaitingRow[]> {
  const { rows } = await sql<{ line: number; cells: readonly string[]; repeats: number | null }>`
    select line, cells, (
      select min(earlier.line) from import_row earlier
      where earlier.import_id = ${id} and earlier.external_ref = waits.external_ref and earlier.line < waits.line
    ) as repeats
    from import_row waits
    where import_id = ${id} and line > ${afterLine} and outcome is null order by line limit ${limit}`.execute(
    tx,
  )
  return rows.map(({ line, cells, repeats }) => ({
    line,
    repeats,
    cells: new Map(
      columns.flatMap((column, index) => {
        const cell = cells[index]
        return cell ? [[column, cell] as const] : []
      }),
    ),
  }))
}

/** Keeps what there is to say about rows. */
export async function tellRows(tx: Tx, id: ImportId, verdicts: readonly RowVerdict[]): Promise<void> {
  const told = verdicts.filter(({ issues, outcome }) => issues.length > 0 || outcome === 'invalid')
  if (told.length === 0) return
  await sql`
    update import_row set outcome = given.outcome, issues = given.issues
    from jsonb_to_recordset(${JSON.stringify(told)}::jsonb) as given (line int, outcome text, issues jsonb)
    where import_id = ${id} and import_row.line = given.line`.execute(tx)
}

export async function toldRows(
  tx: Tx,
  id: ImportId,
  afterLine: number,
  limit: number,
): Promise<readonly ToldRow[]> {
  const { rows } = await sql<ToldRow>`
    select line, external_ref, outcome, issues,
           (select coalesce(json_object_agg(name, cell), '{}')
            from unnest(columns, array(select json_array_elements_text(cells))) as pair (name, cell)
            where name is not null and cell is not null) as cells
    from import_row join import on import.id = import_id
    where import_id = ${id} and line > ${afterLine} and outcome is not null
    order by line limit ${limit}`.execute(tx)
  return rows
}

/**
 * Drops rows that went in without a remark, of one ended import and at most `limit` of them.
 * @returns whether there may be more to drop
 */
export async function clearEnded(tx: Tx, limit: number): Promise<boolean> {
  const ended = await sql<{ id: ImportId }>`
    select id from import where ended_at is not null and not cleared order by ended_at limit 1
    for update skip locked`.execute(tx)
  const id = ended.rows[0]?.id
  if (!id) return false
  const { numAffectedRows } = await sql`
    delete from import_row where import_id = ${id} and line = any(array(
      select line from import_row where import_id = ${id} and outcome is null limit ${limit}))`.execute(tx)
  if (Number(numAffectedRows ?? 0n) < limit)
    await sql`update import set cleared = true where id = ${id}`.execute(tx)
  return true
}

/** Drops at most `limit` rows of reports on imports that ended more than `keptDays` ago. @returns how many */
export async function dropReports(tx: Tx, keptDays: number, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from import_row where (import_id, line) in (
      select import_id, line from import_row join import on import.id = import_id
      where ended_at < clock_timestamp() - make_interval(days => ${keptDays}) limit ${limit})`.execute(tx)
  return Number(numAffectedRows ?? 0n)
}
