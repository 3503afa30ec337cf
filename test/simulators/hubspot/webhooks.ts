/** Webhooks: what happened piles up here, and goes out in signed batches when somebody says so. */
import { createHmac } from 'node:crypto'
import type { Random } from '#test/support/random.ts'
import type { Portal, RecordEvent } from './portal.ts'
import type { Actor, Table } from './tables.ts'

export type EventKind = RecordEvent['kind']

export interface Subscription {
  readonly id: number
  /** `deal.propertyChange`, or `object.propertyChange` with the object's type id. */
  readonly eventType: string
  readonly objectTypeId: string | null
  /** Null stands for a subscription to each property that can be written. */
  readonly propertyName: string | null
  readonly active: boolean
  readonly createdAt: string
}

export type WebhookEvent = Readonly<Record<string, unknown>>

export interface Delivery {
  /** Events that the receiver acknowledged. */
  readonly delivered: number
  /** Events that wait for another attempt. */
  readonly waiting: number
  /** Events that never arrive: thrown away on request, or after the last attempt. */
  readonly lost: number
  readonly requests: number
}

export interface DeliveryOptions {
  /** 0 to 1: that part of the events is lost on the way. */
  readonly drop?: number
  /** 0 to 1: that part of the events comes twice. */
  readonly double?: number
  readonly shuffle?: boolean
}

export interface Webhooks {
  /** Where deliveries go; null: they pile up. */
  target: string | null
  readonly subscriptions: readonly Subscription[]
  subscribe(subscription: Pick<Subscription, 'eventType'> & Partial<Subscription>): Subscription
  unsubscribe(id: number): void
  /** Events that have not gone out yet, oldest first. */
  pending(): readonly WebhookEvent[]
  /** What a receiver would be sent, signed as now. */
  sign(body: string, options?: { readonly method?: string; readonly url?: string }): Record<string, string>
  /** Sends everything that piled up; what is not acknowledged goes out again the next time, as a whole batch. */
  deliver(options?: DeliveryOptions): Promise<Delivery>
  /** Delivers every so often until the answered function is called. */
  run(everyMs: number): () => void
}

interface Noted {
  readonly event: RecordEvent
  readonly actor: Actor
  readonly at: Date
  readonly eventId: number
}

interface Batch {
  readonly events: readonly WebhookEvent[]
  readonly attempt: number
}

const maxBatch = 100
const maxAttempts = 11
const answerWithinMs = 5_000
/** So that a portal that nobody listens to may run for days. */
const maxNoted = 50_000

export const eventKinds: readonly EventKind[] = [
  'creation',
  'deletion',
  'restore',
  'merge',
  'propertyChange',
  'associationChange',
]

function describeAssociation(event: Extract<RecordEvent, { kind: 'associationChange' }>) {
  const name = (table: Table) => table.schema.singular.toUpperCase()
  return {
    associationType: `${name(event.table)}_TO_${name(event.to)}`,
    fromObjectId: Number(event.id),
    toObjectId: Number(event.toId),
    associationRemoved: event.removed,
    isPrimaryAssociation: event.primary,
  }
}

function describeEvent(event: RecordEvent, isGeneric: boolean): WebhookEvent {
  switch (event.kind) {
    case 'creation':
      return { objectId: Number(event.id), changeFlag: 'CREATED' }
    case 'deletion':
      return { objectId: Number(event.id), changeFlag: 'DELETED' }
    case 'restore':
      return { objectId: Number(event.id), changeFlag: 'RESTORED' }
    case 'propertyChange':
      return { objectId: Number(event.id), propertyName: event.property, propertyValue: event.value }
    case 'merge':
      return {
        objectId: Number(event.id),
        primaryObjectId: Number(event.primaryId),
        mergedObjectIds: event.mergedIds.map(Number),
        newObjectId: Number(event.id),
        numberOfPropertiesMoved: event.moved,
      }
    case 'associationChange':
      return {
        ...describeAssociation(event),
        ...(isGeneric
          ? {
              fromObjectTypeId: event.table.schema.typeId,
              toObjectTypeId: event.to.schema.typeId,
              associationTypeId: event.typeId,
              associationCategory: event.category,
            }
          : {}),
      }
  }
}

export function createWebhooks(
  portal: Portal,
  options: { readonly clientSecret: string; readonly target: string | null; readonly random: Random },
): Webhooks {
  const { clientSecret, random } = options
  const subscriptions: Subscription[] = []
  const noted: Noted[] = []
  let again: Batch[] = []
  let target = options.target
  let lastSubscription = 4_400_000

  const subscribe: Webhooks['subscribe'] = (given) => {
    lastSubscription += 1
    const subscription = {
      objectTypeId: null,
      propertyName: null,
      active: true,
      createdAt: portal.now().toISOString(),
      ...given,
      id: lastSubscription,
    }
    subscriptions.push(subscription)
    return subscription
  }

  function fits(subscription: Subscription, event: RecordEvent): boolean {
    const [object, kind] = subscription.eventType.split('.')
    const { schema } = event.table
    if (!subscription.active || kind !== event.kind) return false
    if (object === 'object' ? subscription.objectTypeId !== schema.typeId : object !== schema.singular)
      return false
    if (event.kind !== 'propertyChange') return true
    if (subscription.propertyName !== null) return subscription.propertyName === event.property
    return schema.properties.get(event.property)?.readOnlyValue === false
  }

  portal.listeners.push((event, actor, at) => {
    noted.push({ event, actor, at, eventId: random.whole(1, 4_000_000_000) })
    if (noted.length > maxNoted) noted.splice(0, maxNoted / 2)
  })

  function describe({ event, actor, at, eventId }: Noted): readonly WebhookEvent[] {
    return subscriptions
      .filter((subscription) => fits(subscription, event))
      .map((subscription) => {
        const isGeneric = subscription.eventType.startsWith('object.')
        return {
          eventId,
          subscriptionId: subscription.id,
          portalId: Number(portal.id),
          appId: portal.appId,
          occurredAt: at.getTime(),
          subscriptionType: subscription.eventType,
          attemptNumber: 0,
          ...describeEvent(event, isGeneric),
          ...(isGeneric && event.kind !== 'associationChange'
            ? { objectTypeId: event.table.schema.typeId }
            : {}),
          changeSource: actor.source,
          ...(actor.sourceId === null ? {} : { sourceId: actor.sourceId }),
        }
      })
  }

  for (const { schema } of portal.tables.values()) {
    for (const kind of eventKinds) subscribe({ eventType: `${schema.singular}.${kind}` })
  }

  const sign: Webhooks['sign'] = (body, { method = 'POST', url = target ?? '' } = {}) => {
    const timestamp = String(portal.now().getTime())
    const signature = createHmac('sha256', clientSecret).update(`${method}${url}${body}${timestamp}`)
    return {
      'content-type': 'application/json',
      'x-hubspot-request-timestamp': timestamp,
      'x-hubspot-signature-v3': signature.digest('base64'),
      'x-hubspot-signature-version': 'v3',
    }
  }

  async function send(url: string, batch: Batch): Promise<boolean> {
    const body = JSON.stringify(batch.events.map((event) => ({ ...event, attemptNumber: batch.attempt })))
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: sign(body, { url }),
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(answerWithinMs),
      })
      await answer.arrayBuffer()
      return answer.ok
    } catch {
      return false
    }
  }

  function takeNew({ drop = 0, double = 0, shuffle = false }: DeliveryOptions) {
    const taken = noted.splice(0).flatMap(describe)
    const kept = taken.filter(() => !random.chance(drop))
    const doubled = kept.flatMap((event) => (random.chance(double) ? [event, event] : [event]))
    const events = shuffle ? random.shuffled(doubled) : doubled
    const batches: Batch[] = []
    for (let from = 0; from < events.length; from += maxBatch)
      batches.push({ events: events.slice(from, from + maxBatch), attempt: 0 })
    return { batches, lost: taken.length - kept.length }
  }

  async function deliver(how: DeliveryOptions = {}): Promise<Delivery> {
    const url = target
    if (url === null) throw new Error('nobody receives webhooks: no target is set')
    const { batches, lost } = takeNew(how)
    const due = [...again, ...batches]
    again = []
    let delivered = 0
    let given = lost
    for (const batch of due) {
      if (await send(url, batch)) delivered += batch.events.length
      else if (batch.attempt + 1 < maxAttempts) again.push({ ...batch, attempt: batch.attempt + 1 })
      else given += batch.events.length
    }
    const left = again.reduce((sum, { events }) => sum + events.length, 0)
    return { delivered, waiting: left, lost: given, requests: due.length }
  }

  return {
    get target() {
      return target
    },
    set target(url) {
      target = url
    },
    subscriptions,
    subscribe,
    unsubscribe(id) {
      const place = subscriptions.findIndex((each) => each.id === id)
      if (place >= 0) subscriptions.splice(place, 1)
    },
    pending: () => [...again.flatMap(({ events }) => events), ...noted.flatMap(describe)],
    sign,
    deliver,
    run(everyMs) {
      let busy = false
      const timer = setInterval(() => {
        if (busy || target === null || (noted.length === 0 && again.length === 0)) return
        busy = true
        void deliver().finally(() => {
          busy = false
        })
      }, everyMs)
      timer.unref()
      return () => clearInterval(timer)
    },
  }
}
