import { z } from 'zod'
import type { Hint, InboundRequest, Received } from '../connector.ts'
import { type CrmObject, crmObjects, objectTypeIds } from './api-paths.ts'
import { doubtAbout } from './signature.ts'

export interface WebhookOptions {
  readonly clientSecret: string | undefined
  /** Tells our own changes; without it they come as hints like any other. */
  readonly appId: string | undefined
}

const id = z.union([z.string(), z.number()]).transform(String)
const optionalId = id.nullish()
const eventSchema = z.object({
  eventId: optionalId,
  subscriptionId: optionalId,
  appId: optionalId,
  occurredAt: optionalId,
  subscriptionType: z.string(),
  objectId: optionalId,
  objectTypeId: z.string().nullish(),
  propertyName: z.string().nullish(),
  changeSource: z.string().nullish(),
  sourceId: optionalId,
  /** Of a merge. */
  primaryObjectId: optionalId,
  mergedObjectIds: z.array(id).nullish(),
  newObjectId: optionalId,
  /** Of an association. */
  fromObjectId: optionalId,
  toObjectId: optionalId,
  fromObjectTypeId: z.string().nullish(),
  toObjectTypeId: z.string().nullish(),
  associationType: z.string().nullish(),
})
type WebhookEvent = z.infer<typeof eventSchema>

/** HubSpot sends up to 100 events at once; a few more are no reason to refuse them. */
const eventsSchema = z.array(eventSchema).max(1000)

/**
 * Checks a batch of events and says which records they speak of. What an event says of a value is not used: events come
 * late, twice and in any order, and one property alone is no record.
 */
export function receiveWebhook(request: InboundRequest, { clientSecret, appId }: WebhookOptions): Received {
  if (clientSecret === undefined) {
    return refused(404, 'Webhooks of HubSpot are not set up here: the connection has no client secret')
  }
  const doubt = doubtAbout(
    {
      method: request.method,
      url: request.url,
      body: request.body,
      signature: request.headers['x-hubspot-signature-v3'],
      timestamp: request.headers['x-hubspot-request-timestamp'],
      receivedAt: request.receivedAt,
    },
    clientSecret,
  )
  if (doubt !== null) return refused(401, doubt)
  const events = readEvents(request.body)
  if (events === null) return refused(400, 'The body is no list of events')
  const hints = events.filter((event) => !isOwnEcho(event, appId)).flatMap((event) => hintsOf(event, appId))
  return { kind: 'accepted', hints, reply: { status: 200, contentType: 'text/plain', body: '' } }
}

const refused = (status: number, reason: string): Received => ({ kind: 'refused', status, reason })

function readEvents(body: Uint8Array): readonly WebhookEvent[] | null {
  try {
    const parsed = eventsSchema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** Other integrations say INTEGRATION too: only the one that is our app is we ourselves. */
const isOwnEcho = (
  { changeSource, sourceId, subscriptionType }: WebhookEvent,
  appId: string | undefined,
): boolean =>
  appId !== undefined &&
  changeSource === 'INTEGRATION' &&
  sourceId === appId &&
  /\.(propertyChange|creation|associationChange)$/.test(subscriptionType)

/** Event ids repeat, so it takes all of these to know an event again. */
const keyOf = ({ subscriptionId, objectId, propertyName, occurredAt, eventId }: WebhookEvent): string =>
  [subscriptionId, objectId, propertyName, occurredAt, eventId].map((part) => part ?? '').join(':')

/** Which integration it was can be told only by who knows the id of our own. */
const causeOf = ({ changeSource, sourceId }: WebhookEvent, appId: string | undefined): Pick<Hint, 'by'> =>
  !sourceId || (changeSource === 'INTEGRATION' && appId === undefined)
    ? {}
    : { by: sourceId.replace(/^userId:/, '') }

function hintsOf(event: WebhookEvent, appId: string | undefined): readonly Hint[] {
  const key = keyOf(event)
  const cause = causeOf(event, appId)
  const own = objectOf(event)
  const { fromObjectId, toObjectId } = event
  const [from, to] = (event.associationType ?? '').split('_TO_')
  const named: (readonly [CrmObject | undefined, string | null | undefined])[] = [
    [own, event.objectId],
    [own, event.primaryObjectId],
    [own, event.newObjectId],
    ...(event.mergedObjectIds ?? []).map((merged) => [own, merged] as const),
    [byTypeId(event.fromObjectTypeId) ?? bySingular(from), fromObjectId],
    [byTypeId(event.toObjectTypeId) ?? bySingular(to), toObjectId],
  ]
  const hints = named.flatMap(([object, recordId]) =>
    object && recordId
      ? [{ object, id: recordId, deduplicationKey: `${key}:${object}:${recordId}`, ...cause }]
      : [],
  )
  return [...new Map(hints.map((hint) => [hint.deduplicationKey, hint])).values()]
}

const singulars: Readonly<Record<string, CrmObject>> = {
  deal: 'deals',
  company: 'companies',
  contact: 'contacts',
}

function objectOf({ subscriptionType, objectTypeId }: WebhookEvent): CrmObject | undefined {
  return byTypeId(objectTypeId) ?? bySingular(subscriptionType.split('.')[0])
}
const byTypeId = (typeId: string | null | undefined): CrmObject | undefined =>
  crmObjects.find((object) => objectTypeIds[object] === typeId)
const bySingular = (word: string | undefined): CrmObject | undefined =>
  Object.hasOwn(singulars, (word ?? '').toLowerCase()) ? singulars[(word ?? '').toLowerCase()] : undefined
