import type { RemoteField, RemoteFieldType } from '../connector.ts'
import type { NeededField } from '../setup.ts'

const longestText = 255
const usualKeyLength = 64
/** Salesforce refuses longer labels and names of relationships. */
const longestLabel = 40

export const isCustomField = (name: string): boolean => /^[A-Za-z][A-Za-z0-9_]*__c$/.test(name)

/** The body that creates the field through the Tooling API (Metadata API Developer Guide: CustomField). */
export function fieldBody(object: string, field: NeededField): Readonly<Record<string, unknown>> {
  return {
    FullName: `${object}.${field.name}`,
    Metadata: {
      label: field.label.slice(0, longestLabel),
      description: 'Kept in step by Counterpart',
      ...typeBody(object, field),
    },
  }
}

function typeBody(object: string, field: NeededField): Readonly<Record<string, unknown>> {
  if (field.isKey) {
    // Two keys that differ in case alone would be one record for people.
    const length = Math.min(field.maxLength ?? usualKeyLength, longestText)
    return { type: 'Text', length, unique: true, externalId: true, caseSensitive: false }
  }
  switch (field.type) {
    case 'text': {
      const length = field.maxLength ?? longestText
      return length > longestText
        ? { type: 'LongTextArea', length, visibleLines: 3 }
        : { type: 'Text', length }
    }
    case 'number':
      return { type: 'Number', precision: 18, scale: 2 }
    case 'currency':
      return { type: 'Currency', precision: 18, scale: 2 }
    case 'boolean':
      return { type: 'Checkbox', defaultValue: 'false' }
    case 'date':
      return { type: 'Date' }
    case 'datetime':
      return { type: 'DateTime' }
    case 'choice':
      return {
        type: 'Picklist',
        valueSet: {
          restricted: true,
          valueSetDefinition: {
            sorted: false,
            value: (field.choices ?? []).map((choice) => ({
              fullName: choice,
              label: choice,
              default: false,
            })),
          },
        },
      }
    case 'reference': {
      const relationship = `${field.name.replace(/__c$/, '')}_${object.replace(/__c$/, '')}`
      return {
        type: 'Lookup',
        referenceTo: field.references ?? '',
        relationshipName: relationship.slice(0, longestLabel).replace(/_+$/, ''),
        relationshipLabel: field.label.slice(0, longestLabel),
        deleteConstraint: 'SetNull',
      }
    }
  }
}

/** Types that hold what is needed without loss. */
const fitting: Readonly<Record<NeededField['type'], readonly RemoteFieldType[]>> = {
  text: ['text'],
  number: ['number', 'currency'],
  boolean: ['boolean'],
  date: ['date'],
  datetime: ['datetime'],
  choice: ['choice', 'text'],
  currency: ['currency', 'number'],
  reference: ['reference'],
}

/** What is wrong with a field that is there, in plain words; empty where nothing is. */
export function faultsOfField(needed: NeededField, there: RemoteField): readonly string[] {
  const faults: string[] = []
  const types = needed.isKey ? ['text'] : fitting[needed.type]
  if (!types.includes(there.type)) {
    faults.push(`it is of type ${there.type}, but must be ${types.join(' or ')}`)
  }
  if (needed.isKey && !there.unique) faults.push('it must be unique')
  if (needed.isKey && !there.externalId) faults.push('it must be marked as an external id')
  if (needed.maxLength !== undefined && there.maxLength !== null && there.maxLength < needed.maxLength) {
    faults.push(`it holds ${there.maxLength} characters, but ${needed.maxLength} are needed`)
  }
  if (needed.references !== undefined && there.references.length > 0) {
    if (!there.references.includes(needed.references)) faults.push(`it must point to ${needed.references}`)
  }
  const values = new Set((there.choices ?? []).flatMap(({ value, active }) => (active ? [value] : [])))
  const lacking = (needed.choices ?? []).filter((choice) => !values.has(choice))
  if (there.restrictedChoices && lacking.length > 0) faults.push(`it lacks the values ${lacking.join(', ')}`)
  return faults
}
