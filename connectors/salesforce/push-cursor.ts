import { z } from 'zod'
import { ConnectorFault } from '../fault.ts'
import type { ReplayId } from './bayeux.ts'

/** Per object the replay id of the event that was handed out last; null while none was. */
export type PushPlaces = ReadonlyMap<string, ReplayId | null>

const pushCursorSchema = z.strictObject({
  version: z.literal(1),
  replay: z.record(z.string(), z.union([z.number(), z.string()]).nullable()),
})

export const writePushCursor = (places: PushPlaces): string =>
  JSON.stringify({ version: 1, replay: Object.fromEntries(places) })

/** Throws `configuration` on a text that is no push cursor of ours. */
export function readPushCursor(text: string | null): PushPlaces {
  if (text === null) return new Map()
  try {
    return new Map(Object.entries(pushCursorSchema.parse(JSON.parse(text)).replay))
  } catch (cause) {
    throw new ConnectorFault(
      'configuration',
      'The stored place in the change events is not one of Salesforce',
      { code: 'INVALID_CURSOR' },
      { cause },
    )
  }
}
