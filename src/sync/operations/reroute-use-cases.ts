import { compileMapping, isIncluded } from '#mappings/apply.ts'
import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Deal } from '#src/deals/deal.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { Refused } from '#src/kernel/errors.ts'
import { type ConnectionId, type DealId, newId } from '#src/kernel/ids.ts'
import type { PublishedMapping } from '../ground/engine.ts'
import { type KnownLink, lockLinksOf, retireLink } from '../memory/link-list-store.ts'
import { insertLinks, linksToRemotes } from '../memory/link-store.ts'
import { markDirty } from '../memory/mark-store.ts'
import { mirrorRecords } from '../memory/mirror-store.ts'
import { dropOtherMarks, leaveLink, lockStandingLinks, returnToLink } from '../memory/moved-store.ts'
import { closeReviews, openReviewsOf } from '../memory/review-list-store.ts'
import type { LinkUseCases } from './link-use-cases.ts'
import type { OperationDeps } from './operation-deps.ts'

export interface RerouteInput {
  readonly connectionId: ConnectionId
  /** A record over there that stands for the deal; null: one is made, or the one it had there before. */
  readonly remoteId: string | null
  readonly reason: string
}

export type RerouteUseCases = ReturnType<typeof createRerouteUseCases>

const entity = 'deal'

/** Deals that go from one CRM to another. */
export function createRerouteUseCases(deps: OperationDeps, links: Pick<LinkUseCases, 'linkRecord'>) {
  const { engine } = deps

  async function mappingOf(tx: Tx, id: ConnectionId): Promise<PublishedMapping | undefined> {
    return (await engine.connections.publishedMappings(tx, id)).find((one) => one.entity === entity)
  }

  /** Leaves what stands for the deal elsewhere: the record is told once, and its link ends with that. */
  async function leave(tx: Tx, actor: Actor, link: KnownLink, to: ConnectionId, reason: string) {
    const { connectionId, recordId, remoteId, state } = link
    const said = (await mappingOf(tx, connectionId))?.document.fixed.onMoved ?? {}
    const speaks = state === 'active' && remoteId !== null && Object.keys(said).length > 0
    await leaveLink(tx, link.id, speaks ? 'moving' : 'retired', to)
    if (speaks) await markDirty(tx, [{ connectionId, entity, recordId, priority: 'live' }])
    const open = await openReviewsOf(tx, connectionId, entity, recordId)
    await closeReviews(
      tx,
      open.map(({ id }) => id),
      { by: actor.name, resolution: 'moved', reason },
    )
    await recordAudit(tx, actor, [
      {
        action: 'sync.link_moved',
        subject: { kind: entity, id: recordId },
        before: { connectionId, remoteId },
        after: { connectionId: to },
        reason,
      },
    ])
  }

  /** What stood for the deal on its new connection before stands for it again; otherwise one is made, once. */
  async function arrive(
    tx: Tx,
    actor: Actor,
    deal: Deal,
    { connectionId }: RerouteInput,
    { document }: PublishedMapping,
  ): Promise<void> {
    const recordId = deal.id
    const { object, keyField } = document
    const before = await lockLinksOf(tx, connectionId, entity, recordId)
    const standing = before.find(({ state }) => state !== 'retired')
    const state = 'active' as const
    const tell = async (remoteId: string) => {
      const url = deps.recordUrl(await deps.connectionOf(tx, connectionId), object, remoteId)
      await engine.linksChanged(tx, actor, [{ entity, recordId, connectionId, state, remoteId, url }])
    }
    if (standing?.remoteId && (standing.state === 'moving' || standing.state === 'active')) {
      await returnToLink(tx, standing.id)
      await tell(standing.remoteId)
    } else {
      if (standing) await retireLink(tx, standing.id)
      const remoteId = await lastRecord(tx, connectionId, object, before)
      const seen = remoteId ? (await mirrorRecords(tx, connectionId, object, [remoteId])).get(remoteId) : null
      if (remoteId) await tell(remoteId)
      const keyWritten = remoteId === null || seen?.content[keyField] === recordId
      const link = { id: newId(), entity, recordId, object, remoteId, fields: {}, keyWritten, writing: false }
      // A person wants it there: what is begun is made, although an earlier link of it was retired.
      if (before.length > 0)
        await insertLinks(tx, connectionId, [{ ...link, state: remoteId ? state : 'creating' }])
      else if (!(await isWanted(tx, document, recordId))) {
        throw new Refused('not_included', 'The mapping of that connection leaves this deal out')
      }
    }
    await markDirty(tx, [{ connectionId, entity, recordId, priority: 'live' }])
  }

  async function isWanted(tx: Tx, document: PublishedMapping['document'], id: string): Promise<boolean> {
    const local = (await engine.entities.get(entity)?.load(tx, [id]))?.get(id)
    return local !== undefined && isIncluded(compileMapping(document), local)
  }

  /** The record that stood for the deal there last, if it is still there and stands for nothing else. */
  async function lastRecord(
    tx: Tx,
    connectionId: ConnectionId,
    object: string,
    before: readonly KnownLink[],
  ): Promise<string | null> {
    for (const { remoteId, object: linked } of before) {
      if (remoteId === null || linked !== object) continue
      const isThere = (await mirrorRecords(tx, connectionId, object, [remoteId])).has(remoteId)
      const taken = (await linksToRemotes(tx, connectionId, [remoteId])).some(
        (link) => link.entity === entity,
      )
      if (isThere && !taken) return remoteId
    }
    return null
  }

  return {
    /** Where each of these deals goes: the connection fixed at approval, or the one that deals go to by default. */
    homesOfDeals: (tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, ConnectionId>> =>
      asSystem(tx, async (system) => {
        const fixed = await deps.deals.crmHomesOf(system, ids)
        const isOpen = ids.some((id) => !fixed.get(id))
        const fallback = isOpen ? await deps.routing.homeByDefault(system) : null
        return new Map(
          ids.flatMap((id) => {
            const home = fixed.get(id) ?? fallback
            return home ? [[id, home] as const] : []
          }),
        )
      }),

    /**
     * Gives a deal to another connection: the record that stood for it is told and left, later changes of it are only
     * shown to people, and the deal is made, or linked, at the new one. Never twice: what is being written is not moved.
     * @throws Refused `not_approved`, `already_there`, `not_mapped`, `not_included`, `being_written`
     */
    async reroute(
      tx: Tx,
      actor: Actor,
      dealId: DealId,
      expectedRevision: number | null,
      input: RerouteInput,
    ): Promise<Deal> {
      const { connectionId, remoteId, reason } = input
      await deps.connectionOf(tx, connectionId)
      const mapping = await mappingOf(tx, connectionId)
      if (!mapping) throw new Refused('not_mapped', 'No mapping of deals is published for this connection')
      const { after } = await deps.deals.moveToConnection(tx, actor, dealId, expectedRevision, input)
      // Marks first: whoever is about to make the record elsewhere has begun by now, or finds that it may not.
      await dropOtherMarks(tx, entity, dealId, connectionId)
      const standing = await lockStandingLinks(tx, entity, dealId)
      const isUnderWay = ({ writingAt, fields, state }: KnownLink) =>
        writingAt !== null ||
        (state === 'creating' && Object.values(fields).some(({ sent = [] }) => sent.length > 0))
      if (standing.some(isUnderWay)) {
        throw new Refused('being_written', 'This deal is being written to a CRM; try again in a moment')
      }
      for (const link of standing) {
        if (link.connectionId !== connectionId) await leave(tx, actor, link, connectionId, reason)
      }
      if (remoteId === null) await arrive(tx, actor, after, input, mapping)
      else await links.linkRecord(tx, actor, { connectionId, entity, recordId: dealId }, remoteId, reason)
      deps.ring(tx)
      return deps.deals.getDeal(tx, dealId)
    },
  }
}
