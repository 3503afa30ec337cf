import {
  Client,
  type Context,
  GraphError,
  HTTPMessageHandler,
  type Middleware,
  PageIterator,
  ResponseType,
} from '@microsoft/microsoft-graph-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requestToken } from '#test/simulators/dynamics/session.ts'
import { type DynamicsSimulator, startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'

let simulator: DynamicsSimulator
let client: Client

/** The client itself sends a token over https alone. */
class Authorised implements Middleware {
  readonly #next = new HTTPMessageHandler()
  readonly #token: string
  constructor(token: string) {
    this.#token = token
  }
  async execute(context: Context): Promise<void> {
    const headers = new Headers(context.options?.headers as Record<string, string> | undefined)
    headers.set('authorization', `Bearer ${this.#token}`)
    headers.set('odata-version', '4.0')
    context.options = { ...context.options, headers: Object.fromEntries(headers) }
    await this.#next.execute(context)
  }
}

beforeEach(async () => {
  simulator = await startDynamicsSimulator()
  const { body } = await requestToken(simulator)
  client = Client.initWithMiddleware({
    baseUrl: `${simulator.url}/api/data/`,
    defaultVersion: 'v9.2',
    middleware: new Authorised(String(body.access_token)),
  })
})

afterEach(() => simulator.close())

describe('through the Graph client', () => {
  it('records are written by key and read with a choice of columns', async () => {
    const created = await client
      .api("/opportunities(prm_dealid='d-1')")
      .header('Prefer', 'return=representation')
      .patch({ name: 'Deal', estimatedvalue: 10 })
    expect(created).toMatchObject({ prm_dealid: 'd-1', estimatedvalue: 10 })
    const read = await client.api('/opportunities').select('name').filter("prm_dealid eq 'd-1'").get()
    expect(read.value).toMatchObject([{ name: 'Deal', opportunityid: created.opportunityid }])
  })

  it('errors come with their code and status', async () => {
    const failing = client.api("/opportunities(prm_dealid='none')").get()
    await expect(failing).rejects.toBeInstanceOf(GraphError)
    await expect(failing).rejects.toMatchObject({ statusCode: 404, code: '0x80060891' })
    const stale = client.api("/opportunities(prm_dealid='d-1')").header('If-Match', '*').patch({ name: 'x' })
    await expect(stale).rejects.toMatchObject({ statusCode: 404, code: '0x80060891' })
  })

  it('changes are followed from page to page and on by the delta link', async () => {
    simulator.insertMany('account', [{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    const headers = { Prefer: 'odata.track-changes,odata.maxpagesize=2' }
    const first = await client.api('/accounts').select('name').headers(headers).get()
    const seen: string[] = []
    // Over http the client cannot follow absolute links: relative ones stand in for them.
    const relative = (link: string) => link.slice(`${simulator.url}/api/data/v9.2`.length)
    const page = { ...first, '@odata.nextLink': undefined }
    const iterator = new PageIterator(client, page, ({ name }: { name: string }) => seen.push(name) > 0)
    await iterator.iterate()
    const second = await client.api(relative(first['@odata.nextLink'])).headers(headers).get()
    expect([...seen, ...second.value.map(({ name }: { name: string }) => name)]).toEqual(['a', 'b', 'c'])
    simulator.insert('account', { name: 'd' })
    const changes = await client.api(relative(second['@odata.deltaLink'])).get()
    expect(changes.value).toMatchObject([{ name: 'd' }])
  })

  it('a batch goes out and comes back as text', async () => {
    const text = [
      '--batch_1',
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      '',
      'POST /api/data/v9.2/accounts HTTP/1.1',
      'Content-Type: application/json',
      '',
      '{"name":"Acme"}',
      '--batch_1--',
      '',
    ].join('\r\n')
    const answer = await client
      .api('/$batch')
      .header('Content-Type', 'multipart/mixed; boundary=batch_1')
      .responseType(ResponseType.TEXT)
      .post(text)
    expect(answer).toContain('HTTP/1.1 204 No Content')
    expect(simulator.list('account')).toMatchObject([{ name: 'Acme' }])
  })

  it('functions are called with parameters', async () => {
    const path = "/RetrieveCurrentOrganization(AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Default')"
    const { Detail } = await client.api(path).get()
    expect(Detail).toMatchObject({ OrganizationId: simulator.organisationId, State: 'Enabled' })
  })
})
