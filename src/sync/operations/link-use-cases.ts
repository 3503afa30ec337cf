import { type AuditEntry, recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Keyed, Position } from '#src/database/keyset.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput, NotFound, Refused } from '#src/kernel/errors.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import { logAttempts } from '../memory/attempt-store.ts'
import {
  findLink,
  type KnownLink,
  type LinkFilter,
  type LinkSort,
  listLinks,
  lockLinksOf,
  pointLink,
  retireLink,
} from '../memory/link-list-store.ts'
import { insertLinks, linksToRemotes } from '../memory/link-store.ts'
import { dropMark, markDirty, releaseChildren } from '../memory/mark-store.ts'
import { mirrorRecords } from '../memory/mirror-store.ts'
import { lockStandingLinks } from '../memory/moved-store.ts'
import type { ReviewKind } from '../memory/review.ts'
import { closeReviews, openReviewsOf } from '../memory/review-list-store.ts'
import { type OperationDeps, titlesOf } from './operation-deps.ts'

export interface LinkView extends KnownLink {
  readonly title: string | null
  readonly url: string | null
}

export interface RecordOnConnection {
  readonly connectionId: ConnectionId
  readonly entity: string
  readonly recordId: string
}

export type LinkUseCases = ReturnType<typeof createLinkUseCases>

/** Items that a link to a record settles. */
const settledByLink: readonly ReviewKind[] = ['doubtful_match', 'duplicate', 'gone', 'merged']

/** Links between our records and a CRM's, as people look at them and set them right. */
export function createLinkUseCases(deps: OperationDeps) {
  const { engine } = deps

  async function view(tx: Tx, links: readonly KnownLink[]): Promise<readonly LinkView[]> {
    const title = await titlesOf(deps, tx, links)
    const urls = new Map<string, string | null>()
    for (const connectionId of new Set(links.map((link) => link.connectionId))) {
      const connection = await deps.connectionOf(tx, connectionId)
      for (const { id, object, remoteId, ...link } of links) {
        if (link.connectionId !== connectionId || remoteId === null) continue
        urls.set(id, deps.recordUrl(connection, object, remoteId))
      }
    }
    return links.map((link) => ({
      ...link,
      title: title(link.entity, link.recordId),
      url: urls.get(link.id) ?? null,
    }))
  }

  async function viewOf(tx: Tx, id: string): Promise<LinkView> {
    const link = await findLink(tx, id)
    const [seen] = link ? await view(tx, [link]) : []
    if (!seen) throw new NotFound('The link')
    return seen
  }

  /** What the mapping says of the object, after both sides were found to exist. */
  async function checkTarget(
    tx: Tx,
    { connectionId, entity, recordId }: RecordOnConnection,
    remoteId: string,
  ) {
    const source = engine.entities.get(entity)
    if (!source) throw new NotFound(`The synced entity ${entity}`)
    const mapping = (await engine.connections.publishedMappings(tx, connectionId)).find(
      (published) => published.entity === entity,
    )
    if (!mapping) throw new Refused('not_mapped', `No mapping of ${entity} is published for this connection`)
    if (!(await source.load(tx, [recordId])).has(recordId)) throw new NotFound(`The ${entity}`)
    const { object, keyField } = mapping.document
    const seen = (await mirrorRecords(tx, connectionId, object, [remoteId])).get(remoteId)
    if (!seen) {
      throw new InvalidInput('There is no such record in the CRM', [
        {
          path: '/body/remoteId',
          code: 'unknown_remote_id',
          message: `No ${object} with this id was seen in the CRM. Poll the connection if it was made a moment ago.`,
        },
      ])
    }
    return { object, keyField, versionId: mapping.versionId, seen }
  }

  /**
   * Links a record of ours to one of the CRM's: from now on they are kept in step. What waited for it flows on.
   * @throws InvalidInput when there is no such record over there · Refused `remote_taken`, `already_linked`,
   *   `being_written`, `not_mapped`
   */
  async function linkRecord(
    tx: Tx,
    actor: Actor,
    record: RecordOnConnection,
    remoteId: string,
    reason: string,
  ): Promise<LinkView> {
    const { connectionId, entity, recordId } = record
    const connection = await deps.connectionOf(tx, connectionId)
    const { object, keyField, versionId, seen } = await checkTarget(tx, record, remoteId)
    const url = deps.recordUrl(connection, object, remoteId)
    // A deal is locked before its link, as everywhere.
    await engine.linksChanged(tx, actor, [{ ...record, state: 'active', remoteId, url }])
    const known = await lockLinksOf(tx, connectionId, entity, recordId)
    const current = known.find(({ state }) => state !== 'retired')
    if (entity === 'deal') await assertNowhereElse(tx, record)
    if (current?.writingAt) {
      throw new Refused('being_written', 'This record is being written to the CRM; try again in a moment')
    }
    if (current?.state === 'active') {
      throw new Refused('already_linked', `It is linked to ${current.remoteId}; retire that link first`)
    }
    const others = (await linksToRemotes(tx, connectionId, [remoteId])).filter(
      (link) => link.entity === entity && link.recordId !== recordId,
    )
    if (others.length > 0 && entity === 'deal') {
      throw new Refused('remote_taken', 'Another deal is linked to this record of the CRM')
    }
    const key = seen.content[keyField]
    const sharesKey = others.length > 0 && typeof key === 'string' && key !== ''
    const keyWritten = sharesKey || (await keyStandsElsewhere(tx, record, known, keyField, remoteId))
    const id = current?.id ?? newId()
    if (current) await pointLink(tx, id, { object, remoteId, keyWritten })
    else {
      const link = { id, entity, recordId, object, remoteId, state: 'active' as const }
      await insertLinks(tx, connectionId, [{ ...link, fields: {}, keyWritten, writing: false }])
    }
    await markDirty(tx, [{ ...record, priority: 'live' }])
    await releaseChildren(tx, connectionId, [`${entity}:${recordId}`])
    await logAttempts(tx, connectionId, [
      {
        direction: 'in',
        entity,
        recordId,
        remoteId,
        mappingVersionId: versionId,
        fields: [],
        outcome: 'linked',
        message: `Linked by ${actor.name}: ${reason}`,
      },
    ])
    const settled = (await openReviewsOf(tx, connectionId, entity, recordId)).filter(({ kind }) =>
      settledByLink.includes(kind),
    )
    await closeReviews(
      tx,
      settled.map((item) => item.id),
      { by: actor.name, resolution: `link ${remoteId}`, reason },
    )
    await recordAudit(tx, actor, [
      audited('sync.linked', record, current?.remoteId ?? null, remoteId, reason),
    ])
    deps.ring(tx)
    return viewOf(tx, id)
  }

  /** A deal goes to one connection at a time. */
  async function assertNowhereElse(tx: Tx, { connectionId, entity, recordId }: RecordOnConnection) {
    const others = (await lockStandingLinks(tx, entity, recordId)).filter(
      (link) => link.connectionId !== connectionId && link.state !== 'moving',
    )
    if (others.length === 0) return
    throw new Refused('linked_elsewhere', 'This deal goes to another connection: reroute it instead')
  }

  /** Our key is unique over there: while a record that we were linked to still carries it, it is written nowhere else. */
  async function keyStandsElsewhere(
    tx: Tx,
    { connectionId, recordId }: RecordOnConnection,
    known: readonly KnownLink[],
    keyField: string,
    remoteId: string,
  ): Promise<boolean> {
    for (const { object, remoteId: before } of known) {
      if (before === null || before === remoteId) continue
      const seen = (await mirrorRecords(tx, connectionId, object, [before])).get(before)
      if (seen?.content[keyField] === recordId) return true
    }
    return false
  }

  /**
   * Ends a link: neither side is changed by the other any more, and nothing is made again by itself.
   * @throws Refused `already_retired`, `being_written`
   */
  async function retire(tx: Tx, actor: Actor, id: string, reason: string): Promise<LinkView> {
    const found = await findLink(tx, id)
    if (!found) throw new NotFound('The link')
    const { connectionId, entity, recordId, remoteId } = found
    await engine.linksChanged(tx, actor, [
      { connectionId, entity, recordId, state: 'retired', remoteId, url: null },
    ])
    const link = (await lockLinksOf(tx, connectionId, entity, recordId)).find((one) => one.id === id)
    if (!link) throw new NotFound('The link')
    if (link.state === 'retired') throw new Refused('already_retired', 'This link is retired')
    if (link.writingAt) {
      throw new Refused('being_written', 'This record is being written to the CRM; try again in a moment')
    }
    await retireLink(tx, id)
    await dropMark(tx, link)
    const open = await openReviewsOf(tx, connectionId, entity, recordId)
    await closeReviews(
      tx,
      open.map((item) => item.id),
      { by: actor.name, resolution: 'retire', reason },
    )
    await recordAudit(tx, actor, [audited('sync.link_retired', link, link.remoteId, null, reason)])
    return viewOf(tx, id)
  }

  return {
    linkRecord,
    retire,
    get: viewOf,
    list: async (
      tx: Tx,
      filter: LinkFilter,
      position: Position<LinkSort>,
    ): Promise<readonly (LinkView & Keyed)[]> => {
      const rows = await listLinks(tx, filter, [...engine.entities.keys()], position)
      const seen = await view(tx, rows)
      return seen.map((link) => ({ ...link, sortKey: '' }))
    },
  }
}

const audited = (
  action: string,
  { connectionId, entity, recordId }: RecordOnConnection,
  before: string | null,
  after: string | null,
  reason: string,
): AuditEntry => ({
  action,
  subject: { kind: entity, id: recordId },
  before: { connectionId, remoteId: before },
  after: { connectionId, remoteId: after },
  reason,
})
