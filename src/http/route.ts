/**
 * How a capability states its HTTP routes: as data, so that documentation, access checks, idempotency and tests see the
 * same list. A handler runs inside one unit of work of its actor; it holds no rules of its own.
 */
import type { FastifyBaseLogger } from 'fastify'
import type { z } from 'zod'
import type { Database, Tx } from '#src/database/database.ts'
import type { Actor, Role } from '#src/kernel/actor.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Roles that may call, or `anyone` (no token needed). */
export type Access = readonly Role[] | 'anyone'

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined
type Answers = { readonly [status: number]: z.ZodType }

/** What a handler answers: one of the statuses it declared, with the body of that status. */
export type Answer<Declared extends Answers> = {
  [Status in keyof Declared & number]: {
    readonly status: Status
    readonly body: z.output<Declared[Status]>
    /** Revision of the record in the answer, sent as ETag. */
    readonly etag?: number
    readonly headers?: Readonly<Record<string, string>>
  }
}[keyof Declared & number]

export interface RouteContext<Params, Query, Body> {
  readonly tx: Tx
  readonly actor: Actor
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Revision that the caller read (If-Match), or null when it did not say. */
  readonly ifMatch: number | null
  readonly log: FastifyBaseLogger
}

/** For the few routes that call a CRM: no transaction may be open then, so they open short ones themselves. */
export interface NetworkContext<Params, Query, Body> extends Omit<RouteContext<Params, Query, Body>, 'tx'> {
  readonly database: Database
  /** Aborts when the caller goes away or the request takes too long. */
  readonly signal: AbortSignal
}

/** For the few routes whose body or answer is too large to hold: it flows, in short transactions of their own. */
export interface StreamContext<Params, Query>
  extends NetworkContext<Params, Query, AsyncIterable<Uint8Array>> {}

/** For the few callers that prove themselves by what they send: everything is as it arrived, nothing was validated. */
export interface RawContext {
  readonly params: Readonly<Record<string, string>>
  readonly method: Method
  /** What follows the path, with its question mark; empty when nothing does. */
  readonly search: string
  /** Names in lower case; of one that came several times, all values with a comma between them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface RawAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

interface Documented {
  readonly method: Method
  /** Starts with /api/v1, but for what others call of their own accord; parameters as :name. */
  readonly path: string
  readonly summary: string
  readonly description?: string
  readonly tag: string
  readonly access: Access
}

interface Schemas<Params, Query, Body, Declared extends Answers> extends Documented {
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  readonly answers: Declared
  /** The answer holds a secret: a replay of the same idempotency key leaves the body out. */
  readonly holdsSecret?: boolean
  /** Media type of a text answer other than JSON, for example text/csv. The body is then a string. */
  readonly contentType?: string
}

export interface RouteDefinition<Params, Query, Body, Declared extends Answers>
  extends Schemas<Params, Query, Body, Declared> {
  handle(
    context: RouteContext<Output<Params>, Output<Query>, Output<Body>>,
  ): Promise<Answer<NoInfer<Declared>>>
}

export interface NetworkRouteDefinition<Params, Query, Body, Declared extends Answers>
  extends Schemas<Params, Query, Body, Declared> {
  handle(
    context: NetworkContext<Output<Params>, Output<Query>, Output<Body>>,
  ): Promise<Answer<NoInfer<Declared>>>
}

/** What a stream route answers: as declared, or the same as text that flows. */
export type StreamAnswer<Declared extends Answers> =
  | Answer<Declared>
  | {
      readonly status: keyof Declared & number
      readonly body: AsyncIterable<string>
      readonly headers?: Readonly<Record<string, string>>
    }

export interface StreamRouteDefinition<Params, Query, Declared extends Answers>
  extends Omit<Schemas<Params, Query, undefined, Declared>, 'body'> {
  /** The only media type of its body, and how large it may be; without it the route takes no body. */
  readonly takes?: { readonly mediaType: string; readonly limitBytes: number; readonly description: string }
  handle(context: StreamContext<Output<Params>, Output<Query>>): Promise<StreamAnswer<NoInfer<Declared>>>
}

export interface RawRouteDefinition<Declared extends Answers> extends Documented {
  readonly params?: z.ZodType
  readonly takes: { readonly limitBytes: number; readonly description: string }
  /** What it usually answers; whoever is served decides. */
  readonly answers: Declared
  handle(context: RawContext): Promise<RawAnswer>
}

interface AnyAnswer {
  readonly status: number
  readonly body: unknown
  readonly etag?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A route whose types are checked and then forgotten, as the server needs it. */
export interface Route extends Documented {
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  readonly answers: Answers
  readonly holdsSecret: boolean
  readonly contentType: string | null
  readonly run:
    | {
        readonly kind: 'transaction'
        handle(context: RouteContext<unknown, unknown, unknown>): Promise<AnyAnswer>
      }
    | {
        readonly kind: 'network'
        handle(context: NetworkContext<unknown, unknown, unknown>): Promise<AnyAnswer>
      }
    | {
        readonly kind: 'stream'
        readonly takes: StreamRouteDefinition<undefined, undefined, Answers>['takes'] | null
        handle(context: StreamContext<unknown, unknown>): Promise<AnyAnswer>
      }
    | {
        readonly kind: 'raw'
        readonly takes: RawRouteDefinition<Answers>['takes']
        handle(context: RawContext): Promise<RawAnswer>
      }
}

export function route<
  const Declared extends Answers,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(definition: RouteDefinition<Params, Query, Body, Declared>): Route {
  const { handle, ...described } = definition
  // The server hands over what it validated against this very definition's schemas.
  return stated(described, { kind: 'transaction', handle: handle as never })
}

/** A route that calls a CRM while it runs. It takes no idempotency key: state a mutation as a route. */
export function networkRoute<
  const Declared extends Answers,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(definition: NetworkRouteDefinition<Params, Query, Body, Declared>): Route {
  const { handle, ...described } = definition
  return stated(described, { kind: 'network', handle: handle as never })
}

/** A route whose body or answer flows. It takes no idempotency key: what it does must be safe to repeat. */
export function streamRoute<
  const Declared extends Answers,
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
>(definition: StreamRouteDefinition<Params, Query, Declared>): Route {
  const { handle, takes, ...described } = definition
  return stated(described, { kind: 'stream', takes: takes ?? null, handle: handle as never })
}

/**
 * A route whose caller is known by a signature over the bytes of the request. It takes no idempotency key, opens its own
 * short transactions, and only its refusals count against the limit of requests.
 */
export function rawRoute<const Declared extends Answers>(definition: RawRouteDefinition<Declared>): Route {
  const { handle, takes, ...described } = definition
  return stated({ contentType: 'text/plain', ...described }, { kind: 'raw', takes, handle })
}

function stated(described: object, run: Route['run']): Route {
  return { holdsSecret: false, contentType: null, ...described, run } as Route
}
