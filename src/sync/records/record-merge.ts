/** Merging one linked record: its lines gathered into units, theirs read from a snapshot, the rules applied. Pure. */
import type { RemoteValue } from '#connectors/connector.ts'
import { type CompiledLine, isSkipped, localValueOf, toLocal } from '#mappings/apply.ts'
import { flowsIn, flowsOut, type MappingLine, ownerOf, remotesOf } from '#mappings/document.ts'
import { type FieldValue, isBlank, sameValue } from '#src/kernel/field-value.ts'
import { type Lookup, memoryOf } from '../ground/workspace.ts'
import type { Link } from '../memory/link-store.ts'
import { type FieldMemory, type FieldVerdict, forgetSent, isStale, mergeUnit } from '../memory/merge.ts'
import type { Item, Round } from './round.ts'

/** A write that was never answered is believed to be able to arrive for this long. */
const sentLifetimeMs = 60 * 60_000

export interface Linked extends Item {
  readonly link: Link & { readonly remoteId: string }
}

export interface Snapshot {
  readonly fields: Readonly<Record<string, RemoteValue>>
  readonly modifiedBy: string | null
  readonly readAt: Date
  /** What the CRM calls this state, where a write may name it. */
  readonly version?: string | null
  /** It stands in the mirror and was not read for this merge: a write must name its version. */
  readonly isMirrored?: boolean
}

export interface Merged {
  readonly item: Linked
  readonly verdicts: readonly FieldVerdict[]
  readonly snapshot: Snapshot
  readonly theirs: Readonly<Record<string, FieldValue>>
  readonly unmapped: readonly UnmappedLine[]
}

/** A value over there that has no counterpart here. */
export interface UnmappedLine {
  readonly field: string
  readonly message: string
  /** As it stands over there. */
  readonly raw: string
}

/** Newer than what was merged last, and not from before or during a write of ours. */
export const isNews = (link: Link, readAt: Date): boolean =>
  !isStale(
    { readAt },
    { observedAt: link.observedAt, writtenAt: link.writtenAt, writing: link.writingAt !== null },
  ) &&
  (link.observedAt === null || readAt > link.observedAt)

/** What stands there since our last try to write, nobody has seen. */
export const isFromBeforeOurWrite = ({ writtenAt }: Link, readAt: Date): boolean =>
  writtenAt !== null && readAt <= writtenAt

/**
 * May a write be based on this state as the mirror has it? It names the version, and the CRM refuses it if that is not
 * current any more; so only what nobody knows the outcome of has to be read first.
 */
export const isBasis = (
  { link }: Linked,
  { readAt, version }: Pick<Snapshot, 'readAt' | 'version'>,
): boolean =>
  typeof version === 'string' &&
  !isStale(
    { readAt },
    { observedAt: link.observedAt, writtenAt: link.writtenAt, writing: link.writingAt !== null },
  ) &&
  !Object.values(link.fields).some(({ sent = [] }) => sent.length > 0)

/** Has our side changed since the last agreement, or is something unsettled? Then the other side must be read anyway. */
export function hasOutgoing({ mapped }: Round, { link, local }: Linked): boolean {
  if (!link.keyWritten) return true
  return mapped.mapping.lines.some((compiled) => {
    const { name, line } = compiled
    const memory = memoryOf(link, compiled)
    if (memory.sent && memory.sent.length > 0) return true
    if (!flowsOut(line.flow) || line.flow === 'create') return false
    const ours = localValueOf(mapped.mapping, name, local.fields) ?? null
    return memory.agreed ? !sameValue(memory.agreed.ours, ours) : !isBlank(ours)
  })
}

/** Pure but for its inputs: what to do with each line of one record. */
export function mergeRecord(round: Round, item: Linked, snapshot: Snapshot, lookup: Lookup): Merged {
  const { mapped, workspace } = round
  const { mapping } = mapped
  const reading = toLocal(mapping, snapshot.fields, lookup.context)
  const oldest = new Date(snapshot.readAt.getTime() - sentLifetimeMs).toISOString()
  const phase = phaseOf(item.local.facts)
  const ownWriter = snapshot.modifiedBy !== null && snapshot.modifiedBy === workspace.connection.remoteUserId
  const units = new Map<string, typeof mapping.lines>()
  for (const line of mapping.lines) {
    const key = line.line.group ? `group:${line.line.group}` : line.name
    units.set(key, [...(units.get(key) ?? []), line])
  }
  const verdicts = [...units.values()].flatMap((lines) => {
    const [first] = lines
    if (!first) return []
    return mergeUnit(
      {
        flow: first.line.flow,
        owner: ownerOf(first.line, phase),
        keepsOnEmpty: first.line.onEmpty === 'keep',
        leftAlone: lines.some((line) => isSkipped(line, snapshot.fields)),
        fields: lines.map((compiled) => {
          const { name } = compiled
          return {
            name,
            ours: localValueOf(mapping, name, item.local.fields) ?? null,
            theirs: theirValue(item.link, compiled, reading.values[name], snapshot.fields),
            memory: forgetUnmapped(forgetSent(memoryOf(item.link, compiled), oldest)),
          }
        }),
      },
      ownWriter,
    )
  })
  const unmapped = reading.issues.flatMap(({ field, message }): UnmappedLine[] => {
    const compiled = mapping.byName.get(field)
    if (!compiled || theirValue(item.link, compiled, undefined, snapshot.fields) !== undefined) return []
    return [{ field, message, raw: rawOf(compiled.line, snapshot.fields) }]
  })
  return { item, verdicts, snapshot, theirs: reading.values, unmapped }
}

/**
 * A value that we cannot read simply differs from ours where the line only goes out; elsewhere it is not known, unless a
 * person decided about it as it stands there.
 */
function theirValue(
  link: Link,
  compiled: CompiledLine,
  value: FieldValue | undefined,
  fields: Readonly<Record<string, RemoteValue>>,
): FieldValue | undefined {
  const { line } = compiled
  if (value !== undefined || fields[remotesOf(line)[0]] === undefined) return value
  const raw = rawOf(line, fields)
  const { agreed } = memoryOf(link, compiled)
  const isDecided = agreed !== undefined && sameValue(agreed.theirs, raw)
  return isDecided || !flowsIn(line.flow) ? raw : undefined
}

const rawOf = (line: MappingLine, fields: Readonly<Record<string, RemoteValue>>): string =>
  String(fields[remotesOf(line)[0]])

function forgetUnmapped(memory: FieldMemory): FieldMemory {
  if (memory.held !== 'unmapped') return memory
  const { held: _, ...others } = memory
  return others
}

function phaseOf(facts: Readonly<Record<string, FieldValue>>): 'registered' | 'approved' | 'won' {
  const { phase } = facts
  return phase === 'approved' || phase === 'won' ? phase : 'registered'
}
