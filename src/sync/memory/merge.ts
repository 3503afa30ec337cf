/**
 * The sync engine keeps our records and a CRM's in step, both ways. It owns links, dirty marks, the mirror, reviews and
 * the retry policy. It knows neither what a deal is nor how a CRM speaks: capabilities offer a SyncedEntity, connectors a port.
 *
 * merge.ts: the three-way merge of one link. Pure. Fields that belong together form one unit and are merged as one.
 */
import { type FieldValue, isBlank, isMoneyValue, sameValue } from '#src/kernel/field-value.ts'

/** What both sides had when they last agreed; `theirs` as the CRM gave it back. */
export interface Agreed {
  readonly ours: FieldValue
  readonly theirs: FieldValue
}

/** A value written since the last agreement, recorded before the call. */
export interface Sent {
  readonly ours: FieldValue
  /** What it is over there, in canonical form. */
  readonly theirs: FieldValue
  /** Database time, ISO. */
  readonly at: string
}

/** The memory of one field of one link. */
export interface FieldMemory {
  readonly agreed?: Agreed
  readonly sent?: readonly Sent[]
  /** The field over there that this is about, as the mapping had it. */
  readonly remote?: string
  /** A write that was answered, and no snapshot has shown since. */
  readonly unseen?: true
  /** How often the CRM changed this value of ours back. */
  readonly reverted?: { readonly value: FieldValue; readonly times: number }
  /** The field was away over there; now that it is back, a blank may only mean that it was made anew. */
  readonly rested?: true
  /** A person has to look; the field rests on both sides until both agree. */
  readonly held?: 'collision' | 'reverted' | 'unmapped' | 'refused' | 'quarantined'
}

export type Flow = 'out' | 'in' | 'both' | 'create'
export type Owner = 'prm' | 'crm' | 'review'

export interface FieldState {
  readonly name: string
  readonly ours: FieldValue
  /** Undefined: not known (not read, or a value without a counterpart). */
  readonly theirs: FieldValue | undefined
  readonly memory: FieldMemory
}

/** One field, or several that belong together, with the rules that hold for all of them. */
export interface MergeUnit {
  readonly flow: Flow
  readonly owner: Owner
  /** A blank of ours is not written. */
  readonly keepsOnEmpty: boolean
  /** The CRM rules this value by itself at the moment (an amount with line items): it is never written. */
  readonly leftAlone: boolean
  readonly fields: readonly FieldState[]
}

export type Action = 'none' | 'write' | 'apply' | 'hold'

export interface FieldVerdict {
  readonly name: string
  readonly action: Action
  readonly memory: FieldMemory
  /** A value that gave way because both sides had changed; it is logged by name. */
  readonly lost?: { readonly side: 'ours' | 'theirs'; readonly value: FieldValue }
}

const keptSent = 8
const toleratedReverts = 2

/**
 * What to do with a unit, seen against one snapshot of the other side.
 * @param ownWriter the snapshot's last writer over there was our own user
 */
export function mergeUnit(unit: MergeUnit, ownWriter: boolean): readonly FieldVerdict[] {
  if (unit.flow === 'create') return unit.fields.map(finishCreation)
  const seen = unit.fields.map((field) => observe(field, ownWriter))
  if (seen.some(({ theirs }) => theirs === undefined)) return seen.map(rest)
  const changes = seen.map((field) => changeOf(field, unit.flow))
  const action = decide(unit, {
    ours: changes.some(({ ours }) => ours),
    theirs: changes.some(({ theirs }) => theirs),
    differ: seen.some(({ ours, theirs }) => !sameValue(ours, theirs)),
  })
  return seen.map((field, index) =>
    conclude(unit, field, changes[index] ?? { ours: false, theirs: false }, action),
  )
}

/**
 * A field of the first sync only. While the outcome of the creation is not known it may have arrived in part, where a
 * CRM takes it in several steps: what is still blank there is brought in, what stands there stays.
 */
function finishCreation({ name, ours, theirs, memory }: FieldState): FieldVerdict {
  const { sent = [], ...known } = memory
  if (sent.length === 0 || theirs === undefined) return { name, action: 'none', memory }
  if (isBlank(theirs) && !isBlank(ours)) return { name, action: 'write', memory }
  return { name, action: 'none', memory: { ...known, agreed: { ours, theirs } } }
}

const rest = ({ name, memory }: FieldState): FieldVerdict => ({ name, action: 'none', memory })

interface Change {
  readonly ours: boolean
  readonly theirs: boolean
}

/** Takes note of the snapshot: our own values come back as agreements, not as changes. */
function observe(field: FieldState, ownWriter: boolean): FieldState {
  const { theirs, memory } = field
  if (theirs === undefined) return field
  const { unseen, rested, ...standing } = memory
  const known = rested && isBlank(theirs) ? withoutAgreed(standing) : standing
  const { agreed, sent = [] } = known
  if (agreed && sameValue(agreed.theirs, theirs)) return { ...field, memory: known }
  const own = sent.findLast((entry) => sameValue(entry.theirs, theirs))
  if (own) {
    const others = sent.filter((entry) => entry !== own)
    return { ...field, memory: { ...known, agreed: { ours: own.ours, theirs }, sent: others } }
  }
  if (agreed && unseen && ownWriter && isReformatted(agreed.theirs, theirs)) {
    return { ...field, memory: { ...known, agreed: { ours: agreed.ours, theirs } } }
  }
  return { ...field, memory: known }
}

function withoutAgreed(memory: FieldMemory): FieldMemory {
  const { agreed: _, ...others } = memory
  return others
}

/** Without an agreed pair a blank has nothing to say, and one-way fields follow their direction. */
function changeOf({ ours, theirs, memory: { agreed } }: FieldState, flow: Flow): Change {
  if (agreed) return { ours: !sameValue(ours, agreed.ours), theirs: !sameValue(theirs, agreed.theirs) }
  if (sameValue(ours, theirs)) return { ours: false, theirs: false }
  if (flow === 'out') return { ours: true, theirs: false }
  if (flow === 'in') return { ours: false, theirs: true }
  return { ours: !isBlank(ours), theirs: !isBlank(theirs) }
}

function decide(unit: MergeUnit, { ours, theirs, differ }: Change & { readonly differ: boolean }): Action {
  if (!ours && !theirs) return 'none'
  if (ours && theirs && !differ) return 'none'
  switch (unit.leftAlone && unit.flow === 'both' ? 'in' : unit.flow) {
    case 'create':
      return 'none'
    case 'out':
      return unit.leftAlone ? 'none' : 'write'
    case 'in':
      return 'apply'
    case 'both':
      if (!theirs) return 'write'
      if (!ours) return 'apply'
      return { prm: 'write', crm: 'apply', review: 'hold' }[unit.owner] as Action
  }
}

function conclude(unit: MergeUnit, field: FieldState, change: Change, action: Action): FieldVerdict {
  const { name, ours, memory } = field
  const theirs = field.theirs ?? null
  const pair: Agreed = { ours, theirs }
  if (sameValue(ours, theirs)) return agree(name, memory, pair)
  if (action === 'none') return { name, action, memory }
  if (action === 'hold') return { name, action, memory: { ...memory, held: memory.held ?? 'collision' } }
  if (!change.ours && !change.theirs) return { name, action: 'none', memory }
  const lost = (side: 'ours' | 'theirs') =>
    change[side] ? { lost: { side, value: side === 'ours' ? ours : theirs } } : {}
  if (action === 'apply') return { name, action, memory: clearHold(memory), ...lost('ours') }
  if (isBlank(ours) && unit.keepsOnEmpty) return agree(name, memory, pair)
  const reverted = change.theirs ? countRevert(memory, ours) : memory.reverted
  if (reverted && reverted.times > toleratedReverts && sameValue(reverted.value, ours)) {
    return { name, action: 'hold', memory: { ...memory, reverted, held: 'reverted' } }
  }
  return { name, action, memory: withReverted(clearHold(memory), reverted), ...lost('theirs') }
}

/** Counts only when the CRM changed back what we had written: the value agreed last is the one we write again. */
function countRevert(memory: FieldMemory, ours: FieldValue): FieldMemory['reverted'] {
  if (!memory.agreed || !sameValue(memory.agreed.ours, ours)) return undefined
  const before = memory.reverted
  return { value: ours, times: before && sameValue(before.value, ours) ? before.times + 1 : 1 }
}

const withReverted = (memory: FieldMemory, reverted: FieldMemory['reverted']): FieldMemory => {
  const { reverted: _, ...others } = memory
  return reverted ? { ...others, reverted } : others
}

function clearHold(memory: FieldMemory): FieldMemory {
  const { held: _, ...others } = memory
  return others
}

/** Both sides stand equal (or count as equal): values sent and not answered may still land, so they stay known. */
function agree(name: string, memory: FieldMemory, pair: Agreed): FieldVerdict {
  return { name, action: 'none', memory: { ...clearHold(memory), agreed: pair } }
}

/** Before the call: the value that is about to be written. */
export function rememberSent(
  memory: FieldMemory,
  ours: FieldValue,
  theirs: FieldValue,
  at: string,
): FieldMemory {
  return { ...memory, sent: [...(memory.sent ?? []), { ours, theirs, at }].slice(-keptSent) }
}

/** After the CRM accepted the call that was recorded at `at`. */
export function settleWritten(memory: FieldMemory, at: string): FieldMemory {
  const written = memory.sent?.find((entry) => entry.at === at)
  if (!written) return memory
  const sent = (memory.sent ?? []).filter((entry) => entry !== written)
  return { ...memory, agreed: { ours: written.ours, theirs: written.theirs }, sent, unseen: true }
}

/** After the CRM definitely refused the call recorded at `at`: it did not take effect. */
export function settleRefused(memory: FieldMemory, at: string): FieldMemory {
  return { ...memory, sent: (memory.sent ?? []).filter((entry) => entry.at !== at) }
}

/** After a value of theirs was taken over; `ours` is how it stands with us now. */
export function settleApplied(memory: FieldMemory, ours: FieldValue, theirs: FieldValue): FieldMemory {
  return { ...withReverted(clearHold(memory), undefined), agreed: { ours, theirs } }
}

/**
 * A person decided that ours stands: theirs, as it was seen then, counts as what both had before, so that ours is the
 * change. Should theirs have moved on meanwhile, both have changed again and the person is asked again.
 */
export function settleOurs(memory: FieldMemory, theirs: FieldValue): FieldMemory {
  return { ...withReverted(clearHold(memory), undefined), agreed: { ours: theirs, theirs } }
}

/** A person decided that both stay as they are: silent until one of them changes. */
export function settleLeft(memory: FieldMemory, pair: Agreed): FieldMemory {
  return { ...withReverted(clearHold(memory), undefined), agreed: pair }
}

/** A write that was never answered cannot land for ever: forget what is older than `before`. */
export function forgetSent(memory: FieldMemory, before: string): FieldMemory {
  if (!memory.sent?.some(({ at }) => at < before)) return memory
  return { ...memory, sent: memory.sent.filter(({ at }) => at >= before) }
}

/** A snapshot says nothing if the link was observed or written later, or is being written. Times are the database's. */
export function isStale(
  snapshot: { readonly readAt: Date },
  link: { readonly observedAt: Date | null; readonly writtenAt: Date | null; readonly writing: boolean },
): boolean {
  if (link.writing) return true
  const after = (moment: Date | null) => moment !== null && snapshot.readAt <= moment
  return after(link.writtenAt) || (link.observedAt !== null && snapshot.readAt < link.observedAt)
}

/** The same value in another dress: rounded, trimmed, other case or spacing. */
export function isReformatted(written: FieldValue, found: FieldValue): boolean {
  if (isMoneyValue(written) && isMoneyValue(found)) {
    return written.currency === found.currency && isRounded(written.amount, found.amount)
  }
  if (typeof written !== 'string' || typeof found !== 'string') return false
  if (isRounded(written, found)) return true
  const plain = (text: string) =>
    text
      .normalize('NFKC')
      .toLowerCase()
      .replaceAll(/[\s\p{P}]+/gu, '')
  return plain(written) === plain(found) && plain(written) !== ''
}

function isRounded(written: string, found: string): boolean {
  const decimal = /^-?\d+(?:\.(\d+))?$/
  if (!decimal.test(written)) return false
  if (!decimal.test(found)) return false
  // Noughts at the end say nothing of how it was rounded: amounts are shown with all of their currency's places.
  const places = (decimal.exec(found)?.[1] ?? '').replace(/0+$/, '').length
  return Math.abs(Number(written) - Number(found)) <= 0.500001 * 10 ** -places
}
