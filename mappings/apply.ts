/** Applies a mapping document to values, in both directions. Compiled once, then only look-ups; total on any data. */
import type { RemoteValue } from '../connectors/connector.ts'
import { evaluateCondition } from '../src/kernel/condition.ts'
import { type FieldValue, isBlank } from '../src/kernel/field-value.ts'
import type { LocalRecord } from '../src/kernel/synced-entity.ts'
import { flowsOut, type MappingDocument, type MappingLine, remotesOf } from './document.ts'
import {
  issueOf,
  type LineNames,
  type LocalFields,
  type MappingContext,
  type MappingIssue,
  type RemoteFields,
  type ToLocal,
  type ToRemote,
  type Transform,
  type Waiting,
} from './transforms/transform.ts'
import { bindTransform } from './transforms.ts'

/** One line, ready to translate. `name` is our field. */
export interface CompiledLine {
  readonly name: string
  readonly line: MappingLine
  readonly names: LineNames
  readonly transform: Transform
}

/** A document with its look-ups prepared. */
export interface Mapping {
  readonly document: MappingDocument
  readonly lines: readonly CompiledLine[]
  readonly byName: ReadonlyMap<string, CompiledLine>
  /** Lines that are merged as one, by group name. */
  readonly groups: ReadonlyMap<string, readonly CompiledLine[]>
}

export function compileMapping(document: MappingDocument): Mapping {
  const lines = document.fields.map(compileLine)
  const groups = new Map<string, CompiledLine[]>()
  for (const compiled of lines) {
    const { group } = compiled.line
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), compiled])
  }
  return { document, lines, byName: new Map(lines.map((line) => [line.name, line])), groups }
}

export function compileLine(line: MappingLine): CompiledLine {
  const names = { local: line.local, label: line.label ?? line.local, remote: remotesOf(line) }
  return { name: line.local, line, names, transform: bindTransform(line.via, names) }
}

/** Does the document's condition ask for a record over there? */
export const isIncluded = ({ document }: Mapping, record: Pick<LocalRecord, 'fields' | 'facts'>): boolean =>
  evaluateCondition(document.include, { ...record.facts, ...record.fields })

/** Every remote field that must be read, the key field first. A single-currency organisation has no currency field. */
export function remoteFieldsOf(
  { document, lines }: Mapping,
  { multiCurrency }: Pick<MappingContext, 'multiCurrency'>,
): string[] {
  const fields = lines.flatMap((compiled) => [
    ...inputsOf(compiled, multiCurrency),
    ...(compiled.line.skipWhen ? [compiled.line.skipWhen.remote] : []),
  ])
  return [...new Set([document.keyField, ...fields])]
}

const inputsOf = ({ names, transform }: CompiledLine, multiCurrency: boolean): readonly string[] =>
  transform.inputs?.(multiCurrency) ?? names.remote

/** Our canonical value of a line; undefined when it was not loaded. A template makes it from other fields. */
export function localValueOf(mapping: Mapping, name: string, fields: LocalFields): FieldValue | undefined {
  return valueIn(lineOf(mapping, name), fields)
}

const valueIn = ({ name, transform }: CompiledLine, fields: LocalFields): FieldValue | undefined =>
  transform.render ? transform.render(fields) : fields[name]

/** What one value of ours is over there. Blank clears the field, or changes nothing, as the line says. */
export const localToRemote = (
  mapping: Mapping,
  name: string,
  value: FieldValue,
  ctx: MappingContext,
): ToRemote => sendLine(lineOf(mapping, name), value, ctx)

/**
 * The canonical form of what stands over there, for comparing and, where the line flows in, for applying. A line that
 * was not read is the issue `not_read`.
 */
export const remoteToLocal = (
  mapping: Mapping,
  name: string,
  remote: RemoteFields,
  ctx: MappingContext,
): ToLocal => receiveLine(lineOf(mapping, name), remote, ctx)

/**
 * The canonical value that reading the line will give once `sent`, its part of a write, has arrived: what the engine
 * compares a later reading with to know its own writes. It may differ from our value where the line loses something.
 */
export function readBack(mapping: Mapping, name: string, sent: RemoteFields, ctx: MappingContext): ToLocal {
  const compiled = lineOf(mapping, name)
  return sent[compiled.names.remote[0]] === null
    ? { ok: true, value: null }
    : receiveLine(compiled, sent, ctx)
}

/** Is the line to be left alone over there, as the record stands now? */
export function isSkipped({ line }: CompiledLine, remote: RemoteFields): boolean {
  const { skipWhen } = line
  return skipWhen !== undefined && remote[skipWhen.remote] === skipWhen.equals
}

export interface WriteOptions {
  /** A new record takes every line that goes out and all fixed values. */
  readonly creating: boolean
  /** Only these lines; otherwise all that flow out (`create` lines only when creating). */
  readonly lines?: readonly string[]
  /** The record over there as it stands, for `skipWhen`. */
  readonly remote?: RemoteFields
}

export interface RemoteWrite {
  /** All that goes over, fixed values included, our key not. */
  readonly fields: RemoteFields
  /** The part of each line that has something to write. */
  readonly perLine: Readonly<Record<string, RemoteFields>>
  readonly issues: readonly MappingIssue[]
  /** Lines that go, but not quite as they were meant. */
  readonly warnings: readonly MappingIssue[]
  readonly waiting: readonly Waiting[]
  /** Lines left alone over there by their `skipWhen`. */
  readonly skipped: readonly string[]
}

/** Translates a record of ours for writing. A field that was not loaded is left out, never cleared. */
export function toRemote(
  mapping: Mapping,
  local: LocalFields,
  ctx: MappingContext,
  options: WriteOptions,
): RemoteWrite {
  const { fixed } = mapping.document
  const fields: Record<string, RemoteValue> = options.creating
    ? { ...fixed.onCreate, ...fixed.always }
    : { ...fixed.always }
  const perLine: Record<string, RemoteFields> = {}
  const issues: MappingIssue[] = []
  const warnings: MappingIssue[] = []
  const waiting: Waiting[] = []
  const skipped: string[] = []
  for (const compiled of linesToWrite(mapping, options)) {
    if (options.remote && isSkipped(compiled, options.remote)) {
      skipped.push(compiled.name)
      continue
    }
    const value = valueIn(compiled, local)
    if (value === undefined) continue
    const sent = sendLine(compiled, value, ctx)
    if (!sent.ok) {
      if ('waiting' in sent) waiting.push(sent.waiting)
      else issues.push(sent.issue)
      continue
    }
    if (sent.warning) warnings.push(sent.warning)
    const clash = Object.keys(sent.fields).find(
      (field) => fields[field] !== undefined && fields[field] !== sent.fields[field],
    )
    if (clash !== undefined) {
      issues.push(
        issueOf(compiled.names, 'conflicting_values', `another line sends a different ${clash}`).issue,
      )
      continue
    }
    if (Object.keys(sent.fields).length > 0) perLine[compiled.name] = sent.fields
    Object.assign(fields, sent.fields)
  }
  return { fields, perLine, issues, warnings, waiting, skipped }
}

function linesToWrite(mapping: Mapping, { creating, lines }: WriteOptions): readonly CompiledLine[] {
  if (lines) return lines.map((name) => lineOf(mapping, name)).filter(({ line }) => flowsOut(line.flow))
  return mapping.lines.filter(({ line }) => flowsOut(line.flow) && (creating || line.flow !== 'create'))
}

export interface LocalReading {
  /** The canonical value of every line that was read and understood, whichever way it flows. */
  readonly values: Readonly<Record<string, FieldValue>>
  readonly issues: readonly MappingIssue[]
  /** Lines whose remote fields the record did not carry: nothing is known about them. */
  readonly unread: readonly string[]
}

/** Translates a record of the CRM's. */
export function toLocal(mapping: Mapping, remote: RemoteFields, ctx: MappingContext): LocalReading {
  const values: Record<string, FieldValue> = {}
  const issues: MappingIssue[] = []
  const unread: string[] = []
  for (const compiled of mapping.lines) {
    const received = receiveLine(compiled, remote, ctx)
    if (received.ok) values[compiled.name] = received.value
    else if (received.issue.code === 'not_read') unread.push(compiled.name)
    else issues.push(received.issue)
  }
  return { values, issues, unread }
}

function sendLine(
  { line, names, transform }: CompiledLine,
  value: FieldValue,
  ctx: MappingContext,
): ToRemote {
  if (transform.direction === 'in') {
    return issueOf(names, 'one_way', 'the CRM derives this value, it cannot be sent')
  }
  const [main] = names.remote
  const sent: ToRemote =
    value === null || isBlank(value) ? { ok: true, fields: { [main]: null } } : transform.toRemote(value, ctx)
  const keeps = line.onEmpty === 'keep' && sent.ok && sent.fields[main] === null
  return keeps ? { ok: true, fields: {} } : sent
}

function receiveLine(compiled: CompiledLine, remote: RemoteFields, ctx: MappingContext): ToLocal {
  const { names, transform } = compiled
  if (inputsOf(compiled, ctx.multiCurrency).some((field) => remote[field] === undefined)) {
    return issueOf(names, 'not_read', `${names.remote.join(', ')} was not read`)
  }
  const value = remote[names.remote[0]]
  if (!transform.readsBlank && (value === null || value === '')) return { ok: true, value: null }
  return transform.toLocal(remote, ctx)
}

function lineOf(mapping: Mapping, name: string): CompiledLine {
  const line = mapping.byName.get(name)
  if (!line) throw new Error(`The mapping of ${mapping.document.entity} has no line ${name}`)
  return line
}
