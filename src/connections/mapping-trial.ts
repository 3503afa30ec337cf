import type { RemoteRecord, RemoteValue } from '#connectors/connector.ts'
import {
  type CompiledLine,
  isSkipped,
  localToRemote,
  localValueOf,
  type Mapping,
  remoteToLocal,
} from '#mappings/apply.ts'
import { type Flow, flowsIn, flowsOut } from '#mappings/document.ts'
import type { MappingContext } from '#mappings/transforms/transform.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { LocalRecord } from '#src/kernel/synced-entity.ts'

/** What one version of a mapping makes of one line of one linked record. */
export interface LineTrial {
  readonly flow: Flow
  /** What it would write over there if our value were to go; null where nothing goes. */
  readonly writes: Readonly<Record<string, RemoteValue>> | null
  /** What it would take over here if theirs were to come; null where nothing comes. */
  readonly applies: { readonly value: FieldValue } | null
  /** Left alone over there, as the record stands now. */
  readonly skipped: boolean
  /** `entity:id` of a record of ours that must be linked first. */
  readonly waitingFor: string | null
  readonly issues: readonly { readonly code: string; readonly message: string }[]
}

export interface FieldTrial {
  readonly field: string
  readonly label: string
  readonly ours: FieldValue
  readonly theirs: Readonly<Record<string, RemoteValue>>
  /** null: the published mapping has no such line. */
  readonly before: LineTrial | null
  readonly after: LineTrial | null
  /** The draft makes something else of this record than what is published. */
  readonly changed: boolean
}

type Here = Pick<LocalRecord, 'fields'>

/** Both versions of a mapping on one linked record, line by line. Nothing is decided: merging is the engine's. */
export function tryMappings(
  published: Mapping | null,
  draft: Mapping,
  here: Here,
  there: RemoteRecord,
  ctx: MappingContext,
): FieldTrial[] {
  const names = new Set([...draft.byName.keys(), ...(published?.byName.keys() ?? [])])
  return [...names].map((field) => {
    const old = published?.byName.get(field)
    const young = draft.byName.get(field)
    const before = published && old ? tryLine(published, old, here, there, ctx) : null
    const after = young ? tryLine(draft, young, here, there, ctx) : null
    const remotes = [...(old?.names.remote ?? []), ...(young?.names.remote ?? [])]
    const [owner, line] = young ? [draft, young] : [published, old]
    return {
      field,
      label: line?.names.label ?? field,
      ours: (owner && localValueOf(owner, field, here.fields)) ?? null,
      theirs: Object.fromEntries(
        remotes.flatMap((name) => {
          const value = there.fields[name]
          return value === undefined ? [] : [[name, value]]
        }),
      ),
      before,
      after,
      changed: JSON.stringify(before) !== JSON.stringify(after),
    }
  })
}

function tryLine(
  mapping: Mapping,
  compiled: CompiledLine,
  here: Here,
  there: RemoteRecord,
  ctx: MappingContext,
): LineTrial {
  const { flow } = compiled.line
  const issues: { code: string; message: string }[] = []
  const skipped = isSkipped(compiled, there.fields)
  let writes: LineTrial['writes'] = null
  let applies: LineTrial['applies'] = null
  let waitingFor: string | null = null
  const ours = localValueOf(mapping, compiled.name, here.fields)
  if (flowsOut(flow) && flow !== 'create' && !skipped && ours !== undefined) {
    const sent = localToRemote(mapping, compiled.name, ours, ctx)
    if (sent.ok) writes = sent.fields
    else if ('waiting' in sent) waitingFor = `${sent.waiting.entity}:${sent.waiting.id}`
    else issues.push({ code: sent.issue.code, message: sent.issue.message })
  }
  if (flowsIn(flow)) {
    const received = remoteToLocal(mapping, compiled.name, there.fields, ctx)
    if (received.ok) applies = { value: received.value }
    else issues.push({ code: received.issue.code, message: received.issue.message })
  }
  return { flow, writes, applies, skipped, waitingFor, issues }
}
