/**
 * What changed in the CRM's set-up and what it means for a mapping: told in plain words, with what to do. One field that
 * does not fit any more rests alone; a new record that would be refused is not tried in the first place. Pure.
 */
import type { RemoteField } from '#connectors/connector.ts'
import { compileMapping, remoteFieldsOf } from '#mappings/apply.ts'
import type { CheckIssue } from '#mappings/check-catalogue.ts'
import type { MappingDocument, MappingLine } from '#mappings/document.ts'
import { checkTheirSide } from '#src/connections/mapping-release.ts'

export const driftKinds = [
  'object_missing',
  'key_unusable',
  'field_missing',
  'not_permitted',
  'type_changed',
  'shortened',
  'choice_gone',
  'choice_new',
  'required_new',
  'fixed_unusable',
  'does_not_fit',
] as const
export type DriftKind = (typeof driftKinds)[number]
export const driftEffects = ['field_rests', 'creations_held', 'told'] as const
export type DriftEffect = (typeof driftEffects)[number]

export interface Drift {
  readonly entity: string
  readonly object: string
  /** Empty where it is about the object as a whole. */
  readonly remoteField: string
  readonly kind: DriftKind
  readonly effect: DriftEffect
  readonly message: string
  readonly advice: string
  readonly details: Readonly<Record<string, unknown>>
}

export interface Organisation {
  readonly multiCurrency: boolean
  readonly homeCurrency: string | null
}

export interface SchemaComparison {
  readonly document: MappingDocument
  /** As it was seen last; null the first time. */
  readonly before: readonly RemoteField[] | null
  /** Null: the CRM has no such object, or hides it from our user. */
  readonly now: readonly RemoteField[] | null
  readonly organisation: Organisation
}

/** Everything that stands against the mapping, or changed about a field that it uses. */
export function findDrift({ document, before, now, organisation }: SchemaComparison): readonly Drift[] {
  const { entity, object } = document
  if (now === null) {
    const message = `There is no object ${object} in the CRM any more, or our user may not see it.`
    const advice = 'Give our user access to it again, or publish a mapping to another object.'
    return [
      {
        entity,
        object,
        remoteField: '',
        kind: 'object_missing',
        effect: 'creations_held',
        message,
        advice,
        details: {},
      },
    ]
  }
  const issues = checkTheirSide(document, now, organisation)
  const seen = { document, before, now, organisation, issues }
  return [
    ...keyDrift(seen),
    ...document.fields.flatMap((line, index) => lineDrift(seen, line, index)),
    ...fixedDrift(seen),
    ...requiredDrift(seen),
  ]
}

interface Seen extends SchemaComparison {
  readonly now: readonly RemoteField[]
  readonly issues: readonly CheckIssue[]
}

const named = (fields: readonly RemoteField[] | null, name: string): RemoteField | undefined =>
  fields?.find((field) => field.name === name)

const titleOf = (field: RemoteField | undefined, name: string): string =>
  field && field.label !== name ? `${field.label} (${name})` : name

function keyDrift({ document, before, issues }: Seen): Drift[] {
  const { entity, object, keyField } = document
  return issues
    .filter(({ path, severity }) => path === '/keyField' && severity === 'error')
    .slice(0, 1)
    .map(({ message }) => ({
      entity,
      object,
      remoteField: keyField,
      kind: 'key_unusable',
      effect: 'creations_held',
      message: `${titleOf(named(before, keyField), keyField)} holds our key and cannot be used as it is: ${message}.`,
      advice: `Restore ${keyField} as a unique text field that our user may fill. Until then no new records are made of it, for they would become two.`,
      details: {},
    }))
}

function lineDrift(seen: Seen, line: MappingLine, index: number): Drift[] {
  const { document, before, now, organisation, issues } = seen
  const { entity, object } = document
  const alone = compileMapping({ ...document, fields: [line] })
  const used = remoteFieldsOf(alone, organisation).filter((name) => name !== document.keyField)
  const missing = used.filter((name) => !named(now, name))
  if (missing.length > 0) return missing.map((name) => missingDrift(seen, line, name))
  const [main = ''] = used
  const own = issues.filter(({ path }) => path.startsWith(`/fields/${index}/`))
  const was = named(before, main)
  const is = named(now, main)
  const title = titleOf(is, main)
  const rests =
    'Until then this field rests; everything else flows, and it catches up by itself once it fits.'
  const base = { entity, object, remoteField: main }
  const drifts = own.flatMap(({ code, message, severity }): Drift[] => {
    const isBroken = severity === 'error'
    const effect = isBroken ? ('field_rests' as const) : ('told' as const)
    switch (code) {
      case 'not_writable':
      case 'not_creatable':
        return [
          {
            ...base,
            kind: 'not_permitted',
            effect,
            message: `Our user may not write ${title} any more.`,
            advice: `Give our user the right to edit ${main} (field permissions), or let the line "${nameOf(line)}" only come in. ${rests}`,
            details: {},
          },
        ]
      case 'wrong_type':
      case 'choices_restricted':
        return [
          {
            ...base,
            kind: 'type_changed',
            effect,
            message:
              was && is && was.type !== is.type
                ? `${title} was ${was.type} and is ${is.type} now.`
                : `${message}.`,
            advice: `Choose a transform that fits in a draft of the mapping and publish it, or change the field back. ${rests}`,
            details: { before: was?.type ?? null, now: is?.type ?? null },
          },
        ]
      case 'too_long':
        return [
          {
            ...base,
            kind: 'shortened',
            effect,
            message: `${title} holds ${is?.maxLength ?? 0} characters now${was?.maxLength ? `, before it held ${was.maxLength}` : ''}; the mapping sends more.`,
            advice: `Lower the length of the line "${nameOf(line)}" to ${is?.maxLength ?? 0} in a draft and publish it, or lengthen the field again. ${rests}`,
            details: { before: was?.maxLength ?? null, now: is?.maxLength ?? null },
          },
        ]
      case 'unknown_choice':
      case 'choice_not_covered':
        return []
      default:
        return isBroken
          ? [
              {
                ...base,
                kind: 'does_not_fit',
                effect,
                message: `${title}: ${message}.`,
                advice: `Mend the line "${nameOf(line)}" or the field. ${rests}`,
                details: { code },
              },
            ]
          : []
    }
  })
  const choices = choiceDrift(seen, line, own, main, rests)
  const told = typeDrift(seen, base, was, is)
  const kinds = new Set<DriftKind>()
  return [...drifts, ...choices, ...told].filter(({ kind }) => {
    const isFirst = !kinds.has(kind)
    kinds.add(kind)
    return isFirst
  })
}

const nameOf = (line: MappingLine): string => line.label ?? line.local

function missingDrift({ document, before, now }: Seen, line: MappingLine, name: string): Drift {
  const { entity, object } = document
  const was = named(before, name)
  const guess = guessRename(was, before, now, document)
  const title = titleOf(was, name)
  const message = guess
    ? `${title} is not there any more. ${titleOf(guess, guess.name)} appeared, of the same type: it was probably renamed.`
    : `${title} is not there any more: it was deleted or renamed, or our user may not see it.`
  const action = guess
    ? `Point the line "${nameOf(line)}" at ${guess.name} in a draft of the mapping, try it and publish it.`
    : `Bring ${name} back, let our user see it, or take the line "${nameOf(line)}" out of the mapping.`
  return {
    entity,
    object,
    remoteField: name,
    kind: 'field_missing',
    effect: 'field_rests',
    message,
    advice: `${action} Until then this field rests; everything else flows, and it catches up by itself once it is back.`,
    details: { renamedTo: guess?.name ?? null },
  }
}

const likeEnough = 0.5

/** The new field of the same type that has its label, or a name much like it; null when none stands out. */
export function guessRename(
  was: RemoteField | undefined,
  before: readonly RemoteField[] | null,
  now: readonly RemoteField[],
  document: MappingDocument,
): RemoteField | null {
  if (!was || !before) return null
  const known = new Set(before.map(({ name }) => name))
  const mapped = new Set(document.fields.flatMap(({ remote }) => remote))
  const scored = now
    .filter((field) => !known.has(field.name) && !mapped.has(field.name) && field.type === was.type)
    .map((field) => {
      const sameLabel = plain(field.label) === plain(was.label)
      const likeness = Math.max(likenessOf(field.name, was.name), likenessOf(field.label, was.label))
      return { field, score: sameLabel ? 2 : likeness }
    })
    .filter(({ score }) => score >= likeEnough)
    .toSorted((a, b) => b.score - a.score)
  const [best, second] = scored
  return best && best.score > (second?.score ?? 0) ? best.field : null
}

const plain = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')

/** The share of pairs of letters that both have (Dice). */
function likenessOf(a: string, b: string): number {
  const pairs = (text: string) => {
    const letters = plain(text)
    return Array.from({ length: Math.max(0, letters.length - 1) }, (_, at) => letters.slice(at, at + 2))
  }
  const rest = pairs(b)
  const total = pairs(a).length + rest.length
  if (total === 0) return 0
  let shared = 0
  for (const pair of pairs(a)) {
    const at = rest.indexOf(pair)
    if (at < 0) continue
    rest.splice(at, 1)
    shared += 1
  }
  return (2 * shared) / total
}

const activeChoices = (field: RemoteField | undefined): readonly string[] =>
  field?.choices?.filter(({ active }) => active).map(({ value }) => value) ?? []

/** Values that the mapping sends and that are gone; values that are new and have no counterpart here. */
function choiceDrift(
  { document, before, now }: Seen,
  line: MappingLine,
  own: readonly CheckIssue[],
  main: string,
  rests: string,
): Drift[] {
  const { entity, object } = document
  const is = named(now, main)
  const was = named(before, main)
  const base = { entity, object, remoteField: main }
  const [active, earlier] = [activeChoices(is), activeChoices(was)]
  const table = line.via.kind === 'choice' ? line.via.table.map(([, theirs]) => String(theirs)) : []
  const gone = own.filter(({ code }) => code === 'unknown_choice')
  const drifts: Drift[] = []
  const lost = table.filter((value) => !active.includes(value))
  const isBroken = gone.some(({ severity }) => severity === 'error')
  if (isBroken || (gone.length > 0 && lost.some((value) => earlier.includes(value)))) {
    drifts.push({
      ...base,
      kind: 'choice_gone',
      effect: isBroken ? 'field_rests' : 'told',
      message: `${titleOf(is, main)} does not offer ${list(lost)} any more, and the mapping sends it.`,
      advice: `Activate the value again, or choose another one in the table of the line "${nameOf(line)}" and publish it.${isBroken ? ` ${rests}` : ''}`,
      details: { values: lost },
    })
  }
  const fresh = was ? active.filter((value) => !earlier.includes(value) && !table.includes(value)) : []
  if (fresh.length > 0 && own.some(({ code }) => code === 'choice_not_covered')) {
    drifts.push({
      ...base,
      kind: 'choice_new',
      effect: 'told',
      message: `${titleOf(is, main)} offers ${list(fresh)} now, which has no counterpart here.`,
      advice: `Add it to the table of the line "${nameOf(line)}" and publish it; until then records with that value wait for a person.`,
      details: { values: fresh },
    })
  }
  return drifts
}

const list = (values: readonly string[]): string => values.map((value) => `"${value}"`).join(', ')

/** Another type that the mapping can still work with. */
function typeDrift(
  { issues }: Seen,
  base: Pick<Drift, 'entity' | 'object' | 'remoteField'>,
  was: RemoteField | undefined,
  is: RemoteField | undefined,
): Drift[] {
  if (!was || !is || was.type === is.type || issues.some(({ code }) => code === 'wrong_type')) return []
  return [
    {
      ...base,
      kind: 'type_changed',
      effect: 'told',
      message: `${titleOf(is, is.name)} was ${was.type} and is ${is.type} now; the mapping still fits.`,
      advice: 'Look at a few records whether the values are what you expect.',
      details: { before: was.type, now: is.type },
    },
  ]
}

function fixedDrift({ document, now, before, issues }: Seen): Drift[] {
  const { entity, object, fixed } = document
  return (['onCreate', 'always'] as const).flatMap((part) =>
    Object.keys(fixed[part]).flatMap((name): Drift[] => {
      const issue = issues.find(
        ({ path, severity }) => path === `/fixed/${part}/${name}` && severity === 'error',
      )
      if (!issue) return []
      const title = titleOf(named(now, name) ?? named(before, name), name)
      return [
        {
          entity,
          object,
          remoteField: name,
          kind: 'fixed_unusable',
          effect: 'creations_held',
          message: `The mapping gives every ${part === 'always' ? '' : 'new '}record a fixed ${title}, which the CRM would refuse: ${issue.message}.`,
          advice: `Restore ${name}, or take the fixed value out of the mapping and publish it. Until then no new records are made; what is linked stays in step.`,
          details: { value: fixed[part][name] ?? null },
        },
      ]
    }),
  )
}

/** Fields that a new record needs and nothing fills: told before the first one is refused. */
function requiredDrift({ document, before, now, organisation }: Seen): Drift[] {
  const { entity, object } = document
  const needed = now.filter(
    (field) =>
      field.required &&
      field.creatable &&
      checkTheirSide(document, [field], organisation).some(({ code }) => code === 'required_field'),
  )
  return needed.map((field) => {
    const was = named(before, field.name)
    const title = titleOf(field, field.name)
    const change = !before ? 'is required' : was ? 'has become required' : 'is new and required'
    return {
      entity,
      object,
      remoteField: field.name,
      kind: 'required_new',
      effect: 'creations_held',
      message: `${title} ${change} in the CRM, and nothing fills it: new records would be refused.`,
      advice: `Give ${field.name} a default over there, or add a line or a fixed value for it to the mapping and publish it. Until then no new records are made; what is linked stays in step.`,
      details: { type: field.type },
    }
  })
}
