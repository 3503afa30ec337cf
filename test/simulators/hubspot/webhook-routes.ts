/** The settings of an app's webhooks, as far as an app may change them itself. */
import { type ApiAnswer, type ApiCall, type ApiRoute, rootPaths } from './api-server.ts'
import { type JsonObject, readBody, readText } from './bodies.ts'
import { invalidInput, notFound } from './errors.ts'
import type { Portal } from './portal.ts'
import { eventKinds, type Subscription, type Webhooks } from './webhooks.ts'

const show = (subscription: Subscription): JsonObject => ({
  id: String(subscription.id),
  eventType: subscription.eventType,
  active: subscription.active,
  createdAt: subscription.createdAt,
  updatedAt: subscription.createdAt,
  ...(subscription.propertyName === null ? {} : { propertyName: subscription.propertyName }),
  ...(subscription.objectTypeId === null ? {} : { objectTypeId: subscription.objectTypeId }),
})

export function listWebhookRoutes(portal: Portal, webhooks: Webhooks): readonly ApiRoute[] {
  const route = (
    method: ApiRoute['method'],
    rest: string,
    handle: (call: ApiCall) => ApiAnswer,
  ): ApiRoute => ({
    method,
    paths: rootPaths('webhooks', `/:appId${rest}`, ['v3']),
    operation: 'webhook-settings',
    handle(call) {
      if (call.params['appId'] !== String(portal.appId)) throw notFound('No app with this id')
      return handle(call)
    },
  })
  const showSettings = () => ({
    targetUrl: webhooks.target,
    throttling: { maxConcurrentRequests: 10 },
    createdAt: portal.now().toISOString(),
  })

  function find(call: ApiCall): Subscription {
    const wanted = Number(call.params['subscriptionId'])
    const found = webhooks.subscriptions.find(({ id }) => id === wanted)
    if (found === undefined) throw notFound('No subscription with this id')
    return found
  }

  function create(call: ApiCall): ApiAnswer {
    const body = readBody(call.body)
    const eventType = readText(body['eventType']) ?? ''
    const objectTypeId = readText(body['objectTypeId'])
    const propertyName = readText(body['propertyName'])
    const [object, kind] = eventType.split('.')
    const known = [...portal.tables.values()].map(({ schema }) => schema.singular)
    const names = objectTypeId === null ? known : ['object']
    if (!names.includes(object ?? '') || !eventKinds.some((each) => each === kind))
      throw invalidInput(`${eventType} is no event type`)
    if (kind === 'propertyChange' && propertyName === null)
      throw invalidInput('propertyName is needed to subscribe to changes of a property')
    const active = body['active'] === true
    const made = webhooks.subscribe({ eventType, objectTypeId, propertyName, active })
    return { status: 201, body: show(made) }
  }

  return [
    route('GET', '/settings', () => {
      if (webhooks.target === null) throw notFound('No settings')
      return { status: 200, body: showSettings() }
    }),
    route('PUT', '/settings', (call) => {
      const targetUrl = readText(readBody(call.body)['targetUrl'])
      if (targetUrl === null || !URL.canParse(targetUrl)) throw invalidInput('targetUrl is no URL')
      webhooks.target = targetUrl
      return { status: 200, body: showSettings() }
    }),
    route('DELETE', '/settings', () => {
      webhooks.target = null
      return { status: 204 }
    }),
    route('GET', '/subscriptions', () => ({
      status: 200,
      body: { results: webhooks.subscriptions.map(show) },
    })),
    route('POST', '/subscriptions', create),
    route('GET', '/subscriptions/:subscriptionId', (call) => ({ status: 200, body: show(find(call)) })),
    route('DELETE', '/subscriptions/:subscriptionId', (call) => {
      webhooks.unsubscribe(find(call).id)
      return { status: 204 }
    }),
  ]
}
