/** What the calls to a CRM were for, by its own log of them. */
import type { Vendor } from '#connectors/registry.ts'
import { round1 } from './turns.ts'

/** A call as any simulator logs it. A call that holds others names them where its log can. */
interface LoggedCall {
  readonly operation: string
  readonly object: string | null
  readonly records: number
  readonly parts?: readonly { readonly operation: string; readonly object: string | null }[]
}

type Purpose = 'write' | 'read' | 'poll' | 'other'

const rules: Readonly<Record<Vendor, readonly (readonly [RegExp, Purpose])[]>> = {
  salesforce: [
    [/^(?:collections-)?(?:create|update|upsert|delete)$/, 'write'],
    [/^(?:collections-)?read$/, 'read'],
    [/^(?:query|query-more|updated|deleted)$/, 'poll'],
  ],
  dynamics: [
    [/^(?:batch|create|update|upsert|delete|bulk|close|merge)$/, 'write'],
    [/^(?:read|query)$/, 'read'],
    [/^changes$/, 'poll'],
  ],
  hubspot: [
    [/^(?:create|update|archive|merge|batch-(?:create|update|upsert|archive)|associate)$/, 'write'],
    [/^(?:read|batch-read|associations)$/, 'read'],
    [/^(?:search|list)$/, 'poll'],
  ],
}

function purposeOf(vendor: Vendor, { operation, parts }: LoggedCall): Purpose {
  // A batch that only reads is a read.
  if (
    parts &&
    parts.length > 0 &&
    parts.every((part) => purposeOf(vendor, { ...part, records: 1 }) === 'read')
  )
    return 'read'
  return rules[vendor].find(([pattern]) => pattern.test(operation))?.[1] ?? 'other'
}

const objectOf = ({ object, parts }: LoggedCall): string => {
  const objects = new Set(object === null ? parts?.map((part) => part.object) : [object])
  const [only] = objects
  return objects.size === 1 && only ? only : 'several'
}

/** Records carried by each call, by object. */
function byObject(calls: readonly LoggedCall[]): Record<string, readonly number[]> {
  const grouped = Map.groupBy(calls, objectOf)
  return Object.fromEntries(
    [...grouped].map(([object, some]) => [object, some.map(({ records }) => records)]),
  )
}

/** @param count records of ours, by which calls per 1,000 are reckoned */
export function describeCalls(vendor: Vendor, log: readonly LoggedCall[], count: number) {
  const purposes = Map.groupBy(log, (call) => purposeOf(vendor, call))
  const writes = purposes.get('write') ?? []
  const reads = purposes.get('read') ?? []
  const per1000 = (calls: readonly LoggedCall[]) =>
    Object.fromEntries(
      Object.entries(byObject(calls)).map(([object, some]) => [
        object,
        round1((some.length / count) * 1_000),
      ]),
    )
  return {
    writes: writes.length,
    writesByObject: byObject(writes),
    writesPer1000: per1000(writes),
    readsById: reads.length,
    readsPer1000: per1000(reads),
    polls: purposes.get('poll')?.length ?? 0,
    others: purposes.get('other')?.length ?? 0,
  }
}
