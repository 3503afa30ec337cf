import { describe, test } from 'vitest'
import { useDatabase } from '#test/support/database.ts'
import { runHistory } from '#test/support/histories/history.ts'

const db = useDatabase()
/** More by hand: HISTORIES=300 HISTORY_SEED=1 vitest run ... crm-histories */
const histories = Number(process.env['HISTORIES'] ?? 12)
const firstSeed = Number(process.env['HISTORY_SEED'] ?? 20_261_121)
const seeds = Array.from({ length: histories }, (_, index) => firstSeed + index)

describe.each(['salesforce', 'dynamics', 'hubspot'] as const)(
  'over random histories of people, webhooks, faults and workers, the engine and %s',
  (vendor) => {
    test.each(seeds)(
      'end equal and silent, and nothing that a person typed is lost without a trace (history %i)',
      (seed) => runHistory(db.database, db.url, vendor, seed),
      180_000,
    )
  },
)
