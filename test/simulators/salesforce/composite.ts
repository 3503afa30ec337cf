/** Up to 25 subrequests in one call, each able to refer to the answers of those before it. */
import type { ApiAnswer, ApiCall, ApiRoute } from './api-server.ts'
import { apiBase, errorBody } from './api-server.ts'
import { isJsonObject, type JsonObject, readBody } from './bodies.ts'
import { CallError } from './errors.ts'
import type { Organisation } from './organisation.ts'

const maxSubrequests = 25

interface Subanswer {
  readonly body: unknown
  readonly httpHeaders: Readonly<Record<string, string>>
  readonly httpStatusCode: number
  readonly referenceId: string
}

function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | null {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return null
  const params: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = decodeURIComponent(given[index] ?? '')
    if (part.startsWith(':')) params[part.slice(1)] = value
    else if (part !== value) return null
  }
  return params
}

/** `@{ref.id}` and `@{ref[0].id}` stand for values of earlier answers. */
function resolveReference(expression: string, answers: ReadonlyMap<string, unknown>): unknown {
  const [name = '', ...steps] = expression.split(/[.[\]]+/).filter((part) => part !== '')
  if (!answers.has(name)) {
    throw new CallError(400, 'PROCESSING_HALTED', `Invalid reference specified. No value for ${name} found`)
  }
  let value = answers.get(name)
  for (const step of steps) {
    const holder = value as Readonly<Record<string, unknown>> | null | undefined
    value = holder?.[step]
    if (value === undefined) {
      throw new CallError(
        400,
        'PROCESSING_HALTED',
        `Invalid reference specified. No value for ${expression} found`,
      )
    }
  }
  return value
}

function substitute(value: unknown, answers: ReadonlyMap<string, unknown>): unknown {
  if (typeof value === 'string') {
    return value.replace(/@\{([^}]+)\}/g, (_, expression: string) =>
      String(resolveReference(expression, answers)),
    )
  }
  if (Array.isArray(value)) return value.map((each) => substitute(each, answers))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, substitute(each, answers)]))
}

function readSubrequests(body: JsonObject): readonly JsonObject[] {
  const list = body['compositeRequest']
  if (!Array.isArray(list) || !list.every(isJsonObject)) {
    throw new CallError(400, 'JSON_PARSER_ERROR', 'compositeRequest must be a list of subrequests')
  }
  if (list.length > maxSubrequests) {
    throw new CallError(
      400,
      'LIMIT_EXCEEDED',
      `The composite request holds more than ${maxSubrequests} subrequests`,
    )
  }
  const names = list.map((each) => String(each['referenceId'] ?? ''))
  if (names.some((name) => !/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) || new Set(names).size < names.length) {
    throw new CallError(400, 'INVALID_FIELD', 'Each subrequest needs a referenceId of its own')
  }
  return list
}

/** `routes` are those that a subrequest may reach. */
export function listCompositeRoutes(
  organisation: Organisation,
  routes: readonly ApiRoute[],
): readonly ApiRoute[] {
  function dispatch(call: ApiCall, subrequest: JsonObject, answers: ReadonlyMap<string, unknown>): ApiAnswer {
    const url = new URL(String(substitute(subrequest['url'], answers)), 'http://organisation')
    const path = url.pathname.startsWith(`${apiBase}/`) ? url.pathname.slice(apiBase.length) : ''
    for (const route of routes) {
      const params = route.method === subrequest['method'] ? matchPath(route.path, path) : null
      if (params === null) continue
      const body = substitute(subrequest['body'], answers)
      return route.handle({ ...call, params, query: Object.fromEntries(url.searchParams), body })
    }
    throw new CallError(404, 'NOT_FOUND', 'The requested resource does not exist')
  }

  function answer(call: ApiCall, subrequest: JsonObject, answers: Map<string, unknown>): Subanswer {
    const referenceId = String(subrequest['referenceId'])
    try {
      const { body, headers = {}, status } = dispatch(call, subrequest, answers)
      if (status < 300) answers.set(referenceId, body ?? null)
      return { body: body ?? null, httpHeaders: headers, httpStatusCode: status, referenceId }
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      return { body: errorBody(error), httpHeaders: {}, httpStatusCode: error.status, referenceId }
    }
  }

  function handle(call: ApiCall): ApiAnswer {
    const body = readBody(call.body)
    const subrequests = readSubrequests(body)
    const answers = new Map<string, unknown>()
    let results: readonly Subanswer[] = []
    const kept = organisation.tables.attempt(() => {
      results = subrequests.map((subrequest) => answer(call, subrequest, answers))
      return body['allOrNone'] !== true || results.every((result) => result.httpStatusCode < 300)
    })
    const halted = {
      errorCode: 'PROCESSING_HALTED',
      message: 'The transaction was rolled back since another operation in the same transaction failed.',
    }
    const compositeResponse = results.map((result) =>
      kept || result.httpStatusCode >= 300
        ? result
        : { ...result, body: [halted], httpHeaders: {}, httpStatusCode: 400 },
    )
    return { status: 200, body: { compositeResponse }, records: subrequests.length }
  }

  return [{ method: 'POST', path: '/composite', operation: 'composite', handle }]
}
