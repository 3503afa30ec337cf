import { sql } from 'kysely'
import type { Tx } from '#src/database/database.ts'
import { allOf, asked, type Keyed, keyset, type Position } from '#src/database/keyset.ts'
import type { Delivery, Endpoint, EndpointInput, Message } from './webhook.ts'

const endpointColumns = sql`
  id, name, url, kinds, enabled, disabled_reason, failing_since, revision, created_at`

export async function listEndpoints(tx: Tx): Promise<readonly Endpoint[]> {
  const { rows } = await sql<Endpoint>`
    select ${endpointColumns} from webhook_endpoint order by lower(name)`.execute(tx)
  return rows
}

export async function lockEndpoint(tx: Tx, id: string): Promise<Endpoint | undefined> {
  const { rows } = await sql<Endpoint>`
    select ${endpointColumns} from webhook_endpoint where id = ${id} for no key update`.execute(tx)
  return rows[0]
}

export async function insertEndpoint(
  tx: Tx,
  { id, name, url, kinds }: EndpointInput & Pick<Endpoint, 'id'>,
  sealed: string,
): Promise<void> {
  await sql`
    insert into webhook_endpoint (id, name, url, kinds, secret)
    values (${id}, ${name}, ${url}, ${kinds}::text[], ${sealed})`.execute(tx)
}

/** Being switched on again forgives what failed before. */
export async function updateEndpoint(
  tx: Tx,
  { id, name, url, kinds, enabled, disabledReason, failingSince }: Endpoint,
): Promise<void> {
  await sql`
    update webhook_endpoint
    set name = ${name}, url = ${url}, kinds = ${kinds}::text[], enabled = ${enabled},
      disabled_reason = ${disabledReason}, failing_since = ${failingSince}, revision = revision + 1
    where id = ${id}`.execute(tx)
}

/** The secret that was in use signs on for a while. */
export async function replaceSecret(tx: Tx, id: string, sealed: string, overlapMs: number): Promise<void> {
  await sql`
    update webhook_endpoint
    set previous_secret = secret, previous_until = clock_timestamp() + ${overlapMs} * interval '1 millisecond',
      secret = ${sealed}, revision = revision + 1
    where id = ${id}`.execute(tx)
}

export interface SealedSecrets {
  readonly id: string
  readonly secret: string
  readonly previousSecret: string | null
}

export async function readSealedSecrets(tx: Tx): Promise<readonly SealedSecrets[]> {
  const { rows } = await sql<SealedSecrets>`
    select id, secret, case when previous_until > clock_timestamp() then previous_secret end as previous_secret
    from webhook_endpoint for no key update`.execute(tx)
  return rows
}

export async function resealSecrets(tx: Tx, { id, secret, previousSecret }: SealedSecrets): Promise<void> {
  await sql`
    update webhook_endpoint set secret = ${secret}, previous_secret = ${previousSecret} where id = ${id}`.execute(
    tx,
  )
}

export async function deleteEndpoint(tx: Tx, id: string): Promise<void> {
  await sql`delete from webhook_delivery where endpoint_id = ${id}`.execute(tx)
  await sql`delete from webhook_endpoint where id = ${id}`.execute(tx)
}

/** Each message for each endpoint that is on and wants its kind, in one statement. */
export async function insertDeliveries(
  tx: Tx,
  deliveries: readonly (Message & { readonly endpointId: string })[],
): Promise<void> {
  await sql`
    insert into webhook_delivery (id, endpoint_id, kind, payload)
    select "id", "endpointId", "kind", "payload"
    from jsonb_to_recordset(${JSON.stringify(deliveries)}::jsonb)
      as row ("id" uuid, "endpointId" uuid, "kind" text, "payload" text)`.execute(tx)
}

export interface DueDelivery extends Message {
  readonly endpointId: string
  readonly attempts: number
  readonly url: string
  readonly secret: string
  readonly previousSecret: string | null
}

/** Takes due deliveries: nobody else gets them before the lease ends; each taking is an attempt. The database's clock. */
export async function takeDue(tx: Tx, limit: number, leaseMs: number): Promise<readonly DueDelivery[]> {
  const { rows } = await sql<DueDelivery>`
    with due as (
      select delivery.id from webhook_delivery as delivery
      join webhook_endpoint as endpoint on endpoint.id = delivery.endpoint_id and endpoint.enabled
      where delivery.state = 'pending' and delivery.due_at <= clock_timestamp()
      order by delivery.due_at, delivery.id limit ${limit} for update of delivery skip locked
    )
    update webhook_delivery as delivery
    set attempts = attempts + 1, due_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
    from webhook_endpoint as endpoint
    where delivery.id in (select id from due) and endpoint.id = delivery.endpoint_id
    returning delivery.id, delivery.endpoint_id, delivery.kind, delivery.payload, delivery.attempts, endpoint.url,
      endpoint.secret,
      case when endpoint.previous_until > clock_timestamp() then endpoint.previous_secret end as previous_secret`.execute(
    tx,
  )
  return rows
}

export interface Settlement {
  readonly id: string
  readonly endpointId: string
  readonly attempts: number
  readonly state: Delivery['state']
  readonly status: number | null
  readonly error: string | null
  /** Until the next attempt of one that is still pending. */
  readonly delayMs: number
}

/** Records what became of deliveries that are still ours, and since when an endpoint gets nothing. */
export async function settle(tx: Tx, settlements: readonly Settlement[]): Promise<void> {
  await sql`
    with told as (
      select * from jsonb_to_recordset(${JSON.stringify(settlements)}::jsonb)
        as row ("id" uuid, "endpointId" uuid, "attempts" integer, "state" text, "status" integer, "error" text, "delayMs" bigint)
    ), settled as (
      update webhook_delivery as delivery
      set state = told.state, last_status = told.status, last_error = told.error,
        delivered_at = case when told.state = 'delivered' then clock_timestamp() end,
        due_at = clock_timestamp() + told."delayMs" * interval '1 millisecond'
      from told
      where delivery.id = told.id and delivery.attempts = told.attempts and delivery.state = 'pending'
    )
    update webhook_endpoint as endpoint
    set failing_since = case when heard.arrived then null else coalesce(failing_since, clock_timestamp()) end
    from (select "endpointId" as id, bool_or(state = 'delivered') as arrived from told group by 1) as heard
    where endpoint.id = heard.id and (heard.arrived is distinct from (failing_since is null))`.execute(tx)
}

/** Endpoints that are on although nothing arrived for so long. */
export async function failingEndpoints(tx: Tx, forMs: number): Promise<readonly Endpoint[]> {
  const { rows } = await sql<Endpoint>`
    select ${endpointColumns} from webhook_endpoint
    where enabled and failing_since < clock_timestamp() - ${forMs} * interval '1 millisecond'
    for no key update`.execute(tx)
  return rows
}

export interface DeliveryFilter {
  readonly endpointId?: string | undefined
  readonly state?: Delivery['state'] | undefined
  readonly kind?: string | undefined
}
export const deliverySorts = ['createdAt', '-createdAt'] as const
export type DeliverySort = (typeof deliverySorts)[number]

export async function listDeliveries(
  tx: Tx,
  filter: DeliveryFilter,
  position: Position<DeliverySort>,
): Promise<readonly (Delivery & Keyed)[]> {
  const { key, follows, tail } = keyset({ createdAt: 'creation' }, position)
  const matching = allOf(
    follows,
    asked(filter.endpointId, (id) => sql`endpoint_id = ${id}`),
    asked(filter.state, (state) => sql`state = ${state}`),
    asked(filter.kind, (kind) => sql`kind = ${kind}`),
  )
  const { rows } = await sql<Delivery & Keyed>`
    select id, endpoint_id, kind, state, attempts, due_at, last_status, last_error, delivered_at, created_at,
      ${key} as sort_key
    from webhook_delivery where ${matching}
    ${tail}`.execute(tx)
  return rows
}

/** Failed ones get their attempts back. @returns those of the ids that had failed */
export async function replayDeliveries(tx: Tx, ids: readonly string[]): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    update webhook_delivery set state = 'pending', attempts = 0, due_at = clock_timestamp()
    where id = any(${ids}::uuid[]) and state = 'failed' returning id`.execute(tx)
  return rows.map(({ id }) => id)
}

/** @returns how many were dropped, at most `limit` */
export async function dropOldDeliveries(tx: Tx, keptDays: number, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from webhook_delivery where id in (
      select id from webhook_delivery
      where state <> 'pending' and created_at < clock_timestamp() - ${keptDays} * interval '1 day' limit ${limit})`.execute(
    tx,
  )
  return Number(numAffectedRows ?? 0)
}
