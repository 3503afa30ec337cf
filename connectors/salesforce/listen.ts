import { z } from 'zod'
import type { Hint, PushPage } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import { openStream, type ReplayId, type Stream, type StreamEvent } from './bayeux.ts'
import { type PushPlaces, readPushCursor, writePushCursor } from './push-cursor.ts'
import type { Session } from './session.ts'
import { checkName } from './soql.ts'

/** What we need of an event; its fields are never taken for truth, so they are not even read. */
const changeSchema = z.object({
  payload: z.object({
    ChangeEventHeader: z.object({
      changeType: z.string(),
      recordIds: z.array(z.string()),
      commitUser: z.string().optional(),
    }),
  }),
  event: z.object({ replayId: z.union([z.number(), z.string()]) }),
})

/** `/data/OpportunityChangeEvent`, `/data/Visit__ChangeEvent` for Visit__c. */
const channelOf = (object: string): string => `/data/${checkName(object).replace(/__c$/, '__')}ChangeEvent`

/**
 * Change Data Capture, from where the cursor stands in each object's channel; ends when the signal aborts. The first page,
 * and each after a new start, names as missed the objects whose channel began with what is new: there something may have
 * happened between the last poll and the subscription.
 *
 * Our own changes are hints like all others: `changeOrigin` is that of the transaction, so what a flow or a trigger did
 * in the wake of our write carries our name too.
 *
 * A client that was lost is opened again once, from the last page. What fails twice in a row is thrown, and the caller
 * comes back with the last cursor.
 */
export async function* listenToChanges(
  session: Session,
  objects: readonly string[],
  cursorText: string | null,
  now: () => Date,
  signal: AbortSignal,
): AsyncGenerator<PushPage> {
  const objectOf = new Map(objects.map((object) => [channelOf(object), object]))
  const known = readPushCursor(cursorText)
  let places: PushPlaces = new Map(objects.map((object) => [object, known.get(object) ?? null]))
  let losses = 0

  async function open(): Promise<Stream> {
    const from = new Map(objects.map((object) => [channelOf(object), places.get(object) ?? null]))
    return openStream(session, from, now, signal)
  }

  for (let stream: Stream | null = null; !signal.aborted; ) {
    let events: readonly StreamEvent[]
    let restarted: readonly string[] = []
    try {
      if (stream === null) {
        stream = await open()
        const forgotten = new Set(stream.restarted.flatMap((channel) => objectOf.get(channel) ?? []))
        places = new Map([...places].map(([object, place]) => [object, forgotten.has(object) ? null : place]))
        restarted = objects.filter((object) => places.get(object) === null)
        events = stream.first
        if (events.length > 0) losses = 0
      } else {
        events = await stream.next()
        losses = 0
      }
    } catch (error) {
      if (signal.aborted) return
      if (stream === null || losses > 0 || !isLoss(error)) throw error
      losses += 1
      stream = null
      continue
    }
    const told = readEvents(events, objectOf)
    places = new Map([...places, ...told.places])
    const missed = [...new Set([...restarted, ...told.missed])]
    if (told.hints.length === 0 && missed.length === 0 && told.places.size === 0) continue
    yield { hints: told.hints, missed, cursor: writePushCursor(places) }
  }
}

/** The client is gone, or its token: a new one goes on from the last page. */
const isLoss = (error: unknown): boolean =>
  error instanceof ConnectorFault && (error.kind === 'unavailable' || error.kind === 'unauthorised')

/** Gap events name records without saying what changed, overflow events and wildcards not even the records. */
function readEvents(
  events: readonly StreamEvent[],
  objectOf: ReadonlyMap<string, string>,
): {
  readonly hints: readonly Hint[]
  readonly missed: ReadonlySet<string>
  readonly places: ReadonlyMap<string, ReplayId>
} {
  const hints = new Map<string, Hint>()
  const missed = new Set<string>()
  const places = new Map<string, ReplayId>()
  for (const { channel, data } of events) {
    const object = objectOf.get(channel)
    if (object === undefined) continue
    const parsed = changeSchema.safeParse(data)
    if (!parsed.success) {
      missed.add(object)
      continue
    }
    const { payload, event } = parsed.data
    const { changeType, recordIds, commitUser } = payload.ChangeEventHeader
    places.set(object, event.replayId)
    if (changeType === 'GAP_OVERFLOW' || recordIds.length === 0) missed.add(object)
    for (const id of recordIds) {
      if (id.endsWith('*')) missed.add(object)
      else {
        const deduplicationKey = `${object}/${event.replayId}/${id}`
        hints.set(deduplicationKey, {
          object,
          id,
          deduplicationKey,
          ...(commitUser ? { by: commitUser } : {}),
        })
      }
    }
  }
  return { hints: [...hints.values()], missed, places }
}
