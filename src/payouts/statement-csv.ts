import { stringify } from 'csv-stringify/sync'
import { formatDecimal } from '#src/kernel/money.ts'
import type { Amounts, Statement, StatementLine } from './statement.ts'

const columns = [
  'period',
  'currency',
  'row',
  'posted_at',
  'effective_on',
  'deal_id',
  'plan_line',
  'pending',
  'payable',
  'explanation',
  'entry_id',
]

/** A statement as CSV with a header: per currency the opening, every entry and the closing, amounts as decimals. */
export function statementCsv(statement: Statement): string {
  const rows = statement.accounts.flatMap(({ currency, opening, lines, closing }) => {
    const amounts = ({ pendingMinor, payableMinor }: Amounts) => [
      formatDecimal(pendingMinor, currency),
      formatDecimal(payableMinor, currency),
    ]
    const balance = (row: string, balances: Amounts) => [row, '', '', '', '', ...amounts(balances), '', '']
    const entry = (line: StatementLine) => [
      line.kind,
      line.postedAt.toISOString(),
      line.effectiveOn,
      line.dealId,
      asText(line.planLine?.name ?? ''),
      ...amounts(line),
      asText(line.explanation.join(' ')),
      line.entryId,
    ]
    return [balance('opening', opening), ...lines.map(entry), balance('closing', closing)].map((row) => [
      statement.period,
      currency,
      ...row,
    ])
  })
  return stringify([columns, ...rows], { record_delimiter: 'windows' })
}

/** Text that a spreadsheet would take for a formula is marked as text. */
const asText = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)
