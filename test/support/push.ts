import { pino } from 'pino'
import type { Connector, Hint, PushPage } from '#connectors/connector.ts'
import { buildServer } from '#src/http/server.ts'
import { pushRoutes } from '#src/sync/passes/push-routes.ts'
import { createPushUseCases } from '#src/sync/passes/push-use-cases.ts'
import type { ToySync } from './toy-sync.ts'

export const goodSignature = 'signed by the CRM'
const reply = { status: 202, contentType: 'text/xml', body: '<taken/>' }

/** The same connector with a webhook channel whose signature is a header, and the body a list of hints. */
export const takingWebhooks = (connector: Connector): Connector => ({
  ...connector,
  traits: { ...connector.traits, push: { ...connector.traits.push, webhook: true } },
  receive({ headers, body, url }) {
    if (headers['x-signature'] !== goodSignature)
      return { kind: 'refused', status: 401, reason: 'the signature is not ours' }
    if (!url.startsWith('https://partners.example.com/hooks/'))
      return { kind: 'refused', status: 400, reason: 'signed for another address' }
    return { kind: 'accepted', hints: JSON.parse(new TextDecoder().decode(body)) as Hint[], reply }
  },
})

/** A channel that is fed by the test. */
export function channel() {
  const waiting: PushPage[] = []
  /** The cursors that it was opened with. */
  const openedFrom: (string | null)[] = []
  let held = 0
  let wake: () => void = () => undefined
  let fault: Error | null = null
  return {
    openedFrom,
    held: () => held,
    push(page: PushPage) {
      waiting.push(page)
      wake()
    },
    break(error: Error) {
      fault = error
      wake()
    },
    listening: (connector: Connector): Connector => ({
      ...connector,
      traits: { ...connector.traits, push: { ...connector.traits.push, listen: true } },
      async *listen(_objects, cursor, signal) {
        openedFrom.push(cursor)
        held += 1
        signal.addEventListener('abort', () => wake())
        try {
          while (!signal.aborted) {
            const page = waiting.shift()
            if (page) yield page
            else if (fault) {
              const thrown = fault
              fault = null
              throw thrown
            } else await new Promise<void>((resolve) => (wake = resolve))
          }
        } finally {
          held -= 1
        }
      },
    }),
  }
}

/** The route that webhooks come in by, over an engine with capabilities in memory. */
export async function webhookServer(sync: ToySync, requestsPerMinute = 10_000) {
  const rung: string[] = []
  const warnings: object[] = []
  const { engine, connection } = sync
  const push = createPushUseCases({
    engine: { ...engine, logger: { ...engine.logger, warn: (fields) => void warnings.push(fields) } },
    findConnection: async (_tx, id) => (id === connection.id ? connection : null),
    webhookUrl: (id) => `https://partners.example.com/hooks/${id}`,
    bell: { ring: (name) => void rung.push(name) },
    clock: { now: () => new Date() },
  })
  const server = await buildServer({
    database: engine.database,
    routes: pushRoutes(push),
    authenticate: async () => null,
    logger: pino({ level: 'silent' }),
    version: '0.0.0',
    requestsPerMinute,
    trustProxy: false,
  })
  return {
    push,
    rung,
    warnings,
    server,
    async deliver(
      hints: readonly Hint[] | string,
      {
        to = connection.id as string,
        signature = goodSignature,
        type = 'application/json',
        search = '',
      }: { to?: string; signature?: string; type?: string; search?: string } = {},
    ) {
      const answer = await server.inject({
        method: 'POST',
        url: `/hooks/${to}${search}`,
        headers: { 'content-type': type, 'x-signature': signature },
        payload: typeof hints === 'string' ? hints : JSON.stringify(hints),
      })
      const { date: _, ...headers } = answer.headers
      return { status: answer.statusCode, headers, body: answer.body }
    },
    close: () => server.close(),
  }
}
