import type { ConnectorFault } from '#connectors/fault.ts'
import { syncActor } from '../ground/engine.ts'
import { urlOf } from '../ground/workspace.ts'
import { updateLinks } from '../memory/link-store.ts'
import { type Parked, parkMarks, releaseChildren } from '../memory/mark-store.ts'
import { type NewReview, openReviews } from '../memory/review-store.ts'
import { assertLease } from '../memory/slot-store.ts'
import type { Outgoing, Round } from './round.ts'

/**
 * The CRM says that a record exists already. If it carries our key it is ours (a race, or an answer that got lost): the
 * next round links it by writing to its id. Otherwise a person decides between linking and creating all the same.
 */
export async function resolveDuplicates(
  round: Round,
  duplicates: readonly { readonly write: Outgoing; readonly fault: ConnectorFault | null }[],
): Promise<void> {
  if (duplicates.length === 0) return
  const { workspace, mapped, lease, signal } = round
  const { connector, connection, engine } = workspace
  const { object, keyField } = mapped.mapping.document
  const creating = duplicates.filter(({ write }) => write.creating)
  const keys = creating.map(({ write }) => write.recordId)
  const found = keys.length === 0 ? [] : await connector.find(object, keyField, keys, [keyField], signal)
  const remoteByKey = new Map(found.map((record) => [String(record.fields[keyField]), record.id]))
  const parked: Parked[] = []
  const reviews: NewReview[] = []
  const known = creating.filter(({ write }) => remoteByKey.has(write.recordId))
  for (const { write, fault } of duplicates) {
    if (write.creating && remoteByKey.has(write.recordId)) continue
    const message = fault?.message ?? 'The CRM says that this record exists already'
    const issues = (fault?.details.fields ?? []).map((field) => ({ field, message }))
    parked.push({ recordId: write.recordId, code: fault?.details.code ?? 'duplicate', message, issues })
    // A value of a linked record that another one has already is a matter of that value, not of which record it is.
    if (!write.creating) continue
    reviews.push({
      kind: 'duplicate',
      entity: mapped.name,
      recordId: write.recordId,
      remoteId: fault?.details.duplicates?.[0] ?? null,
      message,
      details: { duplicates: fault?.details.duplicates ?? [] },
    })
  }
  await engine.database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    await updateLinks(
      tx,
      known.map(({ write }) => ({
        id: write.linkId,
        state: 'active' as const,
        remoteId: remoteByKey.get(write.recordId) ?? null,
        keyWritten: true,
      })),
    )
    await parkMarks(tx, connection.id, mapped.name, parked)
    await openReviews(tx, connection.id, reviews)
    if (reviews.length > 0) await engine.reviewsOpened(tx, syncActor, reviews.length, connection)
    const news = known.map(({ write }) => {
      const remoteId = remoteByKey.get(write.recordId) ?? null
      const url = urlOf(workspace, object, remoteId)
      const { recordId } = write
      const connectionId = connection.id
      return { entity: mapped.name, recordId, connectionId, state: 'active' as const, remoteId, url }
    })
    if (news.length > 0) await engine.linksChanged(tx, syncActor, news)
    await releaseChildren(
      tx,
      connection.id,
      known.map(({ write }) => `${mapped.name}:${write.recordId}`),
    )
  })
}
