import type { Database, Tx } from '#src/database/database.ts'
import { outageOf } from '#src/database/outage.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { CounterpartError } from '#src/kernel/errors.ts'
import type { ApplyRows } from './apply-use-cases.ts'
import { firstBatchRows, nextBatchRows, restMs, smallerBatchRows } from './batch-size.ts'
import { end } from './ending-step.ts'
import type { CellIssue, ImportId, ImportKind, RowVerdict, StoredRow } from './import.ts'
import { clearEnded, nextRows, tellRows, type WaitingRow } from './import-row-store.ts'
import {
  advance,
  beginRun,
  findSilent,
  type ImportTurn,
  nextRetryAt,
  postpone,
  takeTurn,
} from './import-store.ts'
import { importsBell } from './intake-use-cases.ts'
import { mostFailures, retryAfterMs } from './retry.ts'

export interface WorkDeps {
  readonly database: Database
  readonly appliers: Readonly<Record<ImportKind, ApplyRows>>
  readonly log: { error(about: object, message: string): void }
  /** Calls the drain again at `notBefore`. */
  ring(name: string, notBefore: Date): void
}

const worker = systemActor('imports')
const silentSeconds = 300
const clearRows = 10_000
const nothing = { created: 0, updated: 0, unchanged: 0, invalid: 0 } as const

/** What was in hand when a batch failed; the transaction that knew it is gone. */
interface Attempt {
  turn: ImportTurn | null
  rows: readonly WaitingRow[]
}

/**
 * The work behind imports. A batch of rows is applied and counted in one transaction, so that wherever a process ends,
 * the next one goes on behind the last row that is in: no row is lost, none comes twice.
 */
export function createImportWork({ database, appliers, log, ring }: WorkDeps) {
  const inTransaction = <T>(work: (tx: Tx) => Promise<T>) => database.transact(worker, work)

  /** One piece of work, in one transaction. @returns false when there is none */
  async function step(attempt: Attempt, size: number): Promise<boolean> {
    return inTransaction(async (tx) => {
      const turn = await takeTurn(tx)
      if (!turn) return false
      attempt.turn = turn
      if (turn.state === 'waiting') await beginRun(tx, turn.id)
      attempt.rows = await nextRows(tx, turn.id, turn.columns, turn.appliedLine, size)
      if (attempt.rows.length === 0) await end(tx, turn.actor, turn.id, 'done')
      else await apply(tx, turn, attempt.rows)
      return true
    })
  }

  async function apply(tx: Tx, turn: ImportTurn, rows: readonly WaitingRow[]): Promise<void> {
    const first = rows.filter(({ repeats }) => repeats === null)
    const verdicts = await appliers[turn.kind](tx, turn.actor, first, turn.fileName ?? 'CSV import')
    await settle(tx, turn.id, rows, [...verdicts, ...rows.flatMap(repetition)])
  }

  /** After a failure: waits for what passes, looks for the row that does not. @returns the size of the next batch */
  async function recover(attempt: Attempt, error: unknown): Promise<number> {
    const { turn, rows } = attempt
    if (!turn) throw error
    const [row, another] = rows
    const about = { err: error, import: turn.id, line: row?.line, rows: rows.length }
    const passing = outageOf(error) !== null
    if (row && another && !passing) return smallerBatchRows(rows.length)
    log.error(about, 'a batch of an import failed')
    if (row && !passing) {
      await inTransaction((tx) => giveUpRow(tx, turn, row, error))
      return 1
    }
    await inTransaction((tx) => giveWay(tx, turn))
    return firstBatchRows
  }

  async function giveUpRow(tx: Tx, { id }: ImportTurn, row: StoredRow, error: unknown): Promise<void> {
    const current = await takeTurn(tx)
    if (current?.id !== id || current.appliedLine >= row.line) return
    await settle(tx, id, [row], [{ line: row.line, outcome: 'invalid', issues: [issueOf(error)] }])
  }

  async function giveWay(tx: Tx, turn: ImportTurn): Promise<void> {
    const failures = await postpone(
      tx,
      turn.id,
      'The database could not take a batch; it is tried again',
      retryAfterMs(turn.failures + 1),
    )
    if (failures < mostFailures) return
    await end(tx, worker, turn.id, 'failed', 'It failed too often in a row; import the file again')
  }

  async function failSilent(tx: Tx): Promise<void> {
    for (const id of await findSilent(tx, silentSeconds)) {
      await end(tx, worker, id, 'failed', 'The upload broke off; nothing of the file was applied')
    }
  }

  return {
    /** Applies what waits, oldest import first, until nothing is due or `signal` asks to stop behind the batch in hand. */
    async drainImports(signal: AbortSignal): Promise<void> {
      await inTransaction(failSilent)
      let size = firstBatchRows
      for (let working = true; working && !signal.aborted; ) {
        const attempt: Attempt = { turn: null, rows: [] }
        const startedMs = performance.now()
        try {
          working = await step(attempt, size)
          const tookMs = performance.now() - startedMs
          if (attempt.rows.length === size) size = nextBatchRows(size, tookMs)
          if (working) await rest(restMs(tookMs))
        } catch (error) {
          size = await recover(attempt, error)
        }
      }
      while (!signal.aborted && (await inTransaction((tx) => clearEnded(tx, clearRows))));
      const retryAt = await inTransaction(nextRetryAt)
      if (retryAt) ring(importsBell, retryAt)
    },
  }
}

const rest = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

async function settle(
  tx: Tx,
  id: ImportId,
  rows: readonly StoredRow[],
  verdicts: readonly RowVerdict[],
): Promise<void> {
  const counts = { ...nothing, ...countOutcomes(verdicts) }
  await tellRows(tx, id, verdicts)
  await advance(tx, id, Math.max(...rows.map(({ line }) => line)), counts)
}

const repetition = ({ line, repeats }: WaitingRow): RowVerdict[] =>
  repeats === null
    ? []
    : [
        {
          line,
          outcome: 'invalid',
          issues: [{ column: 'external_ref', code: 'repeated', message: `Line ${repeats} has the same key` }],
        },
      ]

const countOutcomes = (verdicts: readonly RowVerdict[]) =>
  Object.fromEntries(
    [...Map.groupBy(verdicts, ({ outcome }) => outcome)].map(([outcome, rows]) => [outcome, rows.length]),
  )

const issueOf = (error: unknown): CellIssue =>
  error instanceof CounterpartError
    ? { column: null, code: 'refused', message: error.message }
    : {
        column: null,
        code: 'internal_error',
        message: 'Something went wrong on our side; it has been logged',
      }
