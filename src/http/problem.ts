import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { outageOf } from '#src/database/outage.ts'
import { CounterpartError, type FieldIssue, InvalidInput, Refused, TooMany } from '#src/kernel/errors.ts'

/** RFC 9457 problem details. `code` is stable; `issues` name each field that is wrong and what to do. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string().optional(),
    issues: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })).optional(),
    requestId: z.string().optional(),
  })
  .meta({ id: 'Problem' })
export type Problem = z.infer<typeof problemSchema>

export const problemType = 'application/problem+json'

const titles: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  401: 'A valid API token is needed',
  403: 'Not permitted',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Too slow',
  409: 'Refused in the present state',
  412: 'Changed in the meantime',
  413: 'Too large',
  414: 'Address too long',
  415: 'Unsupported media type',
  422: 'Invalid input',
  429: 'Too many requests',
  431: 'Headers too large',
  500: 'Internal error',
  503: 'Not available at the moment',
}

export function problem(
  status: number,
  code: string,
  detail?: string,
  issues?: readonly FieldIssue[],
): Problem {
  return {
    type: `urn:counterpart:problem:${code}`,
    title: titles[status] ?? 'Error',
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(issues && issues.length > 0 ? { issues: [...issues] } : {}),
  }
}

const codes: Readonly<Record<string, string>> = {
  InvalidInput: 'invalid_input',
  NotFound: 'not_found',
  NotAllowed: 'not_allowed',
  Stale: 'stale',
  TooMany: 'too_many',
}

/** The answer to an error; null when it is a bug, whose details stay in the log. */
export function problemOf(error: unknown): Problem | null {
  if (error instanceof Refused) return problem(error.status, error.code, error.message, error.issues)
  if (error instanceof InvalidInput)
    return problem(error.status, 'invalid_input', error.message, error.issues)
  if (error instanceof CounterpartError)
    return problem(error.status, codes[error.name] ?? 'error', error.message)
  return null
}

const pointer = (at: string, path: readonly PropertyKey[]): string =>
  [at, ...path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1'))].join('/')

/** Issues of a zod error as JSON pointers below `at` (`/body`, `/query` ...). A key too many is an issue of its own. */
export function fieldIssues(error: z.ZodError, at: string): FieldIssue[] {
  return error.issues
    .flatMap((issue): FieldIssue[] =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({
            path: pointer(at, [...issue.path, key]),
            code: issue.code,
            message: 'There is no such field',
          }))
        : [{ path: pointer(at, issue.path), code: issue.code, message: issue.message }],
    )
    .slice(0, 100)
}

/** Fastify's error handler: every error leaves as problem details, bugs without their text. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = problemOf(error) ?? frameworkProblem(error) ?? outageProblem(error)
  if (known === null) request.log.error({ err: error }, 'unexpected error')
  else if (known.status >= 500) request.log.warn({ err: error }, 'not available')
  const answer =
    known ?? problem(500, 'internal_error', 'Something went wrong on our side; it has been logged')
  const waitS = error instanceof TooMany ? error.retryAfterS : answer.status === 503 ? outageRetryS : null
  if (waitS !== null) reply.header('retry-after', waitS)
  return reply
    .status(answer.status)
    .header('cache-control', 'no-store')
    .type(problemType)
    .serializer(JSON.stringify)
    .send({ ...answer, issues: locateIssues(answer.issues, request), requestId: request.id })
}

const outageRetryS = 5
const located = /^\/(body|query|params|headers)(\/|$)/

/** Rules name fields of the input that they were given; the caller sent it as a body. */
function locateIssues(issues: Problem['issues'], request: FastifyRequest): Problem['issues'] {
  const { body } = request.routeOptions.schema ?? {}
  const fields = body instanceof z.ZodObject ? body.shape : {}
  const isOfBody = (path: string) => !located.test(path) && Object.hasOwn(fields, path.split('/')[1] ?? '')
  return issues?.map((issue) => (isOfBody(issue.path) ? { ...issue, path: `/body${issue.path}` } : issue))
}

/** What the framework refuses before a handler runs, under names of ours. */
const frameworkCodes: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'wrong_content_length',
  FST_ERR_BAD_URL: 'malformed_url',
  FST_ERR_MAX_PARAM_LENGTH: 'url_too_long',
}

function frameworkProblem(error: unknown): Problem | null {
  if (!(error instanceof Error)) return null
  const { statusCode, code = 'request_error', message } = error as FastifyError
  if (statusCode === undefined || statusCode >= 500) return null
  return problem(statusCode, frameworkCodes[code] ?? code.toLowerCase().replace(/^fst_err_/, ''), message)
}

function outageProblem(error: unknown): Problem | null {
  const outage = outageOf(error)
  if (outage === null) return null
  return outage === 'busy'
    ? problem(503, 'busy', 'Others work on the same records for too long; nothing was changed, try again')
    : problem(503, 'unavailable', 'The database cannot be reached at the moment; try again')
}
