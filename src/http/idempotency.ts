import { createHash } from 'node:crypto'
import { asSystem, type Database, type Tx } from '#src/database/database.ts'
import { type Actor, actorKey } from '#src/kernel/actor.ts'
import { canonicalJson } from '#src/kernel/canonical-json.ts'
import { InvalidInput, Refused } from '#src/kernel/errors.ts'
import { dropOldKeys, type KeptAnswer, type KeyName, keepAnswer, takeKey } from './idempotency-store.ts'
import { problem, problemType } from './problem.ts'

/** An answer as it goes out: serialised, so that a replay is the same to the byte. */
export interface SentAnswer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export const keptHours = 48
const keyPattern = /^[\x21-\x7e]{1,255}$/

export interface IdempotentCall {
  readonly actor: Actor
  readonly route: string
  readonly key: string
  readonly input: unknown
  readonly holdsSecret: boolean
}

/**
 * Runs a mutation once per (actor, route, key): the key is inserted first in the mutation's own transaction. Successes
 * and refusals are kept; invalid input and our own errors leave nothing, so the caller may correct and repeat.
 * @throws Refused `idempotency_key_reused` when the key came with another input before; InvalidInput for a bad key
 */
export async function runOnce(
  database: Database,
  call: IdempotentCall,
  work: (tx: Tx) => Promise<SentAnswer>,
): Promise<SentAnswer> {
  if (!keyPattern.test(call.key)) {
    const message = 'An Idempotency-Key has 1 to 255 printable ASCII characters without spaces'
    throw new InvalidInput(message, [{ path: '/headers/idempotency-key', code: 'invalid_key', message }])
  }
  const name = { actor: actorKey(call.actor), route: call.route, key: call.key }
  const inputHash = createHash('sha256').update(canonicalJson(call.input)).digest('hex')
  try {
    return await database.transact(call.actor, async (tx) => {
      const kept = await replay(tx, name, inputHash)
      if (kept) return kept
      const answer = await work(tx)
      // Mostly the work ended with a step of the system: then this needs no change of the role.
      await asSystem(tx, (system) => keepAnswer(system, name, { ...answer, holdsSecret: call.holdsSecret }))
      return answer
    })
  } catch (error) {
    if (!(error instanceof Refused) || error.code.startsWith('idempotency_')) throw error
    return keepRefusal(database, call.actor, name, inputHash, error)
  }
}

async function replay(tx: Tx, name: KeyName, inputHash: string): Promise<SentAnswer | null> {
  const stored = await takeKey(tx, name, inputHash)
  if (!stored) return null
  if (stored.inputHash !== inputHash) {
    throw new Refused(
      'idempotency_key_reused',
      'This Idempotency-Key was used with another request. Use a new key for a new request.',
    )
  }
  if (stored.status === null)
    throw new Refused('idempotency_in_progress', 'The first request with this key is not done')
  const headers = { ...stored.headers, 'idempotency-replayed': 'true' }
  if (stored.holdsSecret) {
    return { status: stored.status, body: JSON.stringify({ replayed: true, secret: null }), headers }
  }
  return { status: stored.status, body: stored.body ?? '', headers }
}

/** The work rolled back with its key; the refusal itself is kept in a unit of work of its own. */
async function keepRefusal(
  database: Database,
  actor: Actor,
  name: KeyName,
  inputHash: string,
  refusal: Refused,
): Promise<SentAnswer> {
  const answer: KeptAnswer = {
    status: refusal.status,
    body: JSON.stringify(problem(refusal.status, refusal.code, refusal.message, refusal.issues)),
    headers: { 'content-type': problemType },
    holdsSecret: false,
  }
  return database.transact(actor, async (tx) => {
    const kept = await replay(tx, name, inputHash)
    if (kept) return kept
    await keepAnswer(tx, name, answer)
    return answer
  })
}

export async function forgetOldAnswers(tx: Tx): Promise<void> {
  await dropOldKeys(tx, keptHours)
}
