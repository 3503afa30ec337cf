import { z } from 'zod'
import type { DynamicsCredentials } from './credentials.ts'
import type { Finding } from './finding.ts'
import { queryPath, textLiteral } from './odata.ts'
import type { Organisation } from './organisation.ts'
import { readJson } from './session.ts'
import { webhookKeyHeader } from './webhook.ts'

const webhookContract = 8
const httpHeader = 5
const asynchronous = 1
const postOperation = 40
const serverOnly = 0

/** What notifications are asked for. Deltas tell the truth of it all; these only make it sooner. */
const messagesOf = (object: string): readonly string[] => [
  ...['Create', 'Update', 'Delete'],
  ...(object === 'opportunity' ? ['Win', 'Lose'] : []),
  ...(object === 'account' || object === 'contact' ? ['Merge'] : []),
]

const title = 'Notifications of changes (webhook)'
const id = 'webhook'

const endpointsSchema = z.object({
  value: z.array(z.object({ serviceendpointid: z.string(), url: z.string().nullish() })),
})
const stepsSchema = z.object({
  value: z.array(
    z.object({ _sdkmessagefilterid_value: z.string().nullish(), statecode: z.number().nullish() }),
  ),
})
const messagesSchema = z.object({ value: z.array(z.object({ sdkmessageid: z.string(), name: z.string() })) })
const filtersSchema = z.object({
  value: z.array(
    z.object({
      sdkmessagefilterid: z.string(),
      primaryobjecttypecode: z.string(),
      _sdkmessageid_value: z.string(),
    }),
  ),
})

interface Registration {
  readonly endpointId: string | null
  /** Message and table of the steps that are not there. */
  readonly lacking: readonly {
    readonly name: string
    readonly object: string
    readonly messageId: string
    readonly filterId: string
  }[]
}

/** The endpoint that notifications go to, and a step for each message and table. Null where no address is known. */
export async function findWebhook(
  organisation: Organisation,
  objects: readonly string[],
  webhookUrl: string | null,
  { webhookKey }: Pick<DynamicsCredentials, 'webhookKey'>,
  signal: AbortSignal,
): Promise<Finding> {
  if (webhookUrl === null) {
    const detail =
      'This installation has no public https address. Changes are polled; nothing has to be done.'
    return { id, title, state: 'done', detail }
  }
  if (webhookKey === undefined) {
    const detail =
      "Set a webhook key in the connection's credentials, then look again. Until then changes are polled."
    return { id, title, state: 'by_hand', detail }
  }
  const { protocol, port, hostname } = new URL(webhookUrl)
  if (protocol === 'https:' && port !== '') {
    const detail = `Dataverse calls port 443 only, and ${hostname} is reached on ${port}. Put it behind a proxy.`
    return { id, title, state: 'by_hand', detail }
  }
  const registration = await readRegistration(organisation, objects, webhookUrl, signal)
  if (registration.endpointId !== null && registration.lacking.length === 0) {
    return { id, title, state: 'done', detail: 'The endpoint and its steps are registered.' }
  }
  const missing = registration.lacking.map(({ name, object }) => `${name} of ${object}`).join(', ')
  const what =
    registration.endpointId === null ? 'The endpoint and its steps are' : `Steps for ${missing} are`
  return {
    id,
    title,
    state: 'missing',
    detail: `${what} not registered yet and can be. Without them changes are polled only.`,
    create: (current) => register(organisation, objects, webhookUrl, webhookKey, current),
  }
}

const reading = { operation: 'describe', object: 'serviceendpoint', records: 0, method: 'GET' } as const
const creating = { operation: 'setup', object: 'serviceendpoint', records: 1, method: 'POST' } as const

async function readRegistration(
  { session }: Organisation,
  objects: readonly string[],
  webhookUrl: string,
  signal: AbortSignal,
): Promise<Registration> {
  const messages = [...new Set(objects.flatMap(messagesOf))]
  const named = await session.send(
    {
      ...reading,
      path: queryPath({
        entitySet: 'sdkmessages',
        select: ['sdkmessageid', 'name'],
        anyOf: messages.map((name) => `name%20eq%20${textLiteral(name)}`),
      }),
      read: readJson(messagesSchema),
    },
    signal,
  )
  const names = new Map(named.value.map(({ sdkmessageid, name }) => [sdkmessageid, name]))
  const filters = await session.send(
    {
      ...reading,
      path: queryPath({
        entitySet: 'sdkmessagefilters',
        select: ['sdkmessagefilterid', 'primaryobjecttypecode', '_sdkmessageid_value'],
        anyOf: objects.map((object) => `primaryobjecttypecode%20eq%20${textLiteral(object)}`),
      }),
      read: readJson(filtersSchema),
    },
    signal,
  )
  const wanted = filters.value.flatMap((filter) => {
    const name = names.get(filter._sdkmessageid_value)
    const object = filter.primaryobjecttypecode
    if (name === undefined || !messagesOf(object).includes(name)) return []
    return [{ name, object, messageId: filter._sdkmessageid_value, filterId: filter.sdkmessagefilterid }]
  })
  const endpoints = await session.send(
    {
      ...reading,
      path: queryPath({
        entitySet: 'serviceendpoints',
        select: ['serviceendpointid', 'url'],
        anyOf: [`contract%20eq%20${webhookContract}`],
      }),
      read: readJson(endpointsSchema),
    },
    signal,
  )
  const endpointId = endpoints.value.find(({ url }) => url === webhookUrl)?.serviceendpointid ?? null
  if (endpointId === null) return { endpointId, lacking: wanted }
  const steps = await session.send(
    {
      ...reading,
      path: queryPath({
        entitySet: 'sdkmessageprocessingsteps',
        select: ['_sdkmessagefilterid_value', 'statecode'],
        anyOf: [`_eventhandler_value%20eq%20${endpointId}`],
      }),
      read: readJson(stepsSchema),
    },
    signal,
  )
  const present = new Set(
    steps.value
      .filter(({ statecode }) => (statecode ?? 0) === 0)
      .map((step) => step._sdkmessagefilterid_value),
  )
  return { endpointId, lacking: wanted.filter(({ filterId }) => !present.has(filterId)) }
}

/** Asynchronous, after the transaction: a notification never holds up or undoes what a person saves. */
async function register(
  organisation: Organisation,
  objects: readonly string[],
  webhookUrl: string,
  webhookKey: string,
  signal: AbortSignal,
): Promise<void> {
  const { session } = organisation
  const { endpointId, lacking } = await readRegistration(organisation, objects, webhookUrl, signal)
  const endpoint = endpointId ?? (await createEndpoint(organisation, webhookUrl, webhookKey, signal))
  for (const { name, object, messageId, filterId } of lacking) {
    const body = {
      name: `Counterpart: ${name} of ${object}`,
      mode: asynchronous,
      stage: postOperation,
      rank: 1,
      supporteddeployment: serverOnly,
      asyncautodelete: true,
      'sdkmessageid@odata.bind': `/sdkmessages(${messageId})`,
      'sdkmessagefilterid@odata.bind': `/sdkmessagefilters(${filterId})`,
      'eventhandler_serviceendpoint@odata.bind': `/serviceendpoints(${endpoint})`,
    }
    await session.send(
      { ...creating, path: 'sdkmessageprocessingsteps', body, read: () => undefined },
      signal,
    )
  }
}

const createdSchema = z.object({ serviceendpointid: z.string() })

const createEndpoint = async (
  { session }: Organisation,
  url: string,
  key: string,
  signal: AbortSignal,
): Promise<string> => {
  const body = {
    name: 'Counterpart',
    url,
    contract: webhookContract,
    authtype: httpHeader,
    authvalue: `<settings><setting name="${webhookKeyHeader}" value="${key}" /></settings>`,
    connectionmode: 1,
    messageformat: 2,
  }
  const created = await session.send(
    {
      ...creating,
      path: 'serviceendpoints?$select=serviceendpointid',
      body,
      headers: { Prefer: 'return=representation' },
      read: readJson(createdSchema),
    },
    signal,
  )
  return created.serviceendpointid
}
