import { z } from 'zod'
import { ConnectorFault } from '../fault.ts'
import { type Session, streamPath } from './session.ts'

/** Opaque: neither compared nor counted on. */
export type ReplayId = number | string

export interface StreamEvent {
  readonly channel: string
  readonly data: unknown
}

/** A client that Salesforce knows, with its subscriptions. */
export interface Stream {
  /** What was waiting when the stream was opened. */
  readonly first: readonly StreamEvent[]
  /** Channels whose place is kept no longer: they began with what is new. */
  readonly restarted: readonly string[]
  /** Waits for events. None: nothing happened for about two minutes. Throws when the client is no longer known. */
  next(): Promise<readonly StreamEvent[]>
}

const newOnly = -1
const heldMs = { usual: 110_000, most: 600_000, patience: 15_000 }
/** The events of a day are used up, or too many clients listen: neither ends soon. */
const limitWaitMs = 15 * 60_000

const messageSchema = z.looseObject({
  channel: z.string().default(''),
  successful: z.boolean().optional(),
  error: z.string().optional(),
  clientId: z.string().optional(),
  subscription: z.string().optional(),
  advice: z.looseObject({ timeout: z.number().optional() }).optional(),
  ext: z.looseObject({ sfdc: z.looseObject({ failureReason: z.string().optional() }).optional() }).optional(),
})
type Message = z.infer<typeof messageSchema>
const replySchema = z.array(messageSchema)

/**
 * Opens a Bayeux client of the Streaming API with a subscription per channel, each from its replay id (null: what is new).
 * Spoken here rather than by the faye client of jsforce: that one cannot be aborted, tries again without end past the
 * gate, and keeps the token that it was made with.
 * Throws `configuration` when a channel does not exist or may not be read, `unavailable` when a limit of the Streaming API
 * is reached: polls and writes go on meanwhile.
 */
export async function openStream(
  session: Session,
  places: ReadonlyMap<string, ReplayId | null>,
  now: () => Date,
  signal: AbortSignal,
): Promise<Stream> {
  const cookies = new Map<string, string>()
  let lastId = 0
  let waitMs = heldMs.usual

  async function say(messages: readonly object[], isHeld = false): Promise<readonly Message[]> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const { value } = await session.send(
      {
        operation: 'listen',
        object: null,
        records: 0,
        method: 'POST',
        path: streamPath,
        body: messages.map((message) => ({ ...message, id: String(++lastId) })),
        ...(cookie ? { headers: { cookie } } : {}),
        ...(isHeld ? { heldMs: waitMs + heldMs.patience } : {}),
        read(body, headers) {
          keepCookies(cookies, headers)
          const replies = replySchema.parse(body)
          const shaken = replies.find(({ channel }) => channel === '/meta/handshake')
          // Thrown here, a refused token is replaced and the handshake made again.
          if (shaken && shaken.successful !== true) throw faultOfMessage(shaken, now())
          return replies
        },
      },
      signal,
    )
    return value
  }

  const [shaken] = await say([
    {
      channel: '/meta/handshake',
      version: '1.0',
      minimumVersion: '1.0',
      supportedConnectionTypes: ['long-polling'],
      ext: { replay: true },
    },
  ])
  const clientId = shaken?.clientId
  if (clientId === undefined) {
    throw new ConnectorFault('unavailable', 'The handshake of the Streaming API names no client', {
      code: 'NO_STREAM_CLIENT',
    })
  }

  /** Answers the refusals by channel. */
  async function subscribe(
    wanted: ReadonlyMap<string, ReplayId | null>,
  ): Promise<ReadonlyMap<string, Message>> {
    if (wanted.size === 0) return new Map()
    const replies = await say(
      [...wanted].map(([channel, place]) => ({
        channel: '/meta/subscribe',
        clientId,
        subscription: channel,
        ext: { replay: { [channel]: place ?? newOnly } },
      })),
    )
    return new Map(
      [...wanted.keys()].flatMap((channel) => {
        const reply = replies.find(({ subscription }) => subscription === channel)
        return reply?.successful === true ? [] : [[channel, reply ?? { channel }] as const]
      }),
    )
  }

  async function connect(isHeld: boolean): Promise<readonly StreamEvent[]> {
    const replies = await say(
      [{ channel: '/meta/connect', clientId, connectionType: 'long-polling' }],
      isHeld,
    )
    const done = replies.find(({ channel }) => channel === '/meta/connect')
    if (done?.successful !== true) throw faultOfMessage(done ?? { channel: '/meta/connect' }, now())
    const { timeout } = done.advice ?? {}
    if (timeout !== undefined && timeout > 0) waitMs = Math.min(timeout, heldMs.most)
    return replies.flatMap(({ channel, ...rest }) =>
      channel.startsWith('/meta/') ? [] : [{ channel, data: rest['data'] }],
    )
  }

  const refused = await subscribe(places)
  const restarted = [...refused].filter(([, reply]) => isLostPlace(reply)).map(([channel]) => channel)
  const denied = [...refused].find(([, reply]) => !isLostPlace(reply))
  const again = await subscribe(new Map(restarted.map((channel) => [channel, null])))
  const [, denial] = denied ?? [...again][0] ?? []
  if (denial) throw faultOfMessage(denial, now())
  return { first: await connect(false), restarted, next: () => connect(true) }
}

const isLostPlace = ({ error }: Message): boolean => /replay ?id/i.test(error ?? '')

function keepCookies(cookies: Map<string, string>, headers: Headers): void {
  for (const line of headers.getSetCookie()) {
    const [, name, value] = /^\s*([^=;\s]+)=([^;]*)/.exec(line) ?? []
    if (name !== undefined && value !== undefined) cookies.set(name, value)
  }
}

/** `403::Unknown client` and its like (Streaming API Developer Guide: Streaming API Error Codes). */
function faultOfMessage({ channel, subscription, error = '', ext }: Message, now: Date): ConnectorFault {
  const reason = ext?.sfdc?.failureReason ?? error
  const code = Number(/^(\d{3}):/.exec(reason)?.[1] ?? 0)
  const message = `${subscription ?? channel}: ${reason || 'refused without a reason'}`
  if (code === 401) return new ConnectorFault('unauthorised', message, { code: 'INVALID_SESSION_ID' })
  if (/limit/i.test(reason)) {
    const retryAt = new Date(now.getTime() + limitWaitMs)
    return new ConnectorFault('unavailable', message, { code: 'STREAM_LIMIT', retryAt })
  }
  if (/unknown client/i.test(reason) || code >= 500 || code === 0) {
    return new ConnectorFault('unavailable', message, {
      code: code === 403 ? 'UNKNOWN_CLIENT' : 'STREAM_ERROR',
    })
  }
  return new ConnectorFault('configuration', message, { code: `STREAM_${code}` })
}
