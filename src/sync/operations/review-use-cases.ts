import type { RemoteValue } from '#connectors/connector.ts'
import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Keyed, Position } from '#src/database/keyset.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput, NotFound, Refused } from '#src/kernel/errors.ts'
import type { EventOf } from '#src/kernel/events.ts'
import type { FieldValue } from '#src/kernel/field-value.ts'
import { type DealId, newId } from '#src/kernel/ids.ts'
import { lockLinksOf } from '../memory/link-list-store.ts'
import { insertLinks, linksToRemotes, updateLinks } from '../memory/link-store.ts'
import { markDirty } from '../memory/mark-store.ts'
import { mirrorRecords } from '../memory/mirror-store.ts'
import {
  candidatesOf,
  describeResolution,
  fitting,
  isHolding,
  nameOf,
  type Resolution,
  type ResolutionName,
} from '../memory/review.ts'
import {
  closeReviews,
  findReview,
  listReviews,
  openFacts,
  openReviewsOf,
  type ReviewFilter,
  type ReviewItem,
  type ReviewSort,
} from '../memory/review-list-store.ts'
import { createAdoption } from './adoption-use-cases.ts'
import { createFieldDecision } from './field-decision-use-cases.ts'
import type { LinkUseCases } from './link-use-cases.ts'
import { type OperationDeps, titlesOf } from './operation-deps.ts'

export interface ReviewView extends ReviewItem {
  readonly title: string | null
  readonly resolutions: readonly ResolutionName[]
}

/** A record of the CRM as it was last seen. */
export interface SeenRemote {
  readonly remoteId: string
  readonly object: string
  readonly url: string | null
  readonly content: Readonly<Record<string, RemoteValue>>
  readonly readAt: Date
  /** Records of ours that are linked to it. */
  readonly linkedTo: readonly { readonly entity: string; readonly recordId: string }[]
}

export interface ReviewDetails {
  readonly item: ReviewView
  /** Our record; null when there is none, or it is not there any more. */
  readonly record: Readonly<Record<string, FieldValue>> | null
  /** The record over there and, where several are in question, all of them. Deleted ones are left out. */
  readonly remotes: readonly SeenRemote[]
}

export type ReviewUseCases = ReturnType<typeof createReviewUseCases>

/** Review items: what waits for a person, with both sides, and the decision. */
export function createReviewUseCases(
  deps: OperationDeps,
  links: Pick<LinkUseCases, 'linkRecord' | 'retire'>,
) {
  const { engine } = deps
  const decideField = createFieldDecision(deps)
  const adopt = createAdoption(deps, links)

  async function view(tx: Tx, items: readonly ReviewItem[]): Promise<readonly ReviewView[]> {
    const title = await titlesOf(deps, tx, items)
    return items.map((item) => ({
      ...item,
      title: title(item.entity, item.recordId),
      resolutions: item.closedAt === null ? fitting[item.kind] : [],
    }))
  }

  async function get(tx: Tx, id: string): Promise<ReviewView> {
    const item = await findReview(tx, id)
    const [seen] = item ? await view(tx, [item]) : []
    if (!seen) throw new NotFound('The review item')
    return seen
  }

  async function seenRemotes(tx: Tx, item: ReviewItem): Promise<readonly SeenRemote[]> {
    const ids = candidatesOf(item)
    const mappings = await engine.connections.publishedMappings(tx, item.connectionId)
    const object = mappings.find(({ entity }) => entity === item.entity)?.document.object
    if (ids.length === 0 || object === undefined) return []
    const connection = await deps.connectionOf(tx, item.connectionId)
    const seen = await mirrorRecords(tx, item.connectionId, object, ids)
    const linked = await linksToRemotes(tx, item.connectionId, ids)
    return ids.flatMap((remoteId) => {
      const record = seen.get(remoteId)
      if (!record) return []
      const { content, readAt } = record
      const linkedTo = linked
        .filter((link) => link.remoteId === remoteId)
        .map(({ entity, recordId }) => ({ entity, recordId }))
      const url = deps.recordUrl(connection, object, remoteId)
      return [{ remoteId, object, url, content, readAt, linkedTo }]
    })
  }

  /** Makes a new record over there in spite of those that look alike: what begun, is not looked for again. */
  async function createAllTheSame(tx: Tx, item: ReviewItem & { readonly recordId: string }): Promise<void> {
    const { connectionId, entity, recordId } = item
    const mappings = await engine.connections.publishedMappings(tx, connectionId)
    const mapping = mappings.find((published) => published.entity === entity)
    if (!mapping) throw new Refused('not_mapped', `No mapping of ${entity} is published for this connection`)
    const known = await lockLinksOf(tx, connectionId, entity, recordId)
    const current = known.find(({ state }) => state !== 'retired')
    if (current && current.state !== 'creating' && current.state !== 'proposed') {
      throw new Refused('already_linked', 'It is linked already')
    }
    if (current?.state === 'proposed') {
      await updateLinks(tx, [{ id: current.id, state: 'creating', keyWritten: true }])
    }
    if (!current) {
      const { object } = mapping.document
      await insertLinks(tx, connectionId, [
        {
          id: newId(),
          entity,
          recordId,
          object,
          remoteId: null,
          state: 'creating',
          fields: {},
          keyWritten: true,
          writing: false,
        },
      ])
    }
    await markDirty(tx, [{ connectionId, entity, recordId, priority: 'live' }])
  }

  async function retire(
    tx: Tx,
    actor: Actor,
    item: ReviewItem & { readonly recordId: string },
    reason: string,
  ) {
    const known = await lockLinksOf(tx, item.connectionId, item.entity, item.recordId)
    const current = known.find(({ state }) => state !== 'retired')
    if (!current) throw new NotFound('The link')
    await links.retire(tx, actor, current.id, reason)
  }

  /** Once who the deal is for is settled, what it earns may go on; another fact that still waits keeps it. */
  async function release(tx: Tx, actor: Actor, item: ReviewItem): Promise<void> {
    const { recordId, connectionId, entity } = item
    if (recordId === null || !isHolding(item)) return
    const dealId = recordId as DealId
    const { reviewHold } = await deps.deals.getDeal(tx, dealId)
    if (reviewHold !== `${item.field}_in_review`) return
    const open = await openReviewsOf(tx, connectionId, entity, recordId)
    const other = open.find((one) => one.id !== item.id && isHolding(one))
    await deps.deals.setReviewHold(tx, actor, dealId, other ? `${other.field}_in_review` : null)
  }

  /** @returns items that the decision settles beside this one */
  async function decide(
    tx: Tx,
    actor: Actor,
    item: ReviewItem,
    resolution: Resolution,
    reason: string,
  ): Promise<readonly ReviewItem[]> {
    if ('acknowledge' in resolution) return []
    if ('leave' in resolution && item.kind === 'proposal') return []
    if ('adopt' in resolution) {
      await adopt(tx, actor, item, resolution.adopt, reason)
      return []
    }
    const { recordId } = item
    if (recordId === null) throw new NotFound('The record')
    const record = { ...item, recordId }
    if ('take' in resolution) return decideField(tx, actor, record, resolution.take)
    if ('leave' in resolution) return decideField(tx, actor, record, 'neither')
    if ('link' in resolution) await links.linkRecord(tx, actor, record, resolution.link, reason)
    else if ('retire' in resolution) await retire(tx, actor, record, reason)
    else await createAllTheSame(tx, record)
    return []
  }

  return {
    /** What a win is worth that nobody expected was said where the deal is: nothing is left to look at here. */
    async onOutcomeSettled(
      tx: Tx,
      actor: Actor,
      settled: readonly EventOf<'outcome_settled'>[],
    ): Promise<void> {
      for (const { dealId, recognised, reason } of settled) {
        const open = await openFacts(tx, 'deal', dealId, 'outcome')
        const resolution = recognised ? 'recognised' : 'disregarded'
        await closeReviews(
          tx,
          open.map(({ id }) => id),
          { by: actor.name, resolution, reason },
        )
      }
    },

    get,

    list: async (
      tx: Tx,
      filter: ReviewFilter,
      position: Position<ReviewSort>,
    ): Promise<readonly (ReviewView & Keyed)[]> => {
      const seen = await view(tx, await listReviews(tx, filter, position))
      return seen.map((item) => ({ ...item, sortKey: '' }))
    },

    async details(tx: Tx, id: string): Promise<ReviewDetails> {
      const item = await get(tx, id)
      const { entity, recordId } = item
      const source = engine.entities.get(entity)
      const local =
        source && recordId !== null ? (await source.load(tx, [recordId])).get(recordId) : undefined
      return { item, record: local?.fields ?? null, remotes: await seenRemotes(tx, item) }
    },

    /**
     * Carries out what a person decided and closes the item; what waited for it flows on.
     * @throws InvalidInput when the decision does not fit the kind of item · Refused `already_closed`, or what stands
     *   in the way of the decision
     */
    async resolve(
      tx: Tx,
      actor: Actor,
      id: string,
      { resolution, reason }: { readonly resolution: Resolution; readonly reason: string },
    ): Promise<ReviewView> {
      const item = await findReview(tx, id)
      if (!item) throw new NotFound('The review item')
      if (item.closedAt) throw alreadyClosed()
      assertFitting(item, resolution)
      const siblings = await decide(tx, actor, item, resolution, reason)
      // A deal is locked before its items, as everywhere.
      await release(tx, actor, item)
      const ids = [id, ...siblings.map((sibling) => sibling.id)]
      const text = describeResolution(resolution)
      const closed = await closeReviews(tx, ids, { by: actor.name, resolution: text, reason })
      const closesItself = 'link' in resolution || 'retire' in resolution
      if (!closesItself && !closed.some((one) => one.id === id)) throw alreadyClosed()
      const { kind, entity, recordId, remoteId, field, ours, theirs, connectionId } = item
      await recordAudit(tx, actor, [
        {
          action: 'sync.review_resolved',
          subject: { kind: 'review_item', id },
          before: { connectionId, kind, entity, recordId, remoteId, field, ours, theirs },
          after: { resolution, closed: ids },
          reason,
        },
      ])
      deps.ring(tx)
      return get(tx, id)
    },
  }
}

const alreadyClosed = () => new Refused('already_closed', 'This item is closed already')

function assertFitting({ kind }: ReviewItem, resolution: Resolution): void {
  if (fitting[kind].includes(nameOf(resolution))) return
  throw new InvalidInput('This decision does not fit the item', [
    {
      path: '/body/resolution',
      code: 'wrong_resolution',
      message: `An item of kind ${kind} takes: ${fitting[kind].join(', ')}`,
    },
  ])
}
