import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Hint, InboundRequest, Received } from '../connector.ts'
import { isRecordId } from './odata.ts'

/** The header that our own registration adds to every notification. */
export const webhookKeyHeader = 'x-counterpart-key'

const referenceSchema = z.object({ Id: z.string(), LogicalName: z.string() })
const pairsSchema = z.array(z.object({ key: z.string(), value: z.unknown() }))
const entitySchema = z.object({ LogicalName: z.string(), Attributes: pairsSchema.nullish() })

/** RemoteExecutionContext, as far as it is needed; above 256 kB it comes without parameters and images. */
const contextSchema = z.object({
  PrimaryEntityName: z.string(),
  PrimaryEntityId: z.string(),
  OperationId: z.string(),
  InitiatingUserId: z.string().nullish(),
  InputParameters: pairsSchema.nullish(),
})
type Context = z.infer<typeof contextSchema>

/**
 * Takes a notification. Dataverse signs nothing: a shared secret in a header (or as `code` in the address, where people
 * registered it so) is all the proof there is, so what it says is never taken for true, only for a reason to read. One
 * operation may be told several times, by several steps and by a repeated delivery; it counts once per record.
 */
export function receiveNotification(request: InboundRequest, webhookKey: string | undefined): Received {
  if (webhookKey === undefined) return refuse(404, 'No webhook key is set for this connection')
  if (request.method !== 'POST') return refuse(405, 'Notifications are sent by POST')
  const shown = request.headers[webhookKeyHeader] ?? codeIn(request.url)
  if (shown === null || !isSame(shown, webhookKey)) return refuse(401, 'The webhook key is missing or wrong')
  const context = readContext(request.body)
  if (!context) return refuse(400, 'The body is no execution context of Dataverse')
  return {
    kind: 'accepted',
    hints: hintsOf(context),
    reply: { status: 200, contentType: 'text/plain; charset=utf-8', body: '' },
  }
}

const refuse = (status: number, reason: string): Received => ({ kind: 'refused', status, reason })

const codeIn = (url: string): string | null =>
  URL.canParse(url) ? new URL(url).searchParams.get('code') : null

/** Digests have one length, so neither length nor content of the key shows in the time it takes. */
function isSame(shown: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(shown), digest(expected))
}

function readContext(body: Uint8Array): Context | null {
  try {
    return contextSchema.parse(JSON.parse(new TextDecoder().decode(body)))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null
    throw error
  }
}

/** The record itself, the opportunity that a closing is about, and the record that was merged into another. */
function hintsOf(context: Context): readonly Hint[] {
  const parameters = context.InputParameters ?? []
  const closed = parameters.flatMap(({ value }) => closedOpportunity(value))
  const loser = parameters.find(({ key }) => key === 'SubordinateId')?.value
  const records = [
    ...(context.PrimaryEntityName === 'opportunityclose'
      ? closed
      : [{ object: context.PrimaryEntityName, id: context.PrimaryEntityId }, ...closed]),
    ...(typeof loser === 'string' ? [{ object: context.PrimaryEntityName, id: loser }] : []),
  ]
  const operation = context.OperationId.toLowerCase()
  const by = context.InitiatingUserId ? { by: context.InitiatingUserId.toLowerCase() } : {}
  const hints = records
    .filter(({ id }) => isRecordId(id) && !/^[0-]+$/.test(id))
    .map(({ object, id }) => {
      const record = id.toLowerCase()
      return { object, id: record, deduplicationKey: `${operation}/${object}/${record}`, ...by }
    })
  return [...new Map(hints.map((hint) => [hint.deduplicationKey, hint])).values()]
}

/** `Win` and `Lose` carry the closing activity, which points to its opportunity. */
function closedOpportunity(value: unknown): readonly { readonly object: string; readonly id: string }[] {
  const entity = entitySchema.safeParse(value)
  if (!entity.success || entity.data.LogicalName !== 'opportunityclose') return []
  const pointed = (entity.data.Attributes ?? []).find(({ key }) => key === 'opportunityid')?.value
  const reference = referenceSchema.safeParse(pointed)
  return reference.success ? [{ object: reference.data.LogicalName, id: reference.data.Id }] : []
}
