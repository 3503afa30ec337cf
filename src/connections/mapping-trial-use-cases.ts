import type { RemoteRecord } from '#connectors/connector.ts'
import { compileMapping, type Mapping, remoteFieldsOf } from '#mappings/apply.ts'
import type { CheckIssue } from '#mappings/check-catalogue.ts'
import type { Database, Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound } from '#src/kernel/errors.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { LocalRecord, SyncedEntity } from '#src/kernel/synced-entity.ts'
import type { Connection } from './connection.ts'
import { type CrmAccess, getConnection } from './crm-access.ts'
import { checkOurSide, checkSuccession, checkTheirSide } from './mapping-release.ts'
import { findPublished } from './mapping-store.ts'
import { type FieldTrial, tryMappings } from './mapping-trial.ts'
import { draftOrThrow } from './mapping-use-cases.ts'
import { collectReferences, mappingContext, type ReferencePairs, type References } from './references.ts'

export interface LinkedPair {
  readonly recordId: string
  readonly remoteId: string
}

/** Active links, newest first; of these records if `ids` is given. */
export type SampleLinks = (
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  options: { readonly limit: number; readonly ids?: readonly string[] },
) => Promise<readonly LinkedPair[]>

export type ReferenceLookup = (
  tx: Tx,
  connectionId: ConnectionId,
  pairs: ReferencePairs,
) => Promise<References>

export interface MappingTrialDeps {
  readonly database: Database
  readonly crm: CrmAccess
  readonly entities: ReadonlyMap<string, SyncedEntity<Tx>>
  readonly sampleLinks: SampleLinks
  readonly referenceLookup: ReferenceLookup
}

export interface RecordTrial extends LinkedPair {
  /** Not there any more: nothing is tried. */
  readonly missing: 'here' | 'there' | null
  readonly fields: readonly FieldTrial[]
}

export interface DraftTrial {
  readonly issues: readonly CheckIssue[]
  readonly records: readonly RecordTrial[]
}

export const mostTriedRecords = 20

export type MappingTrialUseCases = ReturnType<typeof createMappingTrialUseCases>

/** Tries a draft on records that are linked already. Nothing is written on either side. */
export function createMappingTrialUseCases(deps: MappingTrialDeps) {
  const { database, crm, entities } = deps

  /** Everything of ours that a trial looks at, as it is after the CRM described the object. */
  const gather = (actor: Actor, connectionId: ConnectionId, source: SyncedEntity<Tx>, choice: TrialChoice) =>
    database.transact(actor, async (tx) => {
      const links = await deps.sampleLinks(tx, connectionId, source.name, {
        limit: Math.min(choice.limit, mostTriedRecords),
        ...(choice.ids ? { ids: choice.ids } : {}),
      })
      const ids = links.map(({ recordId }) => recordId)
      return {
        links,
        connection: await getConnection(tx, connectionId),
        published: await findPublished(tx, connectionId, source.name),
        locals: await source.load(tx, ids),
      }
    })

  return {
    /** What the published mapping and the draft make of linked records: those named, or the newest. */
    async tryDraft(
      actor: Actor,
      connectionId: ConnectionId,
      entity: string,
      choice: TrialChoice,
      signal: AbortSignal,
    ): Promise<DraftTrial> {
      const source = entities.get(entity)
      if (!source) throw new NotFound(`The synced entity ${entity}`)
      const { document } = await database.transact(actor, (tx) => draftOrThrow(tx, connectionId, entity))
      const { object } = document
      const described = await crm.describe(actor, connectionId, object, signal)
      const { links, connection, published, locals } = await gather(actor, connectionId, source, choice)
      const issues = [
        ...checkOurSide(document, entities),
        ...checkTheirSide(document, described, connection),
        ...checkSuccession(published?.document ?? null, document, links.length > 0),
      ]
      const isSameObject = !published || published.document.object === object
      if (!described || !isSameObject || links.length === 0) return { issues, records: [] }

      const versions = {
        before: published ? compileMapping(published.document) : null,
        after: compileMapping(document),
      }
      const mappings = versions.before ? [versions.before, versions.after] : [versions.after]
      const known = new Set(described.map(({ name }) => name))
      const fields = new Set(mappings.flatMap((mapping) => remoteFieldsOf(mapping, connection)))
      const found = await crm.read(
        actor,
        connectionId,
        {
          object,
          ids: links.map(({ remoteId }) => remoteId),
          fields: [...fields].filter((name) => known.has(name)),
        },
        signal,
      )
      const pairs = links.map((link, index) => ({
        ...link,
        here: locals.get(link.recordId) ?? null,
        there: found[index] ?? null,
      }))
      const complete = pairs.flatMap(({ here, there }) => (here && there ? [{ here, there }] : []))
      const references = await database.transact(actor, (tx) =>
        deps.referenceLookup(tx, connectionId, collectReferences(mappings, complete)),
      )
      return { issues, records: pairs.map((pair) => tryRecord(connection, versions, pair, references)) }
    },
  }
}

export interface TrialChoice {
  readonly limit: number
  /** Records of ours. */
  readonly ids?: readonly string[] | undefined
}

function tryRecord(
  connection: Connection,
  { before, after }: { readonly before: Mapping | null; readonly after: Mapping },
  pair: LinkedPair & { readonly here: LocalRecord | null; readonly there: RemoteRecord | null },
  references: References,
): RecordTrial {
  const { recordId, remoteId, here, there } = pair
  if (!here || !there) return { recordId, remoteId, missing: here ? 'there' : 'here', fields: [] }
  const fields = tryMappings(before, after, here, there, mappingContext(connection, references))
  return { recordId, remoteId, missing: null, fields }
}
