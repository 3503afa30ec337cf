import type { Database } from '#src/database/database.ts'
import { systemActor } from '#src/kernel/actor.ts'
import { signedHeaders } from './signature.ts'
import { type Receipt, retryDelayMs, type Sender } from './webhook.ts'
import {
  type DueDelivery,
  lockEndpoint,
  type Settlement,
  settle,
  takeDue,
  updateEndpoint,
} from './webhook-store.ts'
import type { Secrets } from './webhook-use-cases.ts'

const actor = systemActor('webhook delivery')
/** Longer than any attempt, so that nobody else sends what is being sent. */
const leaseMs = 5 * 60_000
/** One slow receiver gets so many requests at once, and holds up nobody else. */
const atOnce = 4
const longestError = 500

/**
 * Sends what is due. At least once: a process that dies between sending and noting it leaves the delivery to the next,
 * with the same `webhook-id`. @returns how many were taken; as many as the limit means that more may wait
 */
export async function deliverDue(
  database: Database,
  deps: { readonly secrets: Pick<Secrets, 'open'>; readonly sender: Sender; now(): Date },
  limit: number,
): Promise<number> {
  const due = await database.transact(actor, (tx) => takeDue(tx, limit, leaseMs))
  const byEndpoint = Map.groupBy(due, ({ endpointId }) => endpointId)
  await Promise.all([...byEndpoint.values()].map((deliveries) => deliverTo(database, deps, deliveries)))
  return due.length
}

async function deliverTo(
  database: Database,
  { secrets, sender, now }: Parameters<typeof deliverDue>[1],
  deliveries: readonly DueDelivery[],
): Promise<void> {
  for (let start = 0; start < deliveries.length; start += atOnce) {
    const group = deliveries.slice(start, start + atOnce)
    const receipts = await Promise.all(group.map(sendOne))
    const settlements = group.map((delivery, index) => settlementOf(delivery, receipts[index]))
    const gone = group.find((_, index) => isGone(receipts[index]))
    await database.transact(actor, async (tx) => {
      await settle(tx, settlements)
      const endpoint = gone ? await lockEndpoint(tx, gone.endpointId) : undefined
      if (!endpoint) return
      await updateEndpoint(tx, {
        ...endpoint,
        enabled: false,
        disabledReason: 'The receiver answered 410: it wants no more',
      })
    })
  }

  async function sendOne(delivery: DueDelivery): Promise<Receipt> {
    const sealed = [delivery.secret, delivery.previousSecret].filter((one) => one !== null)
    let headers: Readonly<Record<string, string>>
    try {
      const opened = await Promise.all(sealed.map((one) => secrets.open(delivery.endpointId, one)))
      headers = signedHeaders(delivery, opened.map(String), now())
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const told = `It cannot be signed: ${reason}`
      return { kind: 'failed', status: null, error: told, gone: false, retryAfterMs: 0 }
    }
    return sender.send(delivery.url, headers, delivery.payload)
  }
}

const isGone = (receipt: Receipt | undefined): boolean => receipt?.kind === 'failed' && receipt.gone

function settlementOf({ id, endpointId, attempts }: DueDelivery, receipt: Receipt | undefined): Settlement {
  const own = { id, endpointId, attempts }
  if (receipt?.kind === 'delivered')
    return { ...own, state: 'delivered', status: receipt.status, error: null, delayMs: 0 }
  const delayMs = retryDelayMs(attempts, receipt?.retryAfterMs)
  return {
    ...own,
    state: delayMs === null ? 'failed' : 'pending',
    status: receipt?.status ?? null,
    error: (receipt?.error ?? 'It was not sent').slice(0, longestError),
    delayMs: delayMs ?? 0,
  }
}
