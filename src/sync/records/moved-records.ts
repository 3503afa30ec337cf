import type { RemoteRecord } from '#connectors/connector.ts'
import { toLocal } from '#mappings/apply.ts'
import { flowsIn } from '#mappings/document.ts'
import type { Tx } from '#src/database/database.ts'
import { type FieldValue, sameValue } from '#src/kernel/field-value.ts'
import { syncActor } from '../ground/engine.ts'
import { createLookup, type MappedEntity, type Workspace } from '../ground/workspace.ts'
import { rememberFields } from '../memory/link-list-store.ts'
import type { FieldMemory } from '../memory/merge.ts'
import { type MovedLink, movedLinks } from '../memory/moved-store.ts'
import { type NewReview, openReviews } from '../memory/review-store.ts'

/**
 * A record that a deal moved away from changed over there: nothing is taken over and nothing written back, but a person
 * is told which of the values changed that the CRM used to state. Each change is told once.
 */
export async function reportMoved(
  tx: Tx,
  workspace: Workspace,
  mapped: MappedEntity,
  changed: readonly RemoteRecord[],
): Promise<void> {
  const { connection, engine } = workspace
  const byId = new Map(changed.map((record) => [record.id, record]))
  const links = await movedLinks(tx, connection.id, [...byId.keys()])
  const reviews: NewReview[] = []
  for (const link of links) {
    const record = byId.get(link.remoteId)
    if (!record || link.entity !== mapped.name) continue
    const news = newsOf(workspace, mapped, link, record)
    const fields = Object.keys(news)
    if (fields.length === 0) continue
    await rememberFields(tx, link.id, news)
    reviews.push({
      kind: 'changed_after_move',
      entity: link.entity,
      recordId: link.recordId,
      remoteId: link.remoteId,
      message: `The record that this deal moved away from changed in the CRM: ${fields.join(', ')}. Nothing was taken over.`,
      details: { fields, movedTo: link.movedTo },
    })
  }
  await openReviews(tx, connection.id, reviews)
  if (reviews.length > 0) await engine.reviewsOpened(tx, syncActor, reviews.length, connection)
}

/** The memory of the fields whose value over there is another than the one known last. */
function newsOf(
  workspace: Workspace,
  { mapping }: MappedEntity,
  { fields }: MovedLink,
  record: RemoteRecord,
): Readonly<Record<string, FieldMemory>> {
  const { values } = toLocal(mapping, record.fields, createLookup(workspace).context)
  const news: Record<string, FieldMemory> = {}
  for (const { name, line } of mapping.lines) {
    const theirs: FieldValue | undefined = values[name]
    const memory = fields[name]
    if (!flowsIn(line.flow) || theirs === undefined || !memory?.agreed) continue
    if (sameValue(memory.agreed.theirs, theirs)) continue
    news[name] = { ...memory, agreed: { ours: memory.agreed.ours, theirs } }
  }
  return news
}
