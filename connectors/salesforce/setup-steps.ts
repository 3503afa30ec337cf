import type { NeededField, SetupNeeds, SetupStep } from '../setup.ts'
import { faultsOfField, isCustomField } from './setup-fields.ts'
import type { Findings, ObjectFindings } from './setup-findings.ts'

/** A step and what applying it would do. */
export interface PlannedStep {
  readonly step: SetupStep
  readonly work:
    | { readonly kind: 'field'; readonly object: string; readonly field: NeededField }
    | { readonly kind: 'access'; readonly object: string; readonly fields: readonly string[] }
    | { readonly kind: 'events'; readonly object: string }
    | null
}

export const permissionSet = {
  Name: 'Counterpart_Integration',
  Label: 'Counterpart integration',
  Description: 'What the integration user of Counterpart needs',
} as const

/** All steps, in the order in which they build on one another. */
export function planSteps(needs: SetupNeeds, findings: Findings): readonly PlannedStep[] {
  const steps = needs.objects.flatMap(({ object, fields }): readonly PlannedStep[] => {
    const there = findings.objects.get(object)
    return there
      ? [
          ...fields.map((field) => fieldStep(object, field, there, findings)),
          accessStep(object, fields, there, findings),
          eventsStep(object, findings),
        ]
      : [objectStep(object)]
  })
  const order: readonly (string | undefined)[] = [undefined, 'field', 'access', 'events']
  return [
    ...steps.toSorted((a, b) => order.indexOf(a.work?.kind) - order.indexOf(b.work?.kind)),
    currencyStep(findings),
  ]
}

const objectStep = (object: string): PlannedStep => ({
  step: {
    id: `object:${object}`,
    title: `The object ${object}`,
    state: 'by_hand',
    detail: `Salesforce has no object ${object}, or the integration user may not see it. Create it, or give its permission set access to it.`,
  },
  work: null,
})

function fieldStep(
  object: string,
  field: NeededField,
  there: ObjectFindings,
  { may }: Findings,
): PlannedStep {
  const work = { kind: 'field', object, field } as const
  const base = {
    id: `field:${object}.${field.name}`,
    title: `The field "${field.label}" (${field.name}) of ${object}`,
  }
  const known = there.fields.get(field.name)
  if (known) {
    const faults = faultsOfField(field, known)
    return faults.length === 0
      ? { step: { ...base, state: 'done', detail: 'It is there, as it must be.' }, work }
      : {
          step: { ...base, state: 'wrong', detail: `Change it in Salesforce: ${faults.join('; ')}.` },
          work: null,
        }
  }
  if (there.hidden.has(field.name)) {
    return {
      step: { ...base, state: 'done', detail: 'It is there, but the integration user may not see it yet.' },
      work,
    }
  }
  if (!isCustomField(field.name)) {
    const detail =
      'A field of Salesforce itself that is not there: a feature is switched off, or the integration user may not see it.'
    return { step: { ...base, state: 'by_hand', detail }, work: null }
  }
  if (!may.createFields) {
    const detail =
      'Missing. Create it in the object manager, or give the integration user the permission "Customize Application".'
    return { step: { ...base, state: 'by_hand', detail }, work: null }
  }
  const detail = field.isKey
    ? 'Missing. It will be created as a unique external id.'
    : 'Missing. It will be created.'
  return { step: { ...base, state: 'missing', detail }, work }
}

function accessStep(
  object: string,
  fields: readonly NeededField[],
  there: ObjectFindings,
  { viewAll, may }: Findings,
): PlannedStep {
  const custom = fields.map(({ name }) => name).filter(isCustomField)
  const unseen = custom.filter((name) => !there.fields.has(name))
  const frozen = fields.filter(({ name, isKey }) => isKey && there.fields.get(name)?.creatable === false)
  const lacks = [
    ...(there.canCreate && there.canUpdate ? [] : ['to create and change records']),
    ...(viewAll === null || viewAll.has(object) ? [] : ['to see all records, which change events require']),
    ...(unseen.length > 0 ? [`to see ${unseen.join(', ')}`] : []),
    ...frozen.map(({ name }) => `to fill in ${name}`),
  ]
  const base = { id: `access:${object}`, title: `What the integration user may do with ${object}` }
  const work = { kind: 'access', object, fields: custom } as const
  if (lacks.length === 0) {
    const detail =
      viewAll === null
        ? 'It may read, create and change records. Whether it may see all of them could not be looked up: that takes the permission "View Setup and Configuration".'
        : 'It may read, create and change all records with the fields that are needed.'
    return { step: { ...base, state: 'done', detail }, work }
  }
  const lacking = `It is not allowed ${lacks.join(', nor ')}.`
  return may.grant
    ? {
        step: {
          ...base,
          state: 'missing',
          detail: `${lacking} The permission set "${permissionSet.Label}" will grant it.`,
        },
        work,
      }
    : {
        step: {
          ...base,
          state: 'by_hand',
          detail: `${lacking} Grant it by a permission set, or give the integration user the permissions "Manage Profiles and Permission Sets" and "Assign Permission Sets".`,
        },
        work: null,
      }
}

function eventsStep(object: string, { captured, may }: Findings): PlannedStep {
  const base = { id: `events:${object}`, title: `Change events of ${object}` }
  const work = { kind: 'events', object } as const
  if (captured?.has(object)) {
    return { step: { ...base, state: 'done', detail: 'Changes are told the moment they happen.' }, work }
  }
  const byHand =
    'Select the object in Setup, Change Data Capture. Without it changes are still found, but only by polling.'
  if (captured === null || !may.createFields) {
    const detail = captured === null ? `Could not be looked up. ${byHand}` : `Not selected. ${byHand}`
    return { step: { ...base, state: 'by_hand', detail }, work: null }
  }
  const detail = 'Not selected for Change Data Capture; it will be.'
  return { step: { ...base, state: 'missing', detail }, work }
}

function currencyStep({ objects }: Findings): PlannedStep {
  const isMulti = [...objects.values()].some((there) => there?.fields.has('CurrencyIsoCode'))
  const detail = isMulti
    ? 'The organisation keeps several currencies: each amount travels with its CurrencyIsoCode. Every currency that partners use must be active in Salesforce.'
    : 'The organisation keeps one currency: amounts in another one cannot be written, and are reported.'
  return { step: { id: 'currency', title: 'Currencies', state: 'done', detail }, work: null }
}
