import type { CheckIssue } from '#mappings/check-catalogue.ts'
import { type DocumentChange, diffDocuments } from '#mappings/diff.ts'
import type { MappingDocument } from '#mappings/document.ts'
import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { InvalidInput, NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { SyncedEntity } from '#src/kernel/synced-entity.ts'
import { lockOrThrow } from './connection-standing-use-cases.ts'
import { findConnection } from './connection-store.ts'
import { type MappingPause, readPauses } from './mapping-pause-store.ts'
import { checkOurSide, type MappingDraft, type MappingVersion } from './mapping-release.ts'
import {
  deleteDraft,
  findDraft,
  findPublished,
  findVersion,
  insertPublished,
  listVersions,
  type NewVersion,
  readDrafts,
  readPublished,
  writeDraft,
} from './mapping-store.ts'
import { deleteQuarantine, type QuarantinedField, quarantinedFields } from './quarantine-store.ts'

export interface MappingDeps {
  readonly entities: ReadonlyMap<string, SyncedEntity<Tx>>
  /** Marks what is linked, so that values catch up with a new version. In the transaction that publishes. */
  onPublished(tx: Tx, connectionId: ConnectionId, entity: string): Promise<void>
}

export interface EntityMapping {
  readonly entity: string
  readonly published: MappingVersion | null
  readonly draft: (MappingDraft & { readonly issues: readonly CheckIssue[] }) | null
  readonly paused: MappingPause | null
  readonly quarantined: readonly QuarantinedField[]
}

/** What the sync engine works with. */
export interface PublishedMapping {
  readonly entity: string
  readonly versionId: string
  readonly version: number
  readonly document: MappingDocument
}

export async function publishedMappings(
  tx: Tx,
  connectionId: ConnectionId,
): Promise<readonly PublishedMapping[]> {
  const versions = await readPublished(tx, connectionId)
  return versions.map(({ id, entity, version, document }) => ({ entity, versionId: id, version, document }))
}

export type MappingUseCases = ReturnType<typeof createMappingUseCases>

/** Mappings of a connection: drafts, versions, and putting one in force. Checking against a CRM happens elsewhere. */
export function createMappingUseCases({ entities, onPublished }: MappingDeps) {
  const checked = (draft: MappingDraft) => ({ ...draft, issues: checkOurSide(draft.document, entities) })

  async function assertKnown(tx: Tx, connectionId: ConnectionId, entity?: string): Promise<void> {
    if (!(await findConnection(tx, connectionId))) throw new NotFound('The connection')
    if (entity !== undefined && !entities.has(entity)) throw new NotFound(`The synced entity ${entity}`)
  }

  async function getVersion(
    tx: Tx,
    connectionId: ConnectionId,
    entity: string,
    version: number,
  ): Promise<MappingVersion> {
    await assertKnown(tx, connectionId, entity)
    const found = await findVersion(tx, connectionId, entity, version)
    if (!found) throw new NotFound(`Version ${version} of the mapping`)
    return found
  }

  return {
    getVersion,

    async listMappings(tx: Tx, connectionId: ConnectionId): Promise<readonly EntityMapping[]> {
      await assertKnown(tx, connectionId)
      const published = await readPublished(tx, connectionId)
      const drafts = await readDrafts(tx, connectionId)
      const quarantined = await quarantinedFields(tx, connectionId)
      const pauses = await readPauses(tx, connectionId)
      return [...entities.keys()].map((entity) => {
        const draft = drafts.find((one) => one.entity === entity)
        return {
          entity,
          published: published.find((version) => version.entity === entity) ?? null,
          draft: draft ? checked(draft) : null,
          paused: pauses.find((pause) => pause.entity === entity) ?? null,
          quarantined: quarantined.filter((field) => field.entity === entity),
        }
      })
    },

    /** Newest first; one row more than `limit` says that there are more. */
    async listVersions(
      tx: Tx,
      connectionId: ConnectionId,
      entity: string,
      page: { readonly before: number | null; readonly limit: number },
    ): Promise<readonly MappingVersion[]> {
      await assertKnown(tx, connectionId, entity)
      return listVersions(tx, connectionId, entity, page)
    },

    async diff(
      tx: Tx,
      connectionId: ConnectionId,
      entity: string,
      { from, to }: { readonly from: number; readonly to: number | 'draft' },
    ): Promise<readonly DocumentChange[]> {
      const before = await getVersion(tx, connectionId, entity, from)
      const after =
        to === 'draft'
          ? await draftOrThrow(tx, connectionId, entity)
          : await getVersion(tx, connectionId, entity, to)
      return diffDocuments(before.document, after.document)
    },

    /**
     * Keeps a draft, errors and all; they come back with it.
     * @param input.basedOn the published version that the draft was made from; as before, or the present one, if absent
     */
    async saveDraft(
      tx: Tx,
      actor: Actor,
      connectionId: ConnectionId,
      entity: string,
      input: { readonly document: MappingDocument; readonly basedOn?: number | null | undefined },
      expectedRevision: number | null,
    ): Promise<MappingDraft & { readonly issues: readonly CheckIssue[] }> {
      await assertKnown(tx, connectionId, entity)
      const { document } = input
      if (document.entity !== entity) {
        throw new InvalidInput('The document is of another entity', [
          { path: '/body/document/entity', code: 'wrong_entity', message: `must be "${entity}"` },
        ])
      }
      await lockOrThrow(tx, connectionId)
      const draft = await findDraft(tx, connectionId, entity)
      assertRevision(draft, expectedRevision)
      const published = await findPublished(tx, connectionId, entity)
      const before = draft?.document ?? published?.document
      const basedOn = input.basedOn ?? (draft ? draft.basedOn : (published?.version ?? null))
      await writeDraft(tx, connectionId, { document, basedOn, by: actor.name })
      const saved = await draftOrThrow(tx, connectionId, entity)
      await recordAudit(tx, actor, [
        {
          action: 'mapping.draft_saved',
          subject: { kind: 'connection', id: connectionId },
          after: {
            entity,
            revision: saved.revision,
            changes: before ? diffDocuments(before, document) : null,
          },
        },
      ])
      return checked(saved)
    },

    async discardDraft(
      tx: Tx,
      actor: Actor,
      connectionId: ConnectionId,
      entity: string,
      expectedRevision: number | null,
    ): Promise<void> {
      await assertKnown(tx, connectionId, entity)
      await lockOrThrow(tx, connectionId)
      const draft = await draftOrThrow(tx, connectionId, entity)
      assertRevision(draft, expectedRevision)
      await deleteDraft(tx, draft.id)
      await recordAudit(tx, actor, [
        {
          action: 'mapping.draft_discarded',
          subject: { kind: 'connection', id: connectionId },
          before: { entity, document: draft.document },
        },
      ])
    },

    /**
     * Puts a checked document in force.
     * @param expected what the caller checked: the draft by revision, or for a rollback no draft; and the published
     *   version that it compared with
     * @throws Stale when the draft or the published version is another one by now
     */
    async publish(
      tx: Tx,
      actor: Actor,
      connectionId: ConnectionId,
      next: Pick<NewVersion, 'document' | 'basedOn'> & { readonly note: string },
      expected: {
        readonly draft: Pick<MappingDraft, 'id' | 'revision'> | null
        readonly publishedId: string | null
      },
    ): Promise<MappingVersion> {
      const { entity } = next.document
      await lockOrThrow(tx, connectionId)
      const published = await findPublished(tx, connectionId, entity)
      if ((published?.id ?? null) !== expected.publishedId) {
        throw new Stale('Another version was published while this one was being checked')
      }
      if (expected.draft) {
        const draft = await findDraft(tx, connectionId, entity)
        if (draft?.id !== expected.draft.id || draft.revision !== expected.draft.revision) {
          throw new Stale('The draft changed while it was being checked')
        }
        await deleteDraft(tx, draft.id)
      }
      const version = await insertPublished(tx, connectionId, { ...next, by: actor.name })
      const resting = (await quarantinedFields(tx, connectionId)).filter((field) => field.entity === entity)
      const released = await deleteQuarantine(
        tx,
        connectionId,
        entity,
        resting.map(({ remoteField }) => remoteField),
      )
      await recordAudit(tx, actor, [
        {
          action: expected.draft ? 'mapping.published' : 'mapping.rolled_back',
          subject: { kind: 'connection', id: connectionId },
          before: { entity, version: published?.version ?? null },
          after: {
            entity,
            version: version.version,
            basedOn: next.basedOn,
            changes: published ? diffDocuments(published.document, next.document) : null,
            released,
          },
          reason: next.note,
        },
      ])
      await onPublished(tx, connectionId, entity)
      return version
    },
  }
}

/** @throws Refused `no_draft` */
export async function draftOrThrow(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
): Promise<MappingDraft> {
  const draft = await findDraft(tx, connectionId, entity)
  if (!draft) throw new Refused('no_draft', `There is no draft of the mapping of ${entity}`)
  return draft
}

export function assertRevision(draft: MappingDraft | null, expected: number | null): void {
  if (expected !== null && draft?.revision !== expected) throw new Stale()
}
