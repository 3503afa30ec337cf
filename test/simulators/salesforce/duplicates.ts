/** Duplicate rules: an administrator's predicate over a saved record and the ones that exist. */
import { type RecordError, recordError } from './errors.ts'
import type { DuplicateRule, Organisation } from './organisation.ts'
import type { Row } from './schema.ts'
import type { Table } from './tables.ts'

function describeMatches(table: Table, rule: DuplicateRule, matches: readonly Row[]): unknown {
  return {
    allowSave: rule.onMatch !== 'block',
    duplicateRule: rule.name,
    duplicateRuleEntityType: table.schema.name,
    errorMessage: 'Use one of these records?',
    matchResults: [
      {
        entityType: table.schema.name,
        errors: [],
        matchEngine: 'ExactMatchEngine',
        matchRecords: matches.map((row) => ({
          additionalInformation: [],
          fieldDiffs: [],
          matchConfidence: 100,
          record: {
            attributes: {
              type: table.schema.name,
              url: `/services/data/v62.0/sobjects/${table.schema.name}/${row['Id']}`,
            },
            Id: row['Id'],
          },
        })),
        rule: rule.name,
        size: matches.length,
        success: true,
      },
    ],
  }
}

/** Null where nothing matches, or where the caller may and does save in spite of it. */
export function findDuplicates(
  organisation: Organisation,
  table: Table,
  candidate: Row,
  allowSave: boolean,
): RecordError | null {
  for (const rule of organisation.duplicateRules) {
    if (rule.object !== table.schema.name || (allowSave && rule.onMatch !== 'block')) continue
    const matches = [...table.rows.values()].filter(
      (row) => row['IsDeleted'] !== true && row['Id'] !== candidate['Id'] && rule.matches(candidate, row),
    )
    if (matches.length === 0) continue
    return {
      ...recordError('DUPLICATES_DETECTED', 'Use one of these records?'),
      duplicateResut: describeMatches(table, rule, matches),
    }
  }
  return null
}
