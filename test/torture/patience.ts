import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type Api, ApiProblem } from '#test/support/api-client.ts'

const patienceMs = 240_000

/**
 * Asks as a careful client program would: the same idempotency key until there is an answer, whatever dies in between.
 * @throws the last problem when the service says no, or does not come back
 */
// biome-ignore lint/suspicious/noExplicitAny: answers are read by the harness, which states what it expects
export async function insist<Body = any>(
  api: Api,
  method: string,
  path: string,
  payload?: unknown,
): Promise<Body> {
  const deadline = Date.now() + patienceMs
  const headers: Record<string, string> = method === 'GET' ? {} : { 'idempotency-key': randomUUID() }
  for (;;) {
    try {
      return (await api.call<Body>(method, path, payload, headers)).body
    } catch (error) {
      if ((error instanceof ApiProblem && error.status < 500) || Date.now() > deadline) throw error
    }
    await delay(200)
  }
}

/** All items of a list, page by page, however often it is interrupted. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export async function insistOnAll<Item = any>(api: Api, path: string): Promise<Item[]> {
  const items: Item[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const behind: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page: { items: Item[]; nextCursor: string | null } = await insist(
      api,
      'GET',
      `${path}?limit=200${behind}`,
    )
    items.push(...page.items)
    cursor = page.nextCursor
  }
  return items
}

/** Runs tasks on a few lanes at a time, as several people would. */
export async function inLanes(lanes: number, tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...tasks]
  const lane = async () => {
    for (let task = waiting.shift(); task; task = waiting.shift()) await task()
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
