/** What an organisation must have before documents can work there: the fields of our own, and what they hold. */
import type { NeededField, SetupNeeds } from '../connectors/setup.ts'
import { type MappingDocument, type MappingLine, remotesOf } from './document.ts'

/** Fields with this prefix are ours, be it behind a dot; all others are the CRM's, or its administrators'. */
const ourPrefix = /(^|\.)prm_/i
const keyLength = 64
const defaultLength = 255

/** One entry per object, its key first; the same for the same documents in any order. */
export function neededObjects(documents: readonly MappingDocument[]): SetupNeeds['objects'] {
  const byObject = Map.groupBy(documents, ({ object }) => object)
  const objectOf = (entity: string) => documents.find((document) => document.entity === entity)?.object
  return [...byObject].sort(byName).map(([object, own]) => {
    const fields = new Map<string, NeededField>()
    for (const { entity, keyField } of own) {
      if (!ourPrefix.test(keyField)) continue
      const label = `Counterpart ${entity} id`
      fields.set(keyField, { name: keyField, label, type: 'text', maxLength: keyLength, isKey: true })
    }
    for (const line of own.flatMap((document) => document.fields)) {
      const [name] = remotesOf(line)
      if (ourPrefix.test(name) && !fields.has(name)) fields.set(name, fieldOf(line, name, objectOf))
    }
    for (const { fixed } of own) {
      for (const [name, value] of Object.entries(fixed.onMoved ?? {})) {
        const field = fields.get(name)
        if (field) fields.set(name, withChoice(field, String(value)))
      }
    }
    return { object, fields: [...fields.values()] }
  })
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1)

function fieldOf(
  { via, local, label = local }: MappingLine,
  name: string,
  objectOf: (entity: string) => string | undefined,
): NeededField {
  const field = { name, label, isKey: false }
  switch (via.kind) {
    case 'text':
    case 'template':
      return { ...field, type: 'text', maxLength: via.maxLength }
    case 'choice':
      return { ...field, type: 'choice', ...choicesOf(via.table) }
    case 'reference': {
      const references = objectOf(via.entity)
      return { ...field, type: 'reference', ...(references === undefined ? {} : { references }) }
    }
    case 'money':
      return { ...field, type: 'currency' }
    case 'flags':
      return { ...field, type: 'boolean' }
    case 'number':
    case 'boolean':
    case 'date':
    case 'datetime':
      return { ...field, type: via.kind }
    case 'user':
      return { ...field, type: 'reference', references: via.object }
    case 'copy':
      return { ...field, type: 'text', maxLength: defaultLength }
  }
}

/** What a record says when it is left for another connection is one of its choices too. */
function withChoice(field: NeededField, value: string): NeededField {
  const { choices, choiceLabels } = field
  if (!choices || choices.includes(value)) return field
  const labels = choiceLabels ? { choiceLabels: [...choiceLabels, 'Moved'] } : {}
  return { ...field, choices: [...choices, value], ...labels }
}

/** A CRM that numbers its choices shows people a label beside the number: ours, in words. */
function choicesOf(
  table: Extract<MappingLine['via'], { kind: 'choice' }>['table'],
): Pick<NeededField, 'choices' | 'choiceLabels'> {
  const choices = table.map(([, theirs]) => String(theirs))
  if (table.every(([, theirs]) => typeof theirs === 'string')) return { choices }
  const words = table.map(([ours]) => ours.replaceAll('_', ' '))
  return { choices, choiceLabels: words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)) }
}
