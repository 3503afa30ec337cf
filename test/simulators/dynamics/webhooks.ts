/**
 * Webhooks: steps that administrators or calls registered, the events that piled up for them, and their delivery, which
 * waits until a test asks for it.
 */
import { createRandom } from '#test/support/random.ts'
import { writeExecutionContext } from './execution-context.ts'
import { type Organisation, type RecordEvent, requireTable, seedRow } from './organisation.ts'
import type { Row } from './schema.ts'

/** What happens to deliveries on their way: so many of them, or all. */
export interface Disorder {
  readonly drop?: boolean | number
  readonly double?: boolean | number
  readonly shuffle?: boolean
}

export interface Delivery {
  readonly message: string
  readonly object: string
  readonly id: string
  /** Of the last try; 0 where nobody answered. */
  readonly status: number
  readonly tries: number
}

export interface Webhooks {
  /** Events that wait for delivery. */
  readonly pending: number
  /** Sends what piled up, one after the other; answers what became of each. */
  deliver(disorder?: Disorder): Promise<readonly Delivery[]>
  /** Delivers every so often by itself, until the answered function is called. */
  run(everyMs: number): () => void
  /** Forgets what piled up. */
  clear(): void
  /** Registers an endpoint with a key, and asynchronous steps for the messages of these tables. */
  register(url: string, key: string, objects?: readonly string[]): void
}

interface Waiting {
  readonly event: RecordEvent
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const maxBytes = 256 * 1024
const timeoutMs = 60_000

/** `<settings><setting name="x-key" value="secret" /></settings>` */
function readSettings(authValue: string): readonly (readonly [string, string])[] {
  const plain = (text: string) =>
    text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
  return [...authValue.matchAll(/<setting\s+name="([^"]*)"\s+value="([^"]*)"\s*\/>/g)].map(
    ([, name = '', value = '']) => [plain(name), plain(value)] as const,
  )
}

/** The address and the headers that carry the secret of an endpoint. */
function authorise(endpoint: Row): { readonly url: string; readonly headers: Record<string, string> } {
  const url = new URL(String(endpoint['url']))
  const secret = String(endpoint['authvalue'] ?? '')
  if (endpoint['authtype'] === 4) url.searchParams.append('code', secret)
  if (endpoint['authtype'] === 6)
    for (const [name, value] of readSettings(secret)) url.searchParams.append(name, value)
  return {
    url: url.toString(),
    headers: endpoint['authtype'] === 5 ? Object.fromEntries(readSettings(secret)) : {},
  }
}

function render(organisation: Organisation, event: RecordEvent, step: Row, endpoint: Row): Waiting {
  const { schema } = requireTable(organisation, event.object)
  const stepId = String(step['sdkmessageprocessingstepid'])
  const { correlationId, body } = writeExecutionContext(organisation, event, schema, stepId)
  const { url, headers } = authorise(endpoint)
  const text = JSON.stringify(body)
  const tooLarge = Buffer.byteLength(text) > maxBytes
  const { InputParameters: _input, ParentContext: _parent, ...small } = body
  return {
    event,
    url,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-ms-dynamics-organization': 'vendor.crm.dynamics.com',
      'x-ms-dynamics-entity-name': event.object,
      'x-ms-dynamics-request-name': event.message,
      'x-ms-correlation-request-id': correlationId,
      ...(tooLarge ? { 'x-ms-dynamics-msg-size-exceeded': 'true' } : {}),
      ...headers,
    },
    body: tooLarge
      ? JSON.stringify({ ...small, PreEntityImages: undefined, PostEntityImages: undefined })
      : text,
  }
}

function hears(organisation: Organisation, step: Row, event: RecordEvent): boolean {
  const named = (object: string, id: unknown) =>
    requireTable(organisation, object).rows.get(typeof id === 'string' ? id : '')
  if (step['statecode'] !== 0) return false
  if (named('sdkmessage', step['sdkmessageid'])?.['name'] !== event.message) return false
  const filter = named('sdkmessagefilter', step['sdkmessagefilterid'])
  if (filter !== undefined && filter['primaryobjecttypecode'] !== event.object) return false
  const attributes = String(step['filteringattributes'] ?? '')
  if (event.message !== 'Update' || attributes === '') return true
  return attributes.split(',').some((name) => Object.hasOwn(event.fields, name.trim()))
}

async function send(waiting: Waiting): Promise<Delivery> {
  const { event, url, headers, body } = waiting
  let status = 0
  let tries = 0
  // An asynchronous step is tried again once, and only where a gateway said that nobody is there.
  do {
    tries += 1
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      status = (await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' })).status
    } catch (error) {
      if (!(error instanceof Error)) throw error
      status = 0
    }
  } while (tries < 2 && [502, 503, 504].includes(status))
  return { message: event.message, object: event.object, id: event.id, status, tries }
}

const countOf = (wish: boolean | number | undefined, all: number) =>
  wish === true ? all : wish === false || wish === undefined ? 0 : wish

const messagesOf = (object: string) =>
  object === 'opportunity'
    ? ['Create', 'Update', 'Delete', 'Win', 'Lose']
    : ['Create', 'Update', 'Delete', 'Merge']

export function createWebhooks(organisation: Organisation, seed: number): Webhooks {
  const random = createRandom(seed)
  let waiting: Waiting[] = []

  organisation.notify = (event) => {
    for (const step of requireTable(organisation, 'sdkmessageprocessingstep').rows.values()) {
      if (!hears(organisation, step, event)) continue
      const endpoint = requireTable(organisation, 'serviceendpoint').rows.get(String(step['eventhandler']))
      if (endpoint === undefined) continue
      const entry = render(organisation, event, step, endpoint)
      waiting.push(entry)
      organisation.tables.whenUndone(() => {
        waiting = waiting.filter((each) => each !== entry)
      })
    }
  }

  async function deliver({ drop, double, shuffle = false }: Disorder = {}): Promise<readonly Delivery[]> {
    const all = waiting
    waiting = []
    const kept = all.slice(countOf(drop, all.length))
    const sent = [...kept, ...kept.slice(0, countOf(double, kept.length))]
    const deliveries: Delivery[] = []
    for (const each of shuffle ? random.shuffled(sent) : sent) deliveries.push(await send(each))
    return deliveries
  }

  return {
    get pending() {
      return waiting.length
    },
    deliver,
    run(everyMs) {
      let busy = false
      const timer = setInterval(() => {
        if (busy || waiting.length === 0) return
        busy = true
        void deliver().finally(() => {
          busy = false
        })
      }, everyMs)
      timer.unref()
      return () => clearInterval(timer)
    },
    clear() {
      waiting = []
    },
    register(url, key, objects = ['account', 'opportunity']) {
      const by = organisation.personId
      const fields = { name: 'Counterpart', url, contract: 8, authtype: 4, authvalue: key }
      const endpointId = seedRow(organisation, 'serviceendpoint', organisation.nextId(), fields, by)
      const filters = [...requireTable(organisation, 'sdkmessagefilter').rows.values()]
      const messages = requireTable(organisation, 'sdkmessage').rows
      for (const object of objects) {
        for (const filter of filters) {
          const name = String(messages.get(String(filter['sdkmessageid']))?.['name'])
          if (filter['primaryobjecttypecode'] !== object || !messagesOf(object).includes(name)) continue
          const step = {
            name: `Counterpart: ${name} of ${object}`,
            mode: 1,
            stage: 40,
            rank: 1,
            asyncautodelete: true,
            sdkmessageid: filter['sdkmessageid'] ?? null,
            sdkmessagefilterid: filter['sdkmessagefilterid'] ?? null,
            eventhandler: endpointId,
            eventhandlertype: 'serviceendpoint',
          }
          seedRow(organisation, 'sdkmessageprocessingstep', organisation.nextId(), step, by)
        }
      }
    },
  }
}
