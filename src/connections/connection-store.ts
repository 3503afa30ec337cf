import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import type { Connection, ConnectionSettings, Standing, Usage } from './connection.ts'

interface Row extends Omit<Connection, 'usage'> {
  readonly callsUsed: number | null
  readonly callsLimit: number | null
  readonly usageAt: Date | null
}

const columns = sql`id, name, vendor, credentials_revision, status, paused_until, pause_reason, organisation_id,
  remote_user_id, instance_url, multi_currency, home_currency, time_zone, poll_seconds, calls_used, calls_limit, usage_at,
  calls_per_day, call_share, revision, created_at`

function toConnection({ callsUsed, callsLimit, usageAt, ...row }: Row): Connection {
  const stated = callsUsed !== null && callsLimit !== null && usageAt !== null
  return { ...row, usage: stated ? { used: callsUsed, limit: callsLimit, at: usageAt } : null }
}

async function select(tx: Tx, condition: RawBuilder<unknown>): Promise<readonly Connection[]> {
  const { rows } = await sql<Row>`select ${columns} from connection ${condition}`.execute(tx)
  return rows.map(toConnection)
}

export const listConnections = (tx: Tx) => select(tx, sql`order by lower(name)`)

/** The oldest connection, unless the expression says another; null while there is none. */
export async function oldestConnection(
  tx: Tx,
  preferred: RawBuilder<ConnectionId | null> = sql`null::uuid`,
): Promise<ConnectionId | null> {
  const { rows } = await sql<{ id: ConnectionId | null }>`
    select coalesce(${preferred}, (select id from connection order by created_at limit 1)) as id`.execute(tx)
  return rows[0]?.id ?? null
}

export async function findConnection(tx: Tx, id: ConnectionId): Promise<Connection | null> {
  const [found] = await select(tx, sql`where id = ${id}`)
  return found ?? null
}

/** Serialises changes of one connection; rows that refer to it may still be added meanwhile. */
export async function lockConnection(tx: Tx, id: ConnectionId): Promise<Connection | null> {
  const [found] = await select(tx, sql`where id = ${id} for no key update`)
  return found ?? null
}

/** Those that may work now, by the database's clock. */
export const workingConnections = (tx: Tx) =>
  select(
    tx,
    sql`where status = 'active' or (status = 'paused' and paused_until <= clock_timestamp()) order by id`,
  )

export async function insertConnection(
  tx: Tx,
  connection: {
    readonly id: ConnectionId
    readonly vendor: string
    readonly sealed: string
    readonly settings: Required<ConnectionSettings>
    readonly standing: Standing
  },
): Promise<void> {
  const { id, vendor, sealed, settings, standing } = connection
  await sql`
    insert into connection (id, name, vendor, poll_seconds, time_zone, home_currency, calls_per_day, call_share, secrets, status, paused_until,
      pause_reason)
    values (${id}, ${settings.name}, ${vendor}, ${settings.pollSeconds}, ${settings.timeZone}, ${settings.homeCurrency},
      ${settings.callsPerDay}, ${settings.callShare}, ${sealed}, ${standing.status}, ${standing.pausedUntil}, ${standing.pauseReason})`.execute(
    tx,
  )
}

export async function updateSettings(
  tx: Tx,
  id: ConnectionId,
  settings: Required<ConnectionSettings>,
): Promise<void> {
  await sql`
    update connection set name = ${settings.name}, poll_seconds = ${settings.pollSeconds},
      time_zone = ${settings.timeZone}, home_currency = ${settings.homeCurrency},
      calls_per_day = ${settings.callsPerDay}, call_share = ${settings.callShare}, revision = revision + 1
    where id = ${id}`.execute(tx)
}

export async function replaceSecrets(tx: Tx, id: ConnectionId, sealed: string): Promise<void> {
  await sql`
    update connection
    set secrets = ${sealed}, credentials_revision = credentials_revision + 1, revision = revision + 1
    where id = ${id}`.execute(tx)
}

export async function updateStanding(tx: Tx, id: ConnectionId, standing: Standing): Promise<void> {
  await sql`
    update connection set status = ${standing.status}, paused_until = ${standing.pausedUntil},
      pause_reason = ${standing.pauseReason}
    where id = ${id}`.execute(tx)
}

export interface Identity {
  readonly organisationId: string | null
  readonly remoteUserId: string | null
  readonly instanceUrl: string | null
  readonly multiCurrency: boolean
  readonly homeCurrency: string | null
}

export async function updateIdentity(tx: Tx, id: ConnectionId, identity: Identity): Promise<void> {
  await sql`
    update connection set organisation_id = ${identity.organisationId}, remote_user_id = ${identity.remoteUserId},
      instance_url = ${identity.instanceUrl}, multi_currency = ${identity.multiCurrency},
      home_currency = ${identity.homeCurrency}
    where id = ${id}`.execute(tx)
}

/** What the CRM last said of its own count of calls; an older word does not replace a newer one. */
export async function updateUsage(tx: Tx, id: ConnectionId, usage: Usage): Promise<void> {
  await sql`
    update connection set calls_used = ${usage.used}, calls_limit = ${usage.limit}, usage_at = ${usage.at}
    where id = ${id} and (usage_at is null or usage_at <= ${usage.at})`.execute(tx)
}

export interface SealedSecrets {
  readonly id: ConnectionId
  readonly sealed: string
  readonly credentialsRevision: number
}

export async function readSecrets(tx: Tx, id: ConnectionId): Promise<SealedSecrets | null> {
  const { rows } = await sql<SealedSecrets>`
    select id, secrets as sealed, credentials_revision from connection where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

export async function readAllSecrets(tx: Tx): Promise<readonly SealedSecrets[]> {
  const { rows } = await sql<SealedSecrets>`
    select id, secrets as sealed, credentials_revision from connection order by id for no key update`.execute(
    tx,
  )
  return rows
}

/** The same credentials in another envelope: their revision stays. */
export async function resealSecret(tx: Tx, id: ConnectionId, sealed: string): Promise<void> {
  await sql`update connection set secrets = ${sealed} where id = ${id}`.execute(tx)
}
