/**
 * Change Data Capture: what becomes of a kept change once its transaction ends, and what the event bus keeps for 72
 * hours (Change Data Capture Developer Guide). Changes that the platform makes by itself publish nothing.
 */
import { randomUUID } from 'node:crypto'
import type { Row, Scalar } from './schema.ts'
import type { KeptChange, Tables } from './tables.ts'

export type ChangeType = 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE'
export type GapType = `GAP_${ChangeType}`

export interface ChangeEventHeader {
  readonly entityName: string
  readonly recordIds: readonly string[]
  readonly changeType: ChangeType | GapType | 'GAP_OVERFLOW'
  /** `com/salesforce/api/rest/62.0;client=…` for changes by API, empty for changes by people. */
  readonly changeOrigin: string
  readonly transactionKey: string
  readonly sequenceNumber: number
  readonly commitTimestamp: number
  readonly commitNumber: number
  readonly commitUser: string
  readonly changedFields: readonly string[]
}

/** A kept event, as `data` of a message on its channel. */
export interface BusEvent {
  readonly schema: string
  readonly payload: Readonly<Record<string, unknown>> & { readonly ChangeEventHeader: ChangeEventHeader }
  readonly event: { readonly replayId: number }
}

export interface ChangeEventBus {
  /** Objects whose changes are published. */
  readonly selected: Set<string>
  /** What `work` changes is one transaction, published when it ends. */
  transact<T>(origin: string, work: () => T): T
  publishGap(object: string, changeType: GapType | 'GAP_OVERFLOW', ids: readonly string[]): void
  /** Kept events of an object, oldest first. */
  list(object: string): readonly BusEvent[]
  /** Drops what is kept, as if its time were over; null where no object is named. */
  forget(object: string | null): void
  /** Called with every event that is published. */
  subscribe(listener: (object: string, event: BusEvent) => void): void
}

type Draft = Pick<ChangeEventHeader, 'entityName' | 'changeType' | 'commitUser' | 'changedFields'> & {
  readonly ids: string[]
  readonly fields: Readonly<Record<string, Scalar>>
}

const retentionMs = 72 * 3_600_000
const mostKept = 20_000
/** Never in an event: they are in its header, or follow from others. */
const leftOut: ReadonlySet<string> = new Set(['Id', 'IsDeleted', 'SystemModstamp', 'MasterRecordId'])

function typeOf(previous: Row | undefined, next: Row): ChangeType {
  if (previous === undefined) return 'CREATE'
  if (previous['IsDeleted'] !== next['IsDeleted']) return next['IsDeleted'] === true ? 'DELETE' : 'UNDELETE'
  return 'UPDATE'
}

function draftOf({ table, previous, next, change }: KeptChange): Draft {
  const changeType = typeOf(previous, next)
  const isShown = (name: string) =>
    !leftOut.has(name) && table.schema.fields.get(name.toLowerCase())?.calculated !== true
  const names =
    changeType === 'DELETE'
      ? []
      : changeType === 'UPDATE'
        ? Object.keys(next).filter((name) => isShown(name) && next[name] !== previous?.[name])
        : Object.keys(next).filter((name) => isShown(name) && (next[name] ?? null) !== null)
  return {
    entityName: table.schema.name,
    changeType,
    commitUser: change.by,
    changedFields: changeType === 'UPDATE' ? names : [],
    ids: [String(next['Id'])],
    fields: Object.fromEntries(names.map((name) => [name, next[name] ?? null])),
  }
}

/** The same change of several records in one transaction becomes one event. */
function mergeDrafts(drafts: readonly Draft[]): readonly Draft[] {
  const merged = new Map<string, Draft>()
  for (const draft of drafts) {
    const { ids, ...same } = draft
    const key = draft.changeType === 'CREATE' ? String(ids[0]) : JSON.stringify(same)
    const known = merged.get(key)
    if (known) known.ids.push(...ids)
    else merged.set(key, draft)
  }
  return [...merged.values()]
}

export function createChangeEventBus(
  tables: Tables,
  now: () => Date,
  selected: readonly string[],
): ChangeEventBus {
  const kept = new Map<string, BusEvent[]>()
  const listeners: ((object: string, event: BusEvent) => void)[] = []
  const chosen = new Set(selected)
  let replayId = 4711
  let commitNumber = 10_708_862_594_919
  let open: Draft[] | null = null

  function prune(object: string): BusEvent[] {
    const events = kept.get(object) ?? []
    kept.set(object, events)
    const oldest = now().getTime() - retentionMs
    const tooOld = events.findIndex(({ payload }) => payload.ChangeEventHeader.commitTimestamp > oldest)
    events.splice(0, tooOld < 0 ? events.length : tooOld)
    if (events.length > mostKept) events.splice(0, events.length - mostKept)
    return events
  }

  function publish(
    header: Omit<ChangeEventHeader, 'commitTimestamp' | 'commitNumber'>,
    fields: Draft['fields'],
  ): void {
    // Ids ascend with gaps: nobody may count on the next one.
    replayId += 1 + (replayId % 3)
    const event: BusEvent = {
      schema: 'I8b-dYxvxs5wOtCBr4qsew',
      payload: {
        ...fields,
        ChangeEventHeader: { ...header, commitTimestamp: now().getTime(), commitNumber },
      },
      event: { replayId },
    }
    const events = kept.get(header.entityName) ?? []
    kept.set(header.entityName, events)
    events.push(event)
    if (events.length > 2 * mostKept) prune(header.entityName)
    for (const listener of listeners) listener(header.entityName, event)
  }

  function commit(drafts: readonly Draft[], changeOrigin: string): void {
    commitNumber += 1
    const transactionKey = randomUUID()
    for (const [index, { ids, fields, ...draft }] of mergeDrafts(drafts).entries()) {
      publish({ ...draft, recordIds: ids, changeOrigin, transactionKey, sequenceNumber: index + 1 }, fields)
    }
  }

  tables.watch((change) => {
    if (change.change.by === 'system' || !chosen.has(change.table.schema.name)) return
    const draft = draftOf(change)
    if (open === null) commit([draft], '')
    else open.push(draft)
  })

  return {
    selected: chosen,
    transact(origin, work) {
      if (open !== null) return work()
      const drafts: Draft[] = []
      open = drafts
      try {
        return work()
      } finally {
        open = null
        if (drafts.length > 0) commit(drafts, origin)
      }
    },
    publishGap(entityName, changeType, recordIds) {
      commitNumber += 1
      const transactionKey = randomUUID()
      const header = {
        entityName,
        changeType,
        recordIds,
        transactionKey,
        sequenceNumber: 1,
        changedFields: [],
      }
      publish({ ...header, changeOrigin: '', commitUser: '005000000000000AAA' }, {})
    },
    list: (object) => prune(object),
    forget(object) {
      for (const [name, events] of kept) if (object === null || object === name) events.length = 0
    },
    subscribe: (listener) => {
      listeners.push(listener)
    },
  }
}
