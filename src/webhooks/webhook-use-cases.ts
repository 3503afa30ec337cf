import { recordAudit } from '#src/database/audit.ts'
import { asSystem, type Tx } from '#src/database/database.ts'
import type { Position } from '#src/database/keyset.ts'
import { refuseTaken } from '#src/database/uniqueness.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import type { EventBus, EventOf } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { newSecret } from './signature.ts'
import {
  composeMessage,
  type Endpoint,
  type EndpointInput,
  type EndpointPatch,
  givenUpAfterMs,
  secretOverlapMs,
} from './webhook.ts'
import {
  type DeliveryFilter,
  type DeliverySort,
  deleteEndpoint,
  dropOldDeliveries,
  failingEndpoints,
  insertDeliveries,
  insertEndpoint,
  listDeliveries,
  listEndpoints,
  lockEndpoint,
  readSealedSecrets,
  replaceSecret,
  replayDeliveries,
  resealSecrets,
  updateEndpoint,
} from './webhook-store.ts'

/** Keeps secrets that may never leave the service again, each for its owner. */
export interface Secrets {
  seal(owner: string, secret: unknown): Promise<string>
  open(owner: string, sealed: string): Promise<unknown>
  isCurrent(sealed: string): boolean
}

export interface WebhookDeps {
  readonly clock: Clock
  readonly secrets: Secrets
  readonly events: EventBus<Tx>
}

export type WebhookUseCases = ReturnType<typeof createWebhookUseCases>

const keptDays = 30
const subjectOf = (id: string) => ({ kind: 'webhook_endpoint', id })
const nameTaken = refuseTaken(
  'webhook_endpoint_name',
  new Refused('name_taken', 'Another webhook endpoint has this name'),
)

export function createWebhookUseCases({ clock, secrets, events }: WebhookDeps) {
  async function lock(tx: Tx, id: string, expected: number | null): Promise<Endpoint> {
    const endpoint = await lockEndpoint(tx, id)
    if (!endpoint) throw new NotFound('The webhook endpoint')
    if (expected !== null && endpoint.revision !== expected) throw new Stale()
    return endpoint
  }

  async function reread(tx: Tx, id: string): Promise<Endpoint> {
    return lock(tx, id, null)
  }

  return {
    listEndpoints,

    /** The secret is told this once. */
    async createEndpoint(tx: Tx, actor: Actor, input: EndpointInput) {
      const id = newId()
      const secret = newSecret()
      await insertEndpoint(tx, { id, ...input }, await secrets.seal(id, secret)).catch(nameTaken)
      const after = await reread(tx, id)
      await recordAudit(tx, actor, [{ action: 'webhook_endpoint.created', subject: subjectOf(id), after }])
      return { ...after, secret }
    },

    async changeEndpoint(
      tx: Tx,
      actor: Actor,
      id: string,
      patch: EndpointPatch,
      expectedRevision: number | null,
    ): Promise<Endpoint> {
      const before = await lock(tx, id, expectedRevision)
      const { enabled = before.enabled, name = before.name, url = before.url, kinds = before.kinds } = patch
      const standing = patch.enabled === undefined ? {} : { disabledReason: null, failingSince: null }
      await updateEndpoint(tx, { ...before, ...standing, name, url, kinds, enabled }).catch(nameTaken)
      const after = await reread(tx, id)
      await recordAudit(tx, actor, [
        { action: 'webhook_endpoint.changed', subject: subjectOf(id), before, after },
      ])
      return after
    },

    /** A new secret, told this once; the old one signs too for a day. */
    async rotateSecret(tx: Tx, actor: Actor, id: string) {
      await lock(tx, id, null)
      const secret = newSecret()
      await replaceSecret(tx, id, await secrets.seal(id, secret), secretOverlapMs)
      await recordAudit(tx, actor, [
        { action: 'webhook_endpoint.secret_replaced', subject: subjectOf(id), after: { secret: 'replaced' } },
      ])
      return { ...(await reread(tx, id)), secret }
    },

    async removeEndpoint(tx: Tx, actor: Actor, id: string): Promise<void> {
      const before = await lock(tx, id, null)
      await deleteEndpoint(tx, id)
      await recordAudit(tx, actor, [{ action: 'webhook_endpoint.removed', subject: subjectOf(id), before }])
    },

    /** Handler of `notification` events: a delivery for each endpoint that wants the kind. */
    onNotifications: (tx: Tx, _actor: Actor, batch: readonly EventOf<'notification'>[]): Promise<void> =>
      asSystem(tx, async (inner) => {
        const endpoints = (await listEndpoints(inner)).filter(({ enabled }) => enabled)
        const now = clock.now()
        const deliveries = endpoints.flatMap(({ id, kinds }) =>
          batch
            .filter(({ kind }) => kinds.length === 0 || kinds.includes(kind))
            .map((event) => ({ ...composeMessage(event, now), endpointId: id })),
        )
        if (deliveries.length > 0) await insertDeliveries(inner, deliveries)
      }),

    listDeliveries: (tx: Tx, filter: DeliveryFilter, position: Position<DeliverySort>) =>
      listDeliveries(tx, filter, position),

    /** Tries failed deliveries anew. @returns how many of the ids had failed */
    async replay(tx: Tx, actor: Actor, ids: readonly string[]): Promise<number> {
      const replayed = await replayDeliveries(tx, ids)
      await recordAudit(
        tx,
        actor,
        replayed.map((id) => ({
          action: 'webhook_delivery.replayed',
          subject: { kind: 'webhook_delivery', id },
        })),
      )
      return replayed.length
    },

    /** Switches off what has taken nothing for days, and tells people so. @returns how many */
    async giveUpFailing(tx: Tx, actor: Actor): Promise<number> {
      const failing = await failingEndpoints(tx, givenUpAfterMs)
      const disabledReason = 'Nothing arrived for five days'
      for (const endpoint of failing)
        await updateEndpoint(tx, { ...endpoint, enabled: false, disabledReason })
      await recordAudit(
        tx,
        actor,
        failing.map(({ id }) => ({
          action: 'webhook_endpoint.given_up',
          subject: subjectOf(id),
          reason: disabledReason,
        })),
      )
      await events.publish(
        tx,
        actor,
        failing.map(({ id, name }) => ({
          type: 'notification',
          kind: 'webhook_given_up',
          partnerId: null,
          subject: subjectOf(id),
          data: { name },
        })),
      )
      return failing.length
    },

    /** Seals anew what an older key sealed. @throws what the seals throw when no key opens one */
    async resealSecrets(tx: Tx): Promise<void> {
      const anew = async (id: string, sealed: string) =>
        secrets.isCurrent(sealed) ? sealed : secrets.seal(id, await secrets.open(id, sealed))
      for (const { id, secret, previousSecret } of await readSealedSecrets(tx)) {
        const previous = previousSecret === null ? null : await anew(id, previousSecret)
        await resealSecrets(tx, { id, secret: await anew(id, secret), previousSecret: previous })
      }
    },

    forgetOld: (tx: Tx, limit: number) => dropOldDeliveries(tx, keptDays, limit),
  }
}
