import { sql } from 'kysely'
import { z } from 'zod'
import type { RemoteField } from '#connectors/connector.ts'
import type { Tx } from '#src/database/database.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import type { Drift } from './drift.ts'

const fieldTypes = [
  'text',
  'number',
  'boolean',
  'date',
  'datetime',
  'choice',
  'multichoice',
  'currency',
  'reference',
  'other',
] as const

const remoteFieldSchema: z.ZodType<RemoteField> = z.object({
  name: z.string(),
  label: z.string(),
  type: z.enum(fieldTypes),
  required: z.boolean(),
  creatable: z.boolean(),
  writable: z.boolean(),
  maxLength: z.number().nullable(),
  scale: z.number().nullable(),
  choices: z.array(z.object({ value: z.string(), label: z.string(), active: z.boolean() })).nullable(),
  restrictedChoices: z.boolean(),
  references: z.array(z.string()),
  unique: z.boolean(),
  externalId: z.boolean(),
})

/** What each object looked like when it was described last. */
export async function seenSchemas(
  tx: Tx,
  connectionId: ConnectionId,
): Promise<ReadonlyMap<string, { readonly fields: readonly RemoteField[]; readonly seenAt: Date }>> {
  const { rows } = await sql<{ object: string; fields: unknown; seenAt: Date }>`
    select object, fields, seen_at from remote_schema where connection_id = ${connectionId} order by object`.execute(
    tx,
  )
  return new Map(
    rows.map(({ object, fields, seenAt }) => [
      object,
      { fields: z.array(remoteFieldSchema).parse(fields), seenAt },
    ]),
  )
}

export async function saveSchema(
  tx: Tx,
  connectionId: ConnectionId,
  object: string,
  fields: readonly RemoteField[],
): Promise<void> {
  await sql`
    insert into remote_schema (connection_id, object, fields, seen_at)
    values (${connectionId}, ${object}, ${JSON.stringify(fields)}::jsonb, clock_timestamp())
    on conflict (connection_id, object) do update set fields = excluded.fields, seen_at = excluded.seen_at`.execute(
    tx,
  )
}

export interface StoredDrift extends Drift {
  readonly id: string
  readonly mappingVersionId: string
  readonly foundAt: Date
  readonly closedAt: Date | null
}

const columns = sql`id, entity, object, remote_field, kind, effect, message, advice, details, mapping_version_id, found_at,
  closed_at`

export async function openDrift(tx: Tx, connectionId: ConnectionId): Promise<readonly StoredDrift[]> {
  const { rows } = await sql<StoredDrift>`
    select ${columns} from drift_finding
    where connection_id = ${connectionId} and closed_at is null order by id`.execute(tx)
  return rows
}

export async function insertDrift(
  tx: Tx,
  connectionId: ConnectionId,
  found: readonly (Drift & { readonly mappingVersionId: string })[],
): Promise<void> {
  if (found.length === 0) return
  const rows = found.map((drift) => ({
    id: newId(),
    entity: drift.entity,
    object: drift.object,
    remote_field: drift.remoteField,
    kind: drift.kind,
    effect: drift.effect,
    message: drift.message,
    advice: drift.advice,
    details: drift.details,
    mapping_version_id: drift.mappingVersionId,
  }))
  await sql`
    insert into drift_finding (id, connection_id, entity, object, remote_field, kind, effect, message, advice, details,
      mapping_version_id)
    select id, ${connectionId}, entity, object, remote_field, kind, effect, message, advice, details, mapping_version_id
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as row (id uuid, entity text, object text, remote_field text, kind text, effect text, message text, advice text,
              details jsonb, mapping_version_id uuid)
    on conflict (connection_id, entity, remote_field, kind) where closed_at is null do nothing`.execute(tx)
}

/** @returns how many were open */
export async function closeDrift(
  tx: Tx,
  connectionId: ConnectionId,
  ids: readonly string[],
): Promise<number> {
  if (ids.length === 0) return 0
  const { numAffectedRows } = await sql`
    update drift_finding set closed_at = clock_timestamp()
    where connection_id = ${connectionId} and id = any(${[...ids]}::uuid[]) and closed_at is null`.execute(tx)
  return Number(numAffectedRows ?? 0n)
}

const everyHours = 1

/** Of these connections, those whose set-up is to be looked at now: at times, and often while something is held. */
export async function driftDue(
  tx: Tx,
  connectionIds: readonly ConnectionId[],
): Promise<ReadonlySet<ConnectionId>> {
  const { rows } = await sql<{ id: ConnectionId }>`
    select known.id from unnest(${[...connectionIds]}::uuid[]) as known (id)
    where exists (select from creation_hold where creation_hold.connection_id = known.id)
       or not exists (select from remote_schema
                      where remote_schema.connection_id = known.id
                        and seen_at > clock_timestamp() - make_interval(hours => ${everyHours}))`.execute(tx)
  return new Set(rows.map(({ id }) => id))
}
