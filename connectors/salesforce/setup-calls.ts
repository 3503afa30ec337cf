import { z } from 'zod'
import { describeReplySchema } from './fields.ts'
import type { Row } from './records.ts'
import { orNull } from './refusals.ts'
import type { Session } from './session.ts'
import { checkName, quoteText } from './soql.ts'

/** What set-up asks of the organisation; every call is one of `setup` for the gate. */
export interface SetupCalls {
  /** Null where there is no such object, or none that our user may see. */
  describe(object: string): Promise<z.infer<typeof describeReplySchema> | null>
  query(root: 'data' | 'tooling', soql: string): Promise<readonly Row[]>
  /** Answers null where our user may not look, or the edition knows no such thing. */
  queryIfAllowed(root: 'data' | 'tooling', soql: string): Promise<readonly Row[] | null>
  /** Answers the new id. */
  create(root: 'data' | 'tooling', object: string, body: unknown): Promise<string>
  update(object: string, id: string, body: unknown): Promise<void>
}

const queryReplySchema = z.object({ records: z.array(z.looseObject({ Id: z.string().default('') })) })
const createdSchema = z.object({ id: z.string() })
const roots = { data: '', tooling: '/tooling' } as const

export const textLiteral = quoteText

export function createSetupCalls(session: Session, signal: AbortSignal): SetupCalls {
  async function send<T>(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    read: (body: unknown) => T,
    body?: unknown,
  ) {
    const call = { operation: 'setup', object: null, records: 0, method, path, read } as const
    const { value } = await session.send(body === undefined ? call : { ...call, body }, signal)
    return value
  }

  const query: SetupCalls['query'] = (root, soql) =>
    send(
      'GET',
      `${roots[root]}/query?q=${encodeURIComponent(soql)}`,
      (body) => queryReplySchema.parse(body).records,
    )

  return {
    describe: (object) =>
      orNull(() =>
        send('GET', `/sobjects/${checkName(object)}/describe`, (body) => describeReplySchema.parse(body)),
      ),
    query,
    queryIfAllowed: (root, soql) => orNull(() => query(root, soql)),
    create: (root, object, body) =>
      send('POST', `${roots[root]}/sobjects/${object}`, (answer) => createdSchema.parse(answer).id, body),
    update: (object, id, body) => send('PATCH', `/sobjects/${object}/${id}`, () => undefined, body),
  }
}
