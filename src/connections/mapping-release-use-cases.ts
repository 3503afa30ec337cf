import type { RemoteField } from '#connectors/connector.ts'
import type { CheckIssue } from '#mappings/check-catalogue.ts'
import type { MappingDocument } from '#mappings/document.ts'
import type { Database, Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound, Refused } from '#src/kernel/errors.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { SyncedEntity } from '#src/kernel/synced-entity.ts'
import { type CrmAccess, getConnection } from './crm-access.ts'
import {
  assertPublishable,
  checkOurSide,
  checkSuccession,
  checkTheirSide,
  isPublishable,
  type MappingDraft,
  type MappingVersion,
} from './mapping-release.ts'
import { findPublished } from './mapping-store.ts'
import type { SampleLinks } from './mapping-trial-use-cases.ts'
import { assertRevision, draftOrThrow, type MappingUseCases } from './mapping-use-cases.ts'

export interface MappingReleaseDeps {
  readonly database: Database
  readonly crm: CrmAccess
  readonly entities: ReadonlyMap<string, SyncedEntity<Tx>>
  readonly mappings: Pick<MappingUseCases, 'getVersion' | 'publish'>
  readonly sampleLinks: SampleLinks
}

export interface DraftCheck {
  readonly issues: readonly CheckIssue[]
  readonly publishable: boolean
}

export type MappingReleaseUseCases = ReturnType<typeof createMappingReleaseUseCases>

/** Checks that ask the CRM, and the publications that depend on them. No transaction is open during a call. */
export function createMappingReleaseUseCases(deps: MappingReleaseDeps) {
  const { database, crm, entities, mappings } = deps

  /** Both sides' word on a document, as it would stand in the place of what is published. */
  async function check(
    actor: Actor,
    connectionId: ConnectionId,
    document: MappingDocument,
    signal: AbortSignal,
  ): Promise<{ readonly issues: readonly CheckIssue[]; readonly publishedId: string | null }> {
    const described = await crm.describe(actor, connectionId, document.object, signal)
    return database.transact(actor, async (tx) => {
      const connection = await getConnection(tx, connectionId)
      const published = await findPublished(tx, connectionId, document.entity)
      const links = await deps.sampleLinks(tx, connectionId, document.entity, { limit: 1 })
      const issues = [
        ...checkOurSide(document, entities),
        ...checkTheirSide(document, described, connection),
        ...checkSuccession(published?.document ?? null, document, links.length > 0),
      ]
      return { issues, publishedId: published?.id ?? null }
    })
  }

  function assertEntity(entity: string): void {
    if (!entities.has(entity)) throw new NotFound(`The synced entity ${entity}`)
  }

  return {
    /** @throws Refused `no_object` when the CRM has none of that name, or hides it from our user */
    async describeObject(
      actor: Actor,
      connectionId: ConnectionId,
      object: string,
      signal: AbortSignal,
    ): Promise<readonly RemoteField[]> {
      const fields = await crm.describe(actor, connectionId, object, signal)
      if (fields) return fields
      throw new Refused('no_object', `There is no object ${object} in the CRM, or our user may not see it`)
    },

    async checkDraft(
      actor: Actor,
      connectionId: ConnectionId,
      entity: string,
      signal: AbortSignal,
    ): Promise<DraftCheck> {
      assertEntity(entity)
      const draft = await database.transact(actor, (tx) => draftOrThrow(tx, connectionId, entity))
      const { issues } = await check(actor, connectionId, draft.document, signal)
      return { issues, publishable: isPublishable(issues) }
    },

    /** Publishes the draft after both sides' checks, made now. @throws Refused with the issues · Stale */
    async publishDraft(
      actor: Actor,
      connectionId: ConnectionId,
      entity: string,
      { note, expectedRevision }: { readonly note: string; readonly expectedRevision: number | null },
      signal: AbortSignal,
    ): Promise<MappingVersion> {
      assertEntity(entity)
      const draft = await database.transact(actor, async (tx) => {
        const found = await draftOrThrow(tx, connectionId, entity)
        assertRevision(found, expectedRevision)
        const published = await findPublished(tx, connectionId, entity)
        assertUpToDate(found, published)
        return found
      })
      const { issues, publishedId } = await check(actor, connectionId, draft.document, signal)
      assertPublishable(issues)
      const { document, basedOn } = draft
      return database.transact(actor, (tx) =>
        mappings.publish(tx, actor, connectionId, { document, basedOn, note }, { draft, publishedId }),
      )
    },

    /** Publishes an old document anew, as the next version, after the same checks. */
    async rollBack(
      actor: Actor,
      connectionId: ConnectionId,
      entity: string,
      { version, note }: { readonly version: number; readonly note: string },
      signal: AbortSignal,
    ): Promise<MappingVersion> {
      const { state, document } = await database.transact(actor, (tx) =>
        mappings.getVersion(tx, connectionId, entity, version),
      )
      if (state === 'published') {
        throw new Refused('already_published', `Version ${version} is the one that is published`)
      }
      const { issues, publishedId } = await check(actor, connectionId, document, signal)
      assertPublishable(issues)
      const next = { document, basedOn: version, note }
      return database.transact(actor, (tx) =>
        mappings.publish(tx, actor, connectionId, next, { draft: null, publishedId }),
      )
    },
  }
}

function assertUpToDate({ basedOn }: MappingDraft, published: MappingVersion | null): void {
  if (basedOn === null || !published || published.version === basedOn) return
  throw new Refused(
    'draft_outdated',
    `The draft was made from version ${basedOn}, but ${published.version} is published by now. Look at the difference, then save the draft with basedOn ${published.version}.`,
  )
}
