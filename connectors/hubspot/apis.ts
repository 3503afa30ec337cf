import * as associations from '@hubspot/api-client/lib/codegen/crm/associations/v4/index.js'
import * as labels from '@hubspot/api-client/lib/codegen/crm/associations/v4/schema/index.js'
import * as objects from '@hubspot/api-client/lib/codegen/crm/objects/index.js'
import * as owners from '@hubspot/api-client/lib/codegen/crm/owners/index.js'
import * as pipelines from '@hubspot/api-client/lib/codegen/crm/pipelines/index.js'
import * as properties from '@hubspot/api-client/lib/codegen/crm/properties/index.js'
import * as oauth from '@hubspot/api-client/lib/codegen/oauth/index.js'
import { accepted, type FetchLeg } from '../wire/fetch-leg.ts'
import { type ApiRelease, calledPath } from './api-paths.ts'

/** Where and as whom to call. */
export interface Access {
  readonly apiUrl: string
  readonly release: ApiRelease
  /** Null only for the token endpoint. */
  readonly accessToken: string | null
}

/** What every generated part of the client brings along, each with classes of its own. */
interface Generated<Request extends GeneratedRequest, Answer, Library, Server, Configuration> {
  readonly ServerConfiguration: new (url: string, variables: Record<string, string>) => Server
  readonly ResponseContext: new (
    status: number,
    headers: Record<string, string>,
    body: { text(): Promise<string>; binary(): Promise<Buffer> },
  ) => Answer
  wrapHttpLibrary(library: { send(request: Request): Promise<Answer> }): Library
  createConfiguration(options: {
    baseServer: Server
    httpApi: Library
    authMethods: { default?: never; oauth2?: { accessToken: string } }
  }): Configuration
}
interface GeneratedRequest {
  getUrl(): string
  getHttpMethod(): string
  getHeaders(): Record<string, string>
  getBody(): unknown
}

/** The client's APIs over one leg. It would drop members of a refusal that it does not know: refusals are kept from it. Their retries and limiter are not in play: those belong to its `Client` class. */
export function createApis(leg: FetchLeg, access: Access) {
  const urlOf = (generated: string): string => {
    const url = new URL(generated)
    url.pathname = calledPath(url.pathname, access.release)
    return url.href
  }

  function configure<Request extends GeneratedRequest, Answer, Library, Server, Configuration>(
    part: Generated<Request, Answer, Library, Server, Configuration>,
  ): Configuration {
    const { accessToken } = access
    return part.createConfiguration({
      baseServer: new part.ServerConfiguration(access.apiUrl, {}),
      httpApi: part.wrapHttpLibrary({
        send: async (request) => {
          const body = request.getBody()
          const { status, headers, text } = accepted(
            await leg.send(urlOf(request.getUrl()), {
              method: request.getHttpMethod(),
              headers: request.getHeaders(),
              ...(body === undefined ? {} : { body: String(body) }),
            }),
          )
          return new part.ResponseContext(status, Object.fromEntries(headers), {
            text: async () => text,
            binary: async () => Buffer.from(text),
          })
        },
      }),
      authMethods: accessToken === null ? {} : { oauth2: { accessToken } },
    })
  }

  return {
    batches: () => new objects.BatchApi(configure(objects)),
    records: () => new objects.BasicApi(configure(objects)),
    search: () => new objects.SearchApi(configure(objects)),
    properties: () => new properties.CoreApi(configure(properties)),
    propertyGroups: () => new properties.GroupsApi(configure(properties)),
    pipelines: () => new pipelines.PipelinesApi(configure(pipelines)),
    owners: () => new owners.OwnersApi(configure(owners)),
    associations: () => new associations.BatchApi(configure(associations)),
    associationLabels: () => new labels.DefinitionsApi(configure(labels)),
    tokens: () => new oauth.TokensApi(configure(oauth)),
    /** A call that the client has no method for; answers the parsed body. */
    async call(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
      const isForm = body instanceof URLSearchParams
      const answer = await leg.send(urlOf(new URL(path, access.apiUrl).href), {
        method,
        headers: {
          accept: 'application/json',
          ...(access.accessToken === null ? {} : { authorization: `Bearer ${access.accessToken}` }),
          ...(body === undefined
            ? {}
            : { 'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json' }),
        },
        ...(body === undefined ? {} : { body: isForm ? body.toString() : JSON.stringify(body) }),
      })
      return JSON.parse(accepted(answer).text)
    },
  }
}
export type Apis = ReturnType<typeof createApis>

/** The client believes whatever it is sent: an answer without a list is none, and what became of the call is open. */
export function listed<T extends { readonly results: readonly unknown[] }>(answer: T): T {
  const found: unknown = answer?.results
  if (Array.isArray(found) && found.every((entry) => typeof entry === 'object' && entry !== null))
    return answer
  throw new Error('The answer holds no list of results')
}

interface Identified {
  readonly id: string
  readonly properties: Readonly<Record<string, string | null>>
}

/** The same for records, each with its id and properties. */
export function listedRecords<T extends { readonly results: readonly Identified[] }>(answer: T): T {
  const isRecord = ({ id, properties }: Partial<Identified>) =>
    typeof id === 'string' && typeof properties === 'object' && properties !== null
  if (listed(answer).results.every(isRecord)) return answer
  throw new Error('The answer holds something else than records')
}
