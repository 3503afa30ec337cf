import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

export interface Channel {
  /** Resolves when messages are heard for the first time; rejects when that never came. */
  readonly ready: Promise<unknown>
  /** Resolves when the server took the messages; waits while the connection is lost. Rejects once closed. */
  send(messages: readonly string[]): Promise<void>
  close(): Promise<void>
}

export interface ChannelOptions {
  readonly url: string
  /** The channel as LISTEN and NOTIFY name it; belongs to one database. */
  readonly name: string
  onMessage(message: string): void
  /** Back after a loss: messages in between never arrive. */
  onReconnect(): void
  /** Once per loss. */
  onTrouble(error: unknown): void
}

const beatMs = 15_000
const answerLimitMs = 10_000
const shortestPauseMs = 100
const longestPauseMs = 5_000

/** LISTEN and NOTIFY on one connection of their own, which comes back by itself. */
export function openChannel(options: ChannelOptions): Channel {
  const closing = new AbortController()
  let connected = Promise.withResolvers<pg.Client>()
  connected.promise.catch(() => undefined)
  let everConnected = false

  async function connectOnce(): Promise<void> {
    const client = new pg.Client({
      connectionString: options.url,
      application_name: 'counterpart bell',
      keepAlive: true,
      connectionTimeoutMillis: answerLimitMs,
      query_timeout: answerLimitMs,
    })
    let opened = false
    const lost = Promise.withResolvers<never>()
    lost.promise.catch(() => undefined)
    client.on('error', lost.reject)
    client.on('end', () => lost.reject(new Error('The database closed the connection of the bell')))
    client.on('notification', ({ payload }) => options.onMessage(payload ?? ''))
    closing.signal.addEventListener('abort', lost.reject, { once: true })
    try {
      await Promise.race([client.connect(), lost.promise])
      await client.query(`listen ${client.escapeIdentifier(options.name)}`)
      opened = true
      connected.resolve(client)
      if (everConnected) options.onReconnect()
      everConnected = true
      await Promise.race([lost.promise, beat(client)])
    } finally {
      closing.signal.removeEventListener('abort', lost.reject)
      if (opened) {
        connected = Promise.withResolvers<pg.Client>()
        connected.promise.catch(() => undefined)
      }
      // Not awaited: on a connection that answers nothing any more it would never end.
      client.end().catch(() => undefined)
    }
  }

  /** A connection that died without a word is found by asking. */
  async function beat(client: pg.Client): Promise<void> {
    while (!closing.signal.aborted) {
      await delay(beatMs, undefined, { signal: closing.signal, ref: false })
      await client.query('select 1')
    }
  }

  async function keepConnected(): Promise<void> {
    let pauseMs = shortestPauseMs
    let troubled = false
    while (!closing.signal.aborted) {
      const startedMs = Date.now()
      try {
        await connectOnce()
      } catch (error) {
        if (closing.signal.aborted) return
        if (Date.now() - startedMs > answerLimitMs) {
          pauseMs = shortestPauseMs
          troubled = false
        }
        if (!troubled) options.onTrouble(error)
        troubled = true
      }
      await delay(pauseMs * (0.5 + Math.random()), undefined, { signal: closing.signal }).catch(
        () => undefined,
      )
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }
  const ready = connected.promise
  const ended = keepConnected()

  return {
    ready,
    async send(messages) {
      const client = await connected.promise
      await client.query('select pg_notify($1, message) from unnest($2::text[]) as message', [
        options.name,
        messages,
      ])
    },
    async close() {
      closing.abort(new Error('The channel is closed'))
      connected.reject(new Error('The channel is closed'))
      await ended
    },
  }
}
