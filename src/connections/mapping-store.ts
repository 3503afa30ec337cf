import { type RawBuilder, sql } from 'kysely'
import { type MappingDocument, mappingDocumentSchema } from '#mappings/document.ts'
import type { Tx } from '#src/database/database.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import type { MappingDraft, MappingVersion } from './mapping-release.ts'

/** Documents are checked again as they are read: what runs the engine is never taken on trust. */
const withDocument = <Row extends { readonly document: unknown }>(row: Row) => ({
  ...row,
  document: mappingDocumentSchema.parse(row.document),
})

type Stored<T> = Omit<T, 'document'> & { readonly document: unknown }

async function selectVersions(tx: Tx, condition: RawBuilder<unknown>): Promise<readonly MappingVersion[]> {
  const { rows } = await sql<Stored<MappingVersion>>`
    select id, entity, version, state, document, based_on, note, published_by, published_at
    from mapping_version ${condition}`.execute(tx)
  return rows.map(withDocument)
}

export const readPublished = (tx: Tx, connectionId: ConnectionId) =>
  selectVersions(tx, sql`where connection_id = ${connectionId} and state = 'published' order by entity`)

export async function findPublished(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
): Promise<MappingVersion | null> {
  const [found] = await selectVersions(
    tx,
    sql`where connection_id = ${connectionId} and entity = ${entity} and state = 'published'`,
  )
  return found ?? null
}

export async function findVersion(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  version: number,
): Promise<MappingVersion | null> {
  const [found] = await selectVersions(
    tx,
    sql`where connection_id = ${connectionId} and entity = ${entity} and version = ${version}`,
  )
  return found ?? null
}

/** Newest first, those before `before`; one more than `limit`. */
export const listVersions = (
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
  { before, limit }: { readonly before: number | null; readonly limit: number },
) =>
  selectVersions(
    tx,
    sql`where connection_id = ${connectionId} and entity = ${entity} and state <> 'draft'
      and version < ${before ?? 2_147_483_647} order by version desc limit ${limit + 1}`,
  )

export async function readDrafts(tx: Tx, connectionId: ConnectionId): Promise<readonly MappingDraft[]> {
  const { rows } = await sql<Stored<MappingDraft>>`
    select id, entity, document, based_on, created_by, created_at, revision from mapping_version
    where connection_id = ${connectionId} and state = 'draft' order by entity`.execute(tx)
  return rows.map(withDocument)
}

export async function findDraft(
  tx: Tx,
  connectionId: ConnectionId,
  entity: string,
): Promise<MappingDraft | null> {
  const drafts = await readDrafts(tx, connectionId)
  return drafts.find((draft) => draft.entity === entity) ?? null
}

/** Call with the connection locked. */
export async function writeDraft(
  tx: Tx,
  connectionId: ConnectionId,
  draft: {
    readonly document: MappingDocument
    readonly basedOn: number | null
    readonly by: string
  },
): Promise<void> {
  const { document, basedOn, by } = draft
  await sql`
    insert into mapping_version as known (id, connection_id, entity, state, document, based_on, created_by)
    values (${newId()}, ${connectionId}, ${document.entity}, 'draft', ${JSON.stringify(document)}::jsonb, ${basedOn}, ${by})
    on conflict (connection_id, entity) where state = 'draft' do update
      set document = excluded.document, based_on = excluded.based_on, revision = known.revision + 1`.execute(
    tx,
  )
}

export async function deleteDraft(tx: Tx, id: string): Promise<void> {
  await sql`delete from mapping_version where id = ${id} and state = 'draft'`.execute(tx)
}

export interface NewVersion {
  readonly document: MappingDocument
  readonly basedOn: number | null
  readonly note: string | null
  readonly by: string
}

/** Puts a document in the place of the published one. Call with the connection locked. */
export async function insertPublished(
  tx: Tx,
  connectionId: ConnectionId,
  { document, basedOn, note, by }: NewVersion,
): Promise<MappingVersion> {
  const { entity } = document
  await sql`
    update mapping_version set state = 'superseded'
    where connection_id = ${connectionId} and entity = ${entity} and state = 'published'`.execute(tx)
  const id = newId()
  await sql`
    insert into mapping_version (id, connection_id, entity, version, state, document, based_on, note, created_by,
      published_by, published_at)
    select ${id}, ${connectionId}, ${entity}, coalesce(max(version), 0) + 1, 'published',
      ${JSON.stringify(document)}::jsonb, ${basedOn}, ${note}, ${by}, ${by}, clock_timestamp()
    from mapping_version where connection_id = ${connectionId} and entity = ${entity}`.execute(tx)
  const [published] = await selectVersions(tx, sql`where id = ${id}`)
  if (!published) throw new Error('The published mapping is not there')
  return published
}
