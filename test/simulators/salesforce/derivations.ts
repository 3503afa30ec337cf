/** Fields that Salesforce works out by itself whenever a record is saved. */
import { roundHalfUp } from '../rounding.ts'
import type { Organisation } from './organisation.ts'
import type { Row, Scalar } from './schema.ts'

function findStage(organisation: Organisation, value: Scalar): Row | undefined {
  const stages = organisation.tables.find('OpportunityStage')
  for (const stage of stages?.rows.values() ?? []) {
    if (stage['ApiName'] === value) return stage
  }
  return undefined
}

/**
 * StageName decides IsWon, IsClosed and the forecast; its default probability applies when the stage changes and the
 * save names no probability of its own. A stage that the set-up does not know is open, as in an unrestricted picklist.
 */
function deriveOpportunity(
  organisation: Organisation,
  row: Record<string, Scalar>,
  previous: Row | null,
  given: ReadonlySet<string>,
): void {
  const stage = findStage(organisation, row['StageName'] ?? null)
  row['IsWon'] = stage?.['IsWon'] ?? false
  row['IsClosed'] = stage?.['IsClosed'] ?? false
  row['ForecastCategory'] = stage?.['ForecastCategory'] ?? 'Pipeline'
  if (row['StageName'] !== previous?.['StageName'] && !given.has('Probability')) {
    row['Probability'] = stage?.['DefaultProbability'] ?? 0
  }
  const amount = row['Amount']
  const probability = row['Probability']
  row['ExpectedRevenue'] =
    typeof amount === 'number' && typeof probability === 'number'
      ? roundHalfUp((amount * probability) / 100, 2)
      : null
}

export function deriveFields(
  organisation: Organisation,
  object: string,
  row: Record<string, Scalar>,
  previous: Row | null,
  given: ReadonlySet<string>,
): void {
  if (object === 'Opportunity') deriveOpportunity(organisation, row, previous, given)
  if (object === 'Contact' || object === 'User') {
    row['Name'] = [row['FirstName'], row['LastName']].filter((part) => part).join(' ')
  }
}
