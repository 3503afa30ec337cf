/**
 * A client with nothing of ours behind it: drives a connector with prepared commands, in full batches, one after the
 * other, and tells how long that took. Started as its own process by `bare-client.ts`, which it answers.
 */
import type { WriteCommand } from '#connectors/connector.ts'
import type { Vendor } from '#connectors/registry.ts'
import { openConnector } from './open-connector.ts'

export type Order =
  | {
      readonly kind: 'open'
      readonly vendor: Vendor
      readonly credentials: Readonly<Record<string, unknown>>
    }
  | {
      readonly kind: 'write'
      readonly commands: readonly WriteCommand[]
      readonly batch: 'create' | 'update'
    }
  | {
      readonly kind: 'read'
      readonly object: string
      readonly ids: readonly string[]
      readonly fields: readonly string[]
    }
  | {
      readonly kind: 'changes'
      readonly object: string
      readonly cursor: string | null
      readonly fields: readonly string[]
    }

export interface Answer {
  readonly ms: number
  /** Of what was written, in its order. */
  readonly ids: readonly string[]
  readonly records: number
  readonly cursor: string | null
  readonly error?: string
}

const signal = new AbortController().signal
let connector: ReturnType<typeof openConnector> | null = null

async function carryOut(order: Order): Promise<Omit<Answer, 'ms'>> {
  if (order.kind === 'open') {
    connector = openConnector(order.vendor, order.credentials)
    await connector.probe(signal)
    return { ids: [], records: 0, cursor: null }
  }
  if (!connector) throw new Error('Open a connector first')
  const { batch } = connector.traits
  if (order.kind === 'write') {
    const ids: string[] = []
    const size = batch[order.batch]
    for (let from = 0; from < order.commands.length; from += size) {
      for (const outcome of await connector.write(order.commands.slice(from, from + size), signal)) {
        if (!outcome.ok) throw outcome.fault
        ids.push(outcome.id)
      }
    }
    return { ids, records: ids.length, cursor: null }
  }
  if (order.kind === 'read') {
    let records = 0
    for (let from = 0; from < order.ids.length; from += batch.read) {
      const ids = order.ids.slice(from, from + batch.read)
      records += (await connector.read(order.object, ids, order.fields, signal)).length
    }
    return { ids: [], records, cursor: null }
  }
  let records = 0
  let cursor = order.cursor
  for await (const page of connector.changes(order.object, order.cursor, order.fields, signal)) {
    records += page.records.length
    cursor = page.cursor
  }
  return { ids: [], records, cursor }
}

process.on('message', (order: Order) => {
  const startedMs = performance.now()
  carryOut(order).then(
    (done) => process.send?.({ ...done, ms: performance.now() - startedMs } satisfies Answer),
    (error: unknown) =>
      process.send?.({ ms: 0, ids: [], records: 0, cursor: null, error: String(error) } satisfies Answer),
  )
})
process.on('disconnect', () => process.exit(0))
