/** Checks a mapping document against our own side: the entity's field catalogue, flows, transforms and itself. */
import { checkCondition, type Fact } from '../src/kernel/condition.ts'
import type { FieldIssue } from '../src/kernel/errors.ts'
import type { SyncedField } from '../src/kernel/synced-entity.ts'
import { type CompiledLine, compileLine } from './apply.ts'
import { flowsIn, flowsOut, type MappingDocument } from './document.ts'
import { type FlowDirections, type Problem, wrong } from './transforms/transform.ts'

/** What is wrong with a document; `path` is a JSON pointer into it. A `warning` does not stop its publication. */
export interface CheckIssue extends FieldIssue {
  readonly severity: Problem['severity']
}

export const issueAt = (path: string, problem: Problem): CheckIssue => ({ path, ...problem })

export const flowsOf = ({ line }: CompiledLine): FlowDirections => ({
  out: flowsOut(line.flow),
  in: flowsIn(line.flow),
})

/**
 * `entities`: names of all synced entities. `facts`: what the inclusion condition may ask for beyond the catalogue.
 * An empty list, or one of warnings only, means that the document fits our side.
 */
export function checkAgainstCatalogue(
  document: MappingDocument,
  catalogue: readonly SyncedField[],
  entities: readonly string[],
  facts: readonly Fact[] = [],
): CheckIssue[] {
  const lines = document.fields.map(compileLine)
  const fields = new Map(catalogue.map((field) => [field.name, field]))
  const known = [...facts, ...catalogue.filter(({ name }) => facts.every((fact) => fact.name !== name))]
  return [
    ...(entities.includes(document.entity)
      ? []
      : [issueAt('/entity', wrong('unknown_entity', `There is no synced entity "${document.entity}"`))]),
    ...checkCondition(document.include, known, '/include').map((issue) => ({
      ...issue,
      severity: 'error' as const,
    })),
    ...lines.flatMap((line, index) => [
      ...checkLocalSide(line, fields, entities).map((problem) => issueAt(`/fields/${index}/local`, problem)),
      ...checkShape(line).map(([part, problem]) => issueAt(`/fields/${index}/${part}`, problem)),
    ]),
    ...checkNames(lines),
    ...checkWriters(document, lines),
    ...checkGroups(lines),
  ]
}

function checkLocalSide(
  compiled: CompiledLine,
  fields: ReadonlyMap<string, SyncedField>,
  entities: readonly string[],
): Problem[] {
  const { name, line, transform } = compiled
  const flows = flowsOf(compiled)
  if (transform.render) {
    return (transform.uses ?? [])
      .filter((used) => !fields.has(used))
      .map((used) => wrong('unknown_field', `The placeholder {${used}} is not a field of ours`))
  }
  const field = fields.get(name)
  if (!field) return [wrong('unknown_field', `"${name}" is not a field of ours`)]
  const problems: Problem[] = []
  if (!transform.localTypes.includes(field.type)) {
    problems.push(wrong('wrong_type', `"${line.via.kind}" does not fit ${name}, a ${field.type}`))
  }
  if (flows.in && !field.writable) {
    problems.push(wrong('not_writable', `A CRM may not change ${name}: let it flow out only`))
  }
  const { refersTo } = transform
  if (refersTo !== undefined && !entities.includes(refersTo)) {
    problems.push(wrong('unknown_entity', `There is no synced entity "${refersTo}"`))
  }
  return [...problems, ...(transform.checkLocal?.(field, flows) ?? [])]
}

/** What a line alone says wrongly, with the member of the line that says it. */
function checkShape(compiled: CompiledLine): (readonly ['flow' | 'remote', Problem])[] {
  const { line, names, transform } = compiled
  const flows = flowsOf(compiled)
  const problems: (readonly ['flow' | 'remote', Problem])[] = []
  if (flows.in && transform.direction === 'out') {
    problems.push([
      'flow',
      wrong('one_way', `"${line.via.kind}" loses something and goes out only here, the line also flows in`),
    ])
  }
  if (flows.out && transform.direction === 'in') {
    problems.push(['flow', wrong('one_way', `"${line.via.kind}" only comes in, the line also flows out`)])
  }
  if (names.remote.length > transform.maxRemotes) {
    const room = transform.maxRemotes === 1 ? 'one remote field' : `${transform.maxRemotes} remote fields`
    problems.push(['remote', wrong('too_many_fields', `"${line.via.kind}" takes ${room} at most`)])
  }
  if (new Set(names.remote).size < names.remote.length) {
    problems.push(['remote', wrong('field_twice', 'The line names a remote field twice')])
  }
  return problems
}

function checkNames(lines: readonly CompiledLine[]): CheckIssue[] {
  return lines.flatMap(({ name }, index) =>
    lines.findIndex((other) => other.name === name) < index
      ? [issueAt(`/fields/${index}/local`, wrong('field_twice', `"${name}" has two lines`))]
      : [],
  )
}

/** Two writers of one remote field undo each other; only the currency of several amounts may be shared. */
function checkWriters(document: MappingDocument, lines: readonly CompiledLine[]): CheckIssue[] {
  const { keyField, fixed } = document
  const taken = new Map<string, string>([[keyField, 'the field that holds our id']])
  const issues: CheckIssue[] = []
  const claim = (field: string, writer: string, path: string, mayShare = false) => {
    const other = taken.get(field)
    if (other === undefined) taken.set(field, writer)
    else if (!(mayShare && other === writer)) {
      issues.push(
        issueAt(path, wrong('two_writers', `${field} is written twice: by ${writer} and by ${other}`)),
      )
    }
  }
  for (const part of ['onCreate', 'always'] as const) {
    for (const field of Object.keys(fixed[part])) {
      claim(field, `a fixed value (${part})`, `/fixed/${part}/${field}`)
    }
  }
  lines.forEach(({ name, line, names }, index) => {
    if (!flowsOut(line.flow)) return
    names.remote.forEach((field, position) => {
      const isCurrency = line.via.kind === 'money' && position === 1
      claim(field, isCurrency ? 'the currency of an amount' : name, `/fields/${index}/remote`, isCurrency)
    })
  })
  return issues
}

function checkGroups(lines: readonly CompiledLine[]): CheckIssue[] {
  const said = ({ line }: CompiledLine) => JSON.stringify([line.flow, line.owner])
  return lines.flatMap((compiled, index) => {
    const { group } = compiled.line
    const first = group === undefined ? undefined : lines.find(({ line }) => line.group === group)
    return first && said(first) !== said(compiled)
      ? [
          issueAt(
            `/fields/${index}/group`,
            wrong(
              'group_differs',
              `The lines of the group "${group}" are merged as one: ${compiled.name} and ${first.name} need the same flow and owner`,
            ),
          ),
        ]
      : []
  })
}
