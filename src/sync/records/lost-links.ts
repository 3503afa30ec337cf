import type { Tx } from '#src/database/database.ts'
import type { CustomerId } from '#src/kernel/ids.ts'
import { type AccountMerge, type LinkNews, syncActor } from '../ground/engine.ts'
import { urlOf, type Workspace } from '../ground/workspace.ts'
import { followMaster, linksToRemotes, loseLink } from '../memory/link-store.ts'
import { markDirty } from '../memory/mark-store.ts'
import { recordDeleted, type SeenDeletion } from '../memory/mirror-store.ts'
import { type NewReview, openReviews } from '../memory/review-store.ts'
import { companyEntity } from './intake.ts'
import { goneReview } from './send.ts'

/**
 * Records that are not there any more. Merged into another one: the link follows it. Deleted: the link is gone, a person
 * is told, and nothing is made again by itself. The same news twice changes nothing.
 */
export async function loseLinks(
  tx: Tx,
  workspace: Workspace,
  object: string,
  deletions: readonly SeenDeletion[],
): Promise<void> {
  if (deletions.length === 0) return
  const { connection, engine } = workspace
  await recordDeleted(tx, connection.id, object, deletions)
  const masterOf = new Map(deletions.map(({ remoteId, mergedInto }) => [remoteId, mergedInto]))
  const links = (await linksToRemotes(tx, connection.id, [...masterOf.keys()])).filter(
    (link) => link.object === object,
  )
  const source = workspace.byName.get('deal')?.mapping.document.object === object ? 'opportunity' : 'account'
  await engine.mirror.forgetMirror(tx, connection.id, source, [...masterOf.keys()])
  const news: LinkNews[] = []
  const reviews: NewReview[] = []
  const merges: AccountMerge[] = []
  for (const { entity, recordId, remoteId } of links) {
    const master = remoteId === null ? null : (masterOf.get(remoteId) ?? null)
    const sharing = master ? await sharersOf(tx, workspace, entity, recordId, master) : []
    const state = master ? await follow(tx, workspace, entity, recordId, master, sharing) : 'gone'
    const [into] = sharing
    if (state === 'active' && entity === companyEntity && into) {
      // Links of this entity name customers.
      merges.push({ from: recordId as CustomerId, into: into as CustomerId })
    }
    if (state === 'gone') reviews.push(goneReview(entity, recordId, remoteId))
    if (state === 'merged') {
      reviews.push({
        kind: 'merged',
        entity,
        recordId,
        remoteId: master,
        message:
          'The linked record was merged into one that another record of ours is linked to. Decide which one keeps it.',
      })
    }
    if (state !== 'active') await loseLink(tx, connection.id, entity, recordId, state)
    news.push({
      entity,
      recordId,
      connectionId: connection.id,
      state,
      remoteId: master ?? remoteId,
      url: urlOf(workspace, object, master),
    })
  }
  await openReviews(tx, connection.id, reviews)
  if (reviews.length > 0) await engine.reviewsOpened(tx, syncActor, reviews.length, connection)
  if (news.length > 0) await engine.linksChanged(tx, syncActor, news)
  if (merges.length > 0) await engine.accountsMerged(tx, syncActor, merges)
}

/** Other records of ours that stand behind the surviving one already. */
async function sharersOf(
  tx: Tx,
  { connection }: Workspace,
  entity: string,
  recordId: string,
  master: string,
): Promise<readonly string[]> {
  const links = await linksToRemotes(tx, connection.id, [master])
  return links
    .filter((link) => link.entity === entity && link.recordId !== recordId)
    .map((link) => link.recordId)
}

/** Points the link at the surviving record, unless another deal has it already. */
async function follow(
  tx: Tx,
  { connection }: Workspace,
  entity: string,
  recordId: string,
  master: string,
  sharing: readonly string[],
): Promise<'active' | 'merged'> {
  if (sharing.length > 0 && entity === 'deal') return 'merged'
  await followMaster(tx, connection.id, entity, recordId, master)
  await markDirty(tx, [{ connectionId: connection.id, entity, recordId, priority: 'live' }])
  return 'active'
}
