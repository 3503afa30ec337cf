import { z } from 'zod'
import type { RemoteField, RemoteValue } from '../../connectors/connector.ts'
import type { FieldValue } from '../../src/kernel/field-value.ts'
import type { SyncedField } from '../../src/kernel/synced-entity.ts'
import { remoteScalarSchema } from '../names.ts'
import {
  doubtful,
  type FlowDirections,
  issueOf,
  type LineNames,
  type Problem,
  show,
  type Transform,
  wrong,
} from './transform.ts'

/** A table of pairs [ours, theirs], by API value, not by label. What is not in it is an issue. */
export const choiceSchema = z.strictObject({
  kind: z.literal('choice'),
  table: z
    .array(z.tuple([z.string().min(1).max(200), remoteScalarSchema]))
    .min(1)
    .max(500),
})

type Table = z.infer<typeof choiceSchema>['table']

export function bindChoice({ table }: z.infer<typeof choiceSchema>, line: LineNames): Transform {
  const [field] = line.remote
  const remoteOf = new Map<FieldValue, RemoteValue>()
  const localOf = new Map<RemoteValue | undefined, string>()
  for (const [ours, theirs] of table) {
    if (!remoteOf.has(ours)) remoteOf.set(ours, theirs)
    if (!localOf.has(theirs)) localOf.set(theirs, ours)
  }
  return {
    direction: 'both',
    localTypes: ['choice', 'text'],
    remoteTypes: ['choice', 'text', 'number', 'boolean'],
    maxRemotes: 1,
    toRemote(value) {
      const theirs = remoteOf.get(value)
      return theirs === undefined
        ? issueOf(line, 'no_counterpart', `${show(value)} has no counterpart in the CRM's ${field}`)
        : { ok: true, fields: { [field]: theirs } }
    },
    toLocal(remote) {
      const ours = localOf.get(remote[field])
      return ours === undefined
        ? issueOf(line, 'no_counterpart', `the CRM's ${show(remote[field] ?? null)} has no counterpart here`)
        : { ok: true, value: ours }
    },
    checkLocal: (local, flows) => checkLocalChoices(table, local, flows),
    checkRemote: (described, flows) => checkRemoteChoices(table, described, flows),
  }
}

function checkLocalChoices(table: Table, local: SyncedField, flows: FlowDirections): Problem[] {
  const ours = table.map(([value]) => value)
  const theirs = table.map(([, value]) => value)
  const problems: Problem[] = []
  if (flows.out) {
    for (const value of repeated(ours)) {
      problems.push(wrong('not_one_to_one', `${show(value)} has two counterparts in the table`))
    }
    for (const value of (local.choices ?? []).filter((choice) => !ours.includes(choice))) {
      problems.push(wrong('choice_not_covered', `${show(value)} has no counterpart in the table`))
    }
  }
  if (flows.in) {
    for (const value of repeated(theirs)) {
      problems.push(wrong('not_one_to_one', `the CRM's ${show(value)} has two counterparts in the table`))
    }
  }
  if (local.choices) {
    for (const value of ours.filter((choice) => !local.choices?.includes(choice))) {
      problems.push(wrong('unknown_choice', `${show(value)} is not a choice of ${local.name}`))
    }
  }
  return problems
}

function checkRemoteChoices(table: Table, described: RemoteField, flows: FlowDirections): Problem[] {
  if (!described.choices) return []
  const active = described.choices.filter((choice) => choice.active).map(({ value }) => value)
  const theirs = table.map(([, value]) => String(value))
  const problems: Problem[] = []
  if (flows.out) {
    const say = described.restrictedChoices ? wrong : doubtful
    for (const value of theirs.filter((choice) => !active.includes(choice))) {
      problems.push(say('unknown_choice', `${show(value)} is not an active choice of ${described.name}`))
    }
  }
  if (flows.in) {
    for (const value of active.filter((choice) => !theirs.includes(choice))) {
      problems.push(
        doubtful('choice_not_covered', `the choice ${show(value)} of ${described.name} has no counterpart`),
      )
    }
  }
  return problems
}

const repeated = <T>(values: readonly T[]): T[] => [
  ...new Set(values.filter((value, index) => values.indexOf(value) !== index)),
]
