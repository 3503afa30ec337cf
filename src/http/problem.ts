import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { CounterpartError, type FieldIssue, InvalidInput, Refused } from '#src/kernel/errors.ts'

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
  409: 'Refused in the present state',
  412: 'Changed in the meantime',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Invalid input',
  429: 'Too many requests',
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

/** Issues of a zod error as JSON pointers below `at` (`/body`, `/query` ...). */
export function fieldIssues(error: z.ZodError, at: string): FieldIssue[] {
  return error.issues.slice(0, 100).map((issue) => ({
    path: [at, ...issue.path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1'))].join(
      '/',
    ),
    code: issue.code,
    message: issue.message,
  }))
}

/** Fastify's error handler: every error leaves as problem details, bugs without their text. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = problemOf(error) ?? frameworkProblem(error)
  if (!known) request.log.error({ err: error }, 'unexpected error')
  const answer =
    known ?? problem(500, 'internal_error', 'Something went wrong on our side; it has been logged')
  return reply
    .status(answer.status)
    .type(problemType)
    .serializer(JSON.stringify)
    .send({ ...answer, requestId: request.id })
}

/** Errors that the framework raises before a handler runs: unreadable JSON, too large a body, too many requests. */
function frameworkProblem(error: unknown): Problem | null {
  if (!(error instanceof Error)) return null
  const { statusCode, code, message } = error as FastifyError
  if (statusCode === undefined || statusCode >= 500) return null
  return problem(statusCode, (code ?? 'request_error').toLowerCase().replace(/^fst_err_/, ''), message)
}
