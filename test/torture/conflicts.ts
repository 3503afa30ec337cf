import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'csv-stringify/sync'
import type { Api } from '#test/support/api-client.ts'
import type { Random } from '#test/support/random.ts'
import { createCompanies } from './companies.ts'
import {
  createDistinctCompanies,
  type RivalRound,
  type Rivals,
  runRivalRound,
  setUpRivals,
} from './rivals.ts'

export interface ConflictsReport {
  readonly seed: number
  readonly partners: number
  readonly rounds: number
  /** Each with exactly one registration clear, equal to a serial order. */
  readonly roundsInOrder: number
  readonly registrationsPerSecond: Rates
  /** More rounds while an import runs; null without one. */
  readonly duringImport: ImportReport | null
  readonly violations: readonly string[]
  readonly ok: boolean
}

interface Rates {
  readonly median: number
  readonly least: number
  readonly most: number
}

interface ImportReport {
  readonly rows: number
  readonly seconds: number
  readonly rowsPerSecond: number
  readonly rounds: number
  readonly registrationsPerSecond: Rates | null
}

export interface ConflictsOptions {
  readonly seed: number
  readonly rounds: number
  readonly partners: number
  readonly importRows: number
  readonly say: (text: string) => void
}

const violationsTold = 20

export async function runConflicts(
  admin: Api,
  random: Random,
  { seed, rounds, partners, importRows, say }: ConflictsOptions,
): Promise<ConflictsReport> {
  const rivals = await setUpRivals(admin, partners)
  const nextImported = createCompanies(random)
  const nextCompany = createDistinctCompanies(createCompanies(random))
  const done: RivalRound[] = []
  const runOne = async (): Promise<RivalRound> => {
    const company = nextCompany()
    const round = await runRivalRound(rivals, company, random)
    done.push(round)
    for (const violation of round.violations.slice(0, violationsTold)) say(`${company.name}: ${violation}`)
    return round
  }
  for (let number = 1; number <= rounds; number += 1) {
    const { registrationsPerSecond, spellings, violations } = await runOne()
    if (number % 10 === 0 || violations.length > 0) {
      say(`Round ${number}: ${spellings} spellings, ${registrationsPerSecond} registrations a second`)
    }
  }
  const alone = ratesOf(done)
  const duringImport =
    importRows > 0
      ? await importMeanwhile(rivals, csvOf(importRows, rivals, nextImported), importRows, runOne, say)
      : null
  const violations = done.flatMap((round) => round.violations)
  const roundsInOrder = done.filter((round) => round.violations.length === 0 && round.clear === 1).length
  const ok = roundsInOrder === done.length
  say(
    ok
      ? `${done.length} rounds of ${partners}: each with one clear, as in some order one after the other`
      : `${done.length - roundsInOrder} of ${done.length} rounds equal no serial order, or told too much`,
  )
  return {
    seed,
    partners,
    rounds: done.length,
    roundsInOrder,
    registrationsPerSecond: alone ?? { median: 0, least: 0, most: 0 },
    duringImport,
    violations: violations.slice(0, violationsTold),
    ok,
  }
}

function ratesOf(rounds: readonly RivalRound[]): Rates | null {
  const rates = rounds.map(({ registrationsPerSecond }) => registrationsPerSecond).sort((a, b) => a - b)
  const [least, median, most] = [rates[0], rates[Math.floor(rates.length / 2)], rates.at(-1)]
  return least === undefined || median === undefined || most === undefined ? null : { median, least, most }
}

/** Live registrations of companies that nobody else registers, spread over all partners. */
function csvOf(rowCount: number, { partners }: Rivals, next: ReturnType<typeof createCompanies>): string {
  const rows = Array.from({ length: rowCount }, (_, index) => {
    const { name, domain } = next()
    return {
      external_ref: `import-${index + 1}`,
      partner: `R-${(index % partners.length) + 1}`,
      company_name: name,
      company_domain: domain,
      company_country: 'DE',
      contact_name: 'Robin Meyer',
      contact_email: `robin.meyer@${domain}`,
      need: 'Replace the old shop platform before the next season starts',
      amount: '50000.00',
      currency: 'USD',
      expected_close_date: '2027-03-31',
      registration_type: 'resale',
    }
  })
  return stringify(rows, { header: true })
}

/** Rounds go on for as long as the import does. */
async function importMeanwhile(
  { admin }: Rivals,
  csv: string,
  rows: number,
  runOne: () => Promise<RivalRound>,
  say: (text: string) => void,
): Promise<ImportReport> {
  const response = await fetch(`${admin.url}/api/v1/imports/deals?fileName=history.csv`, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'text/csv' },
    body: csv,
  })
  const received = JSON.parse(await response.text())
  if (response.status !== 202)
    throw new Error(`The import answered ${response.status}: ${JSON.stringify(received)}`)
  const startedAt = performance.now()
  const rounds: RivalRound[] = []
  const importing = waitUntilImported(admin, received.id, rows)
  const ended = importing.then(
    () => true,
    () => true,
  )
  while (!(await Promise.race([ended, delay(0, false)]))) {
    rounds.push(await runOne())
    await delay(200)
  }
  await importing
  const seconds = (performance.now() - startedAt) / 1_000
  const rowsPerSecond = Math.round(rows / seconds)
  say(
    `Imported ${rows} registrations in ${Math.round(seconds)} s, ${rowsPerSecond} a second, beside the rounds`,
  )
  return {
    rows,
    seconds: Math.round(seconds),
    rowsPerSecond,
    rounds: rounds.length,
    registrationsPerSecond: ratesOf(rounds),
  }
}

async function waitUntilImported(admin: Api, importId: string, rowCount: number): Promise<void> {
  for (;;) {
    const { state, rows, problem } = await admin.get(`/api/v1/imports/${importId}`)
    if (state === 'done') {
      if (rows.created === rowCount) return
      throw new Error(`An import of ${rowCount} rows ended with ${JSON.stringify(rows)}`)
    }
    if (state === 'failed' || state === 'cancelled') throw new Error(`An import is ${state}: ${problem}`)
    await delay(300)
  }
}
