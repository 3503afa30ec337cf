/**
 * The Streaming API: Bayeux over long polling at `/cometd/62.0`, with replay (Streaming API Developer Guide: How the
 * Client Connects, Clients and Cookies, Message Durability, Handling Streaming API Errors, Error Codes).
 */
import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { applyDelays, cutConnection, loseAnswer } from '../mishaps.ts'
import { canViewAll } from './access.ts'
import { type ApiFrame, answerFault } from './api-server.ts'
import { isJsonObject, type JsonObject } from './bodies.ts'
import { formatDatetime } from './dates.ts'
import type { Operation } from './faults.ts'

/** What a test may do to the clients that listen. */
export interface Streams {
  /** Requests that are held until something happens. */
  readonly held: number
  /** Forgets every client: the next thing that it says is answered with 403::Unknown client. */
  dropClients(): void
  /** Cuts the sockets of the requests that are held. */
  cutConnections(): void
  /** `double`: every event twice; `reverse`: what is sent together comes in the wrong order. */
  setDelivery(delivery: { readonly double?: boolean; readonly reverse?: boolean }): void
  /** Tells clients whose session is over. */
  checkSessions(): void
}

interface Client {
  readonly id: string
  readonly token: string
  readonly cookie: string
  readonly channels: Set<string>
  queue: unknown[]
  hasConnected: boolean
  held: { readonly answer: (messages: readonly unknown[]) => void; readonly cut: () => void } | null
  expiry: NodeJS.Timeout | null
}

/** A client that has not come back for so long is forgotten. */
const patienceMs = 40_000
const mostTogether = 200

const messageOf = (request: JsonObject, rest: JsonObject): JsonObject => ({
  channel: request['channel'],
  ...(request['id'] === undefined ? {} : { id: request['id'] }),
  ...rest,
})
const objectOf = (channel: string) => /^\/data\/(\w+?)(?:__)?ChangeEvent$/.exec(channel)?.[1]

export function addStreaming(app: FastifyInstance, frame: ApiFrame, holdMs: number): Streams {
  const { organisation, sessions } = frame
  const bus = organisation.changeEvents
  const clients = new Map<string, Client>()
  let delivery = { double: false, reverse: false }

  function forgetLater(client: Client): void {
    if (client.expiry) clearTimeout(client.expiry)
    client.expiry = setTimeout(() => clients.delete(client.id), patienceMs).unref()
  }

  function takeQueued(client: Client): readonly unknown[] {
    const events = client.queue.splice(0, mostTogether)
    const inOrder = delivery.reverse ? events.reverse() : events
    return delivery.double ? inOrder.flatMap((event) => [event, event]) : inOrder
  }

  function wake(client: Client): void {
    const { held } = client
    if (held === null || client.queue.length === 0) return
    client.held = null
    held.answer(takeQueued(client))
  }

  bus.subscribe((object, event) => {
    const channel = `/data/${object.replace(/__c$/, '__')}ChangeEvent`
    for (const client of clients.values()) {
      if (!client.channels.has(channel)) continue
      client.queue.push({ channel, data: event })
      // Events of one transaction leave together.
      setImmediate(() => wake(client))
    }
  })

  function shakeHands(request: JsonObject, token: string): { reply: JsonObject; cookie: string | null } {
    const refusal = token === '' ? '401::Request requires authentication' : '401::Authentication invalid'
    if (sessions.findUser(token) === null) {
      const reply = messageOf(request, {
        ext: { sfdc: { failureReason: refusal }, replay: true, 'payload.format': true },
        advice: { reconnect: 'none' },
        error: '403::Handshake denied',
        successful: false,
      })
      return { reply, cookie: null }
    }
    const client: Client = {
      id: randomBytes(14).toString('hex'),
      token,
      cookie: randomBytes(8).toString('hex'),
      channels: new Set(),
      queue: [],
      hasConnected: false,
      held: null,
      expiry: null,
    }
    clients.set(client.id, client)
    forgetLater(client)
    const reply = messageOf(request, {
      ext: { replay: true, 'payload.format': true },
      minimumVersion: '1.0',
      clientId: client.id,
      supportedConnectionTypes: ['long-polling'],
      version: '1.0',
      successful: true,
    })
    return { reply, cookie: client.cookie }
  }

  /** Null where the client may go on; otherwise what it is told. */
  function refuse(
    request: JsonObject,
    client: Client | undefined,
    token: string,
    cookies: string,
  ): JsonObject | null {
    const say = (error: string, advice: JsonObject) =>
      messageOf(request, { clientId: request['clientId'], advice, error, successful: false })
    if (sessions.findUser(token) === null) {
      return say('401::Authentication invalid', { reconnect: 'none', interval: 0 })
    }
    if (client === undefined) return say('403::Unknown client', { reconnect: 'handshake', interval: 0 })
    if (!cookies.includes(`BAYEUX_BROWSER=${client.cookie}`)) {
      const error = `400::Client ${client.id} has established a session, but no BAYEUX_BROWSER cookie present`
      return say(error, { reconnect: 'none' })
    }
    return null
  }

  function subscribe(request: JsonObject, client: Client): JsonObject {
    const channel = String(request['subscription'] ?? '')
    const object = objectOf(channel)
    const table =
      object === undefined
        ? undefined
        : (organisation.tables.find(object) ?? organisation.tables.find(`${object}__c`))
    const say = (rest: JsonObject) =>
      messageOf(request, { clientId: client.id, subscription: channel, ...rest })
    if (table === undefined) {
      const error = `400::The channel you requested to subscribe to does not exist {${channel}}`
      return say({ error, successful: false })
    }
    if (!canViewAll(organisation, table.schema.name)) {
      const error = `403::User does not have the View All permission for {${channel}}`
      return say({ error, successful: false })
    }
    const ext = isJsonObject(request['ext']) ? request['ext'] : {}
    const replay = isJsonObject(ext['replay']) ? ext['replay'][channel] : undefined
    const from = Number(replay ?? -1)
    const kept = bus.list(table.schema.name)
    const place = kept.findIndex(({ event }) => event.replayId === from)
    if (from !== -1 && from !== -2 && place < 0) {
      const advice = 'Please provide a valid ID, -2 to replay all events, or -1 to replay only new events.'
      return say({
        error: `400::The replayId {${replay}} you provided was invalid.  ${advice}`,
        successful: false,
      })
    }
    client.channels.add(channel)
    if (from !== -1) client.queue.push(...kept.slice(place + 1).map((data) => ({ channel, data })))
    return say({ successful: true })
  }

  async function connect(
    request: JsonObject,
    client: Client,
    token: string,
    reply: FastifyReply,
  ): Promise<readonly unknown[]> {
    const advice = { interval: 0, timeout: holdMs, reconnect: 'retry' }
    const done = messageOf(request, { clientId: client.id, successful: true })
    if (!client.hasConnected) {
      client.hasConnected = true
      forgetLater(client)
      return [...takeQueued(client), { ...done, advice }]
    }
    if (client.expiry) clearTimeout(client.expiry)
    client.held?.answer([])
    if (client.queue.length > 0) {
      forgetLater(client)
      return [...takeQueued(client), done]
    }
    const events = await new Promise<readonly unknown[]>((resolve) => {
      const finish = (messages: readonly unknown[]) => {
        clearTimeout(timer)
        client.held = null
        resolve(messages)
      }
      const timer = setTimeout(() => finish([]), holdMs).unref()
      client.held = { answer: finish, cut: () => reply.raw.socket?.destroy() }
      reply.raw.once('close', () => finish([]))
    })
    forgetLater(client)
    const refusal = refuse(request, clients.get(client.id), token, `BAYEUX_BROWSER=${client.cookie}`)
    return refusal === null ? [...events, done] : [refusal]
  }

  async function answer(messages: readonly JsonObject[], request: FastifyRequest, reply: FastifyReply) {
    const token = (request.headers.authorization ?? '').replace(/^\S+\s?/, '')
    const cookies = String(request.headers.cookie ?? '')
    const answers: unknown[] = []
    for (const message of messages) {
      if (message['channel'] === '/meta/handshake') {
        const { reply: shaken, cookie } = shakeHands(message, token)
        if (cookie !== null) reply.header('set-cookie', `BAYEUX_BROWSER=${cookie};Path=/cometd/;HttpOnly`)
        answers.push(shaken)
        continue
      }
      const client = clients.get(String(message['clientId'] ?? ''))
      const refusal = refuse(message, client, token, cookies)
      if (refusal !== null || client === undefined) {
        answers.push(refusal)
        continue
      }
      if (message['channel'] === '/meta/connect')
        answers.push(...(await connect(message, client, token, reply)))
      else if (message['channel'] === '/meta/subscribe') answers.push(subscribe(message, client))
      else if (message['channel'] === '/meta/disconnect') {
        clients.delete(client.id)
        answers.push(messageOf(message, { clientId: client.id, successful: true }))
      } else
        answers.push(
          messageOf(message, { clientId: client.id, error: '400::Unknown channel', successful: false }),
        )
    }
    return answers
  }

  const operations: Readonly<Record<string, Operation>> = {
    '/meta/handshake': 'stream-handshake',
    '/meta/subscribe': 'stream-subscribe',
    '/meta/connect': 'stream-connect',
  }

  app.post('/cometd/62.0', async (request, reply) => {
    const messages = [request.body].flat().filter(isJsonObject)
    const operation = operations[String(messages[0]?.['channel'])] ?? 'unknown'
    const record = (status: number, records: number) =>
      frame.calls.record({
        at: formatDatetime(organisation.now()),
        operation,
        method: request.method,
        path: request.url,
        object: null,
        records,
        status,
        client: null,
      })
    const faults = frame.faults.draw(operation, null)
    await applyDelays(faults, frame.answerDelayMs)
    if (faults.some(({ kind }) => kind === 'reset')) {
      record(0, 0)
      return cutConnection(reply)
    }
    const struck = faults.map(answerFault).find((each) => each !== null)
    if (struck) {
      record(struck.status, 0)
      reply.code(struck.status)
      return struck.html === undefined ? reply.send(struck.body) : reply.type('text/html').send(struck.html)
    }
    const answers = await answer(messages, request, reply)
    if (reply.raw.destroyed || loseAnswer(reply, faults)) {
      record(0, answers.length)
      return reply.hijack()
    }
    record(200, answers.length)
    return reply.type('application/json;charset=UTF-8').send(JSON.stringify(answers))
  })

  return {
    get held() {
      return [...clients.values()].filter(({ held }) => held !== null).length
    },
    dropClients() {
      for (const client of [...clients.values()]) {
        clients.delete(client.id)
        client.held?.answer([])
      }
    },
    cutConnections() {
      for (const { held } of clients.values()) held?.cut()
    },
    setDelivery({ double = false, reverse = false }) {
      delivery = { double, reverse }
    },
    checkSessions() {
      for (const client of clients.values())
        if (sessions.findUser(client.token) === null) client.held?.answer([])
    },
  }
}
