/** Checks a mapping document against the CRM's own description of the object, as it is now. */
import type { RemoteField } from '../connectors/connector.ts'
import { type CompiledLine, compileLine } from './apply.ts'
import { type CheckIssue, flowsOf, issueAt } from './check-catalogue.ts'
import { flowsOut, type MappingDocument } from './document.ts'
import { doubtful, type Problem, show, wrong } from './transforms/transform.ts'

type Described = ReadonlyMap<string, RemoteField>

/** Room for one of our ids. */
const keyLength = 36

/**
 * `path` of an issue is a JSON pointer into the document. A quarantine needs no more than the lines that it names:
 * an issue below `/fields/N` concerns that line alone.
 */
export function checkAgainstSchema(
  document: MappingDocument,
  describe: readonly RemoteField[],
  { multiCurrency }: { readonly multiCurrency: boolean },
): CheckIssue[] {
  const described: Described = new Map(describe.map((field) => [field.name, field]))
  const lines = document.fields.map(compileLine)
  return [
    ...checkKey(document, described).map((problem) => issueAt('/keyField', problem)),
    ...lines.flatMap((line, index) => checkLine(line, described, multiCurrency, `/fields/${index}`)),
    ...checkFixed(document, described),
    ...checkRequired(document, lines, describe, multiCurrency),
  ]
}

function checkKey({ keyField }: MappingDocument, described: Described): Problem[] {
  const field = described.get(keyField)
  if (!field) return [missing(keyField)]
  const problems: Problem[] = []
  if (!field.unique && !field.externalId) {
    problems.push(
      wrong('not_unique', `${keyField} must be an external id or unique, else one record becomes two`),
    )
  }
  if (field.type !== 'text') problems.push(wrong('wrong_type', `${keyField} is ${field.type}, not text`))
  if (field.maxLength !== null && field.maxLength < keyLength) {
    problems.push(
      wrong('too_long', `${keyField} holds ${field.maxLength} characters, our ids have ${keyLength}`),
    )
  }
  if (!field.creatable) problems.push(notCreatable(keyField))
  return problems
}

function checkLine(
  compiled: CompiledLine,
  described: Described,
  multiCurrency: boolean,
  path: string,
): CheckIssue[] {
  const { line, names, transform } = compiled
  const flows = flowsOf(compiled)
  const [main] = names.remote
  const used = transform.inputs?.(multiCurrency) ?? names.remote
  const problems = used.flatMap((name): Problem[] => {
    const field = described.get(name)
    return field ? (flows.out ? checkAccess(field, line.flow !== 'create') : []) : [missing(name)]
  })
  const field = described.get(main)
  if (field && !transform.remoteTypes.includes(field.type)) {
    problems.push(wrong('wrong_type', `"${line.via.kind}" does not fit ${main}, which is ${field.type}`))
  } else if (field) {
    problems.push(...(transform.checkRemote?.(field, flows) ?? []))
  }
  const skip = line.skipWhen?.remote
  return [
    ...problems.map((problem) => issueAt(`${path}/remote`, problem)),
    ...(skip === undefined || described.has(skip) ? [] : [issueAt(`${path}/skipWhen`, missing(skip))]),
  ]
}

function checkAccess(field: RemoteField, updates: boolean): Problem[] {
  const problems: Problem[] = []
  if (!field.creatable) problems.push(notCreatable(field.name))
  if (updates && !field.writable) {
    problems.push(wrong('not_writable', `The integration user may not change ${field.name}`))
  }
  return problems
}

function checkFixed({ fixed }: MappingDocument, described: Described): CheckIssue[] {
  return (['onCreate', 'always', 'onMoved'] as const).flatMap((part) =>
    Object.entries(fixed[part] ?? {}).flatMap(([name, value]) => {
      const path = `/fixed/${part}/${name}`
      const field = described.get(name)
      if (!field) return [issueAt(path, missing(name))]
      const problems = checkAccess(field, part !== 'onCreate')
      const active = field.choices?.some((choice) => choice.active && choice.value === String(value))
      if (active === false) {
        const say = field.restrictedChoices ? wrong : doubtful
        problems.push(say('unknown_choice', `${show(value)} is not an active choice of ${name}`))
      }
      return problems.map((problem) => issueAt(path, problem))
    }),
  )
}

function checkRequired(
  { keyField, fixed }: MappingDocument,
  lines: readonly CompiledLine[],
  describe: readonly RemoteField[],
  multiCurrency: boolean,
): CheckIssue[] {
  const filled = new Set([
    keyField,
    ...Object.keys(fixed.onCreate),
    ...Object.keys(fixed.always),
    ...lines
      .filter(({ line }) => flowsOut(line.flow))
      .flatMap(({ names, transform }) => transform.inputs?.(multiCurrency) ?? names.remote),
  ])
  return describe
    .filter((field) => field.required && field.creatable && !filled.has(field.name))
    .map(({ name, label }) =>
      issueAt(
        '/fields',
        wrong('required_field', `${label} (${name}) is required in the CRM and nothing fills it`),
      ),
    )
}

const missing = (name: string) => wrong('missing_field', `There is no field ${name} in the CRM`)
const notCreatable = (name: string) =>
  wrong('not_creatable', `The integration user may not fill ${name} in a new record`)
