import {
  type CompiledLine,
  compileMapping,
  localValueOf,
  type Mapping,
  remoteToLocal,
} from '#mappings/apply.ts'
import { flowsOut } from '#mappings/document.ts'
import { collectReferences, mappingContext } from '#src/connections/references.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound, Refused } from '#src/kernel/errors.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import type { SyncedEntity } from '#src/kernel/synced-entity.ts'
import { referenceLookup } from '../ground/mapping-ports.ts'
import { type KnownLink, lockLinksOf, rememberFields } from '../memory/link-list-store.ts'
import { markDirty } from '../memory/mark-store.ts'
import { type FieldMemory, settleApplied, settleLeft, settleOurs } from '../memory/merge.ts'
import { mirrorRecords } from '../memory/mirror-store.ts'
import { isAboutField } from '../memory/review.ts'
import { openReviewsOf, type ReviewItem } from '../memory/review-list-store.ts'
import type { OperationDeps } from './operation-deps.ts'

type FieldItem = ReviewItem & { readonly recordId: string }

/** Whose value stands, where the engine holds a field; fields that belong together are decided together. */
export function createFieldDecision(deps: OperationDeps) {
  const { engine } = deps

  /** Theirs as it can be taken over: an unmapped value is read anew, for the mapping may know it by now. */
  async function readTheirs(tx: Tx, mapping: Mapping, item: FieldItem): Promise<FieldValue> {
    if (item.kind !== 'unmapped') return item.theirs
    const { object } = mapping.document
    const { remoteId } = item
    const seen =
      remoteId === null
        ? null
        : (await mirrorRecords(tx, item.connectionId, object, [remoteId])).get(remoteId)
    if (!seen) throw new NotFound('The record in the CRM')
    const connection = await deps.connectionOf(tx, item.connectionId)
    const there = { fields: seen.content }
    const pairs = collectReferences([mapping], [{ here: { fields: {} }, there }])
    const references = await referenceLookup(tx, item.connectionId, pairs)
    const read = remoteToLocal(mapping, item.field, seen.content, mappingContext(connection, references))
    if (read.ok) return read.value
    throw new Refused(
      'no_counterpart',
      `${read.issue.message}. Extend the mapping, change the value in the CRM, or take ours.`,
    )
  }

  async function applyTheirs(
    tx: Tx,
    actor: Actor,
    source: SyncedEntity<Tx>,
    recordId: string,
    changes: Readonly<Record<string, FieldValue>>,
  ): Promise<Readonly<Record<string, FieldValue>>> {
    const outcomes = (await source.applyMany(tx, actor, [{ id: recordId, changes }])).get(recordId) ?? []
    for (const outcome of outcomes) {
      if (outcome.kind === 'review') throw new Refused(outcome.code, outcome.message)
    }
    return (await source.load(tx, [recordId])).get(recordId)?.fields ?? {}
  }

  async function activeLink(tx: Tx, item: FieldItem): Promise<KnownLink> {
    const known = await lockLinksOf(tx, item.connectionId, item.entity, item.recordId)
    const link = known.find(({ state }) => state === 'active')
    if (!link) throw new Refused('not_linked', 'The record is not linked to the CRM any more')
    return link
  }

  /** @returns the open items that this decides, the given one among them */
  return async function decide(
    tx: Tx,
    actor: Actor,
    item: FieldItem,
    side: 'ours' | 'theirs' | 'neither',
  ): Promise<readonly ReviewItem[]> {
    const { connectionId, entity, recordId } = item
    const source = engine.entities.get(entity)
    if (!source) throw new NotFound(`The synced entity ${entity}`)
    const published = (await engine.connections.publishedMappings(tx, connectionId)).find(
      (mapping) => mapping.entity === entity,
    )
    const mapping = published ? compileMapping(published.document) : null
    const line = mapping?.byName.get(item.field)
    if (!mapping || !line) {
      // Nothing is in step any more that could be decided.
      if (side === 'neither') return []
      throw new Refused('not_mapped', 'The mapping has no such field any more; leave it')
    }
    const unit = new Set(unitOf(mapping, line).map(({ name }) => name))
    const open = await openReviewsOf(tx, connectionId, entity, recordId)
    const items = open.filter((one) => isAboutField(one) && unit.has(one.field))
    if (side === 'ours' && !flowsOut(line.line.flow)) {
      throw new Refused('crm_decides', 'This field is only taken over from the CRM; change it there')
    }
    const theirs: Record<string, FieldValue> = {}
    for (const { field, ...one } of items) {
      theirs[field] =
        side === 'theirs' ? await readTheirs(tx, mapping, { ...one, field, recordId }) : one.theirs
    }
    const ours =
      side === 'theirs'
        ? await applyTheirs(tx, actor, source, recordId, theirs)
        : ((await source.load(tx, [recordId])).get(recordId)?.fields ?? {})
    const link = await activeLink(tx, item)
    const memory: Record<string, FieldMemory> = {}
    for (const [field, value] of Object.entries(theirs)) {
      const known = link.fields[field] ?? {}
      const stands = localValueOf(mapping, field, ours) ?? null
      if (side === 'ours') memory[field] = settleOurs(known, value)
      else if (side === 'theirs') memory[field] = settleApplied(known, stands, value)
      else memory[field] = settleLeft(known, { ours: stands, theirs: value })
    }
    await rememberFields(tx, link.id, memory)
    await markDirty(tx, [{ connectionId, entity, recordId, priority: 'live' }])
    return items
  }
}

const unitOf = (mapping: Mapping, line: CompiledLine): readonly CompiledLine[] =>
  line.line.group === undefined ? [line] : (mapping.groups.get(line.line.group) ?? [line])
