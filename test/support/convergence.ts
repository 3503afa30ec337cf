import {
  type Action,
  type FieldMemory,
  type Flow,
  isStale,
  mergeUnit,
  type Owner,
  rememberSent,
  settleApplied,
  settleRefused,
  settleWritten,
} from '#src/sync/memory/merge.ts'

/** Seeded and quick; the seed names a history for ever. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Each of the engine's three rules can be taken out, to show that the check would notice. */
export interface Rules {
  readonly readsBeforeUpdate: boolean
  readonly knowsItsOwnValues: boolean
  readonly dropsStaleSnapshots: boolean
}
export const allRules: Rules = { readsBeforeUpdate: true, knowsItsOwnValues: true, dropsStaleSnapshots: true }

interface Rule {
  readonly flow: Flow
  readonly owner: Owner
}
const fieldRules: Readonly<Record<string, Rule>> = {
  out: { flow: 'out', owner: 'prm' },
  in: { flow: 'in', owner: 'crm' },
  bothOurs: { flow: 'both', owner: 'prm' },
  bothTheirs: { flow: 'both', owner: 'crm' },
  review: { flow: 'both', owner: 'review' },
}
const names = Object.keys(fieldRules)

type Values = Record<string, string>
interface Snapshot {
  readonly readAt: number
  readonly values: Values
  readonly version: number
}
interface Write {
  readonly at: number
  readonly values: Values
  readonly version: number
  taken: boolean
}
interface Typed {
  readonly side: 'ours' | 'theirs'
  readonly field: string
  readonly value: string
  /** Why it may be gone: it stood on both sides, its own side typed anew, or the log names it. */
  excused: boolean
}

export type Violation =
  | 'not equal'
  | 'not silent'
  | 'their edit lost'
  | 'our edit lost'
  | 'our edit put back'
  | 'stale read applied'

/**
 * What a write is based on: a reading right before it, the same with its version named, or what an earlier reading left
 * in the mirror. Only the last, done without naming the version, must not be done.
 */
export type Basis = 'read' | 'read, named' | 'mirror, named' | 'mirror, not named'

/** One random history of one link, run against the engine's own rules; answers what went wrong. */
export function runHistory(seed: number, rules: Rules, basis: Basis, steps = 40): Set<Violation> {
  const conditionalWrites = basis.endsWith(', named')
  const random = randomOf(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const violations = new Set<Violation>()
  const ours: Values = {}
  const theirs: Values = {}
  const memory: Record<string, FieldMemory> = {}
  for (const name of names) {
    ours[name] = 'start'
    theirs[name] = 'start'
    memory[name] = { agreed: { ours: 'start', theirs: 'start' } }
  }
  const typed: Typed[] = []
  const theirTimes: Record<string, { value: string; at: number }[]> = Object.fromEntries(
    names.map((name) => [name, [{ value: 'start', at: 0 }]]),
  )
  const snapshots: Snapshot[] = []
  /** The newest reading that came in. */
  let mirror: Snapshot | null = null
  let write: Write | null = null
  let dirty = false
  let observedAt = 0
  let writtenAt = 0
  let version = 0
  let now = 1
  let actions = 0

  const excuse = (side: 'ours' | 'theirs', field: string, value: string) => {
    for (const entry of typed) {
      if (entry.side === side && entry.field === field && entry.value === value) entry.excused = true
    }
  }
  const noteEqual = () => {
    for (const name of names) {
      if (ours[name] !== theirs[name]) continue
      excuse('ours', name, ours[name] as string)
      excuse('theirs', name, theirs[name] as string)
    }
  }
  const edit = (side: 'ours' | 'theirs') => {
    const field = pick(names)
    const values = side === 'ours' ? ours : theirs
    excuse(side, field, values[field] as string)
    const value = `${side}${now}`
    values[field] = value
    typed.push({ side, field, value, excused: false })
    if (side === 'ours') dirty = true
    else change(field, value)
  }
  const change = (field: string, value: string) => {
    version += 1
    theirTimes[field]?.push({ value, at: now })
  }
  const capture = (): Snapshot => ({ readAt: now, values: { ...theirs }, version })

  const linkNow = () => ({
    observedAt: new Date(observedAt),
    writtenAt: new Date(writtenAt),
    writing: write !== null,
  })
  /** What a write may go by without a reading. */
  const standing = (): Snapshot | null => {
    if (!basis.startsWith('mirror') || !mirror) return null
    const isUnsettled = names.some((name) => (memory[name]?.sent ?? []).length > 0)
    return isUnsettled || isStale({ readAt: new Date(mirror.readAt) }, linkNow()) ? null : mirror
  }

  /** Merges one snapshot: applies what flows in, answers what flows out. */
  const merge = (snapshot: Snapshot, fresh: boolean): Values => {
    const writes: Values = {}
    if (!mirror || snapshot.readAt >= mirror.readAt) mirror = snapshot
    const link = linkNow()
    if (rules.dropsStaleSnapshots && isStale({ readAt: new Date(snapshot.readAt) }, link)) {
      dirty = true
      return writes
    }
    for (const name of names) {
      const rule = fieldRules[name] as Rule
      const known = memory[name] as FieldMemory
      const [verdict] = mergeUnit(
        {
          ...rule,
          keepsOnEmpty: false,
          leftAlone: false,
          fields: [
            {
              name,
              ours: ours[name] as string,
              theirs: snapshot.values[name],
              memory: rules.knowsItsOwnValues ? known : { ...known, sent: [] },
            },
          ],
        },
        false,
      )
      if (!verdict) continue
      memory[name] = verdict.memory
      if (verdict.lost) excuse(verdict.lost.side, name, verdict.lost.value as string)
      act(verdict.action, name, snapshot, fresh, writes)
    }
    observedAt = snapshot.readAt
    noteEqual()
    return writes
  }
  const act = (action: Action, name: string, snapshot: Snapshot, fresh: boolean, writes: Values) => {
    if (action === 'write') {
      if (fresh) writes[name] = ours[name] as string
      else dirty = true
    }
    if (action !== 'apply') return
    actions += 1
    const value = snapshot.values[name] as string
    const since = theirTimes[name]?.findLast((entry) => entry.value === value)?.at ?? 0
    if (since < writtenAt && snapshot.readAt < writtenAt) violations.add('stale read applied')
    if (value.startsWith('ours')) violations.add('our edit put back')
    ours[name] = value
    memory[name] = settleApplied(memory[name] as FieldMemory, value, value)
  }

  const land = (sent: Write): boolean => {
    if (conditionalWrites && sent.version !== version) return false
    for (const [name, value] of Object.entries(sent.values)) {
      theirs[name] = value
      change(name, value)
    }
    noteEqual()
    return true
  }
  /** A worker's turn: a fresh read, the merge, the note of what is sent; without conditional writes the call at once. */
  const work = (always: 'ok' | null) => {
    if (!dirty || write) return
    dirty = false
    const snapshot = standing() ?? capture()
    const writes = rules.readsBeforeUpdate ? merge(snapshot, true) : blindWrites()
    if (Object.keys(writes).length === 0) return
    actions += 1
    for (const [name, value] of Object.entries(writes)) {
      memory[name] = rememberSent(memory[name] as FieldMemory, value, value, String(now))
    }
    write = { at: now, values: writes, version: snapshot.version, taken: false }
    if (!conditionalWrites) write.taken = always === 'ok' || random() < 0.8
    if (write.taken) land(write)
    if (always) finish('answered')
  }
  const blindWrites = (): Values =>
    Object.fromEntries(
      names
        .filter((name) => fieldRules[name]?.flow !== 'in' && ours[name] !== memory[name]?.agreed?.ours)
        .map((name) => [name, ours[name] as string]),
    )
  /** The call ends: with an answer, or without one (time-out, killed worker), which says nothing about its effect. */
  const finish = (how: 'answered' | 'silent') => {
    if (!write) return
    const sent = write
    if (conditionalWrites && (how === 'answered' || random() < 0.5)) sent.taken = land(sent)
    for (const name of Object.keys(sent.values)) {
      const known = memory[name] as FieldMemory
      if (how === 'silent') continue
      memory[name] = sent.taken
        ? settleWritten(known, String(sent.at))
        : settleRefused(known, String(sent.at))
    }
    if (how === 'silent' || !sent.taken) dirty = true
    write = null
    writtenAt = now
    noteEqual()
    if (how === 'answered' && sent.taken && names.some((name) => ours[name] !== memory[name]?.agreed?.ours))
      dirty = true
  }

  const kinds = [
    'ours',
    'theirs',
    'theirs',
    'capture',
    'capture',
    'deliver',
    'deliver',
    'work',
    'work',
    'finish',
    'finish',
  ] as const
  for (let step = 0; step < steps; step += 1) {
    now += 1
    switch (pick(kinds)) {
      case 'ours':
        edit('ours')
        break
      case 'theirs':
        edit('theirs')
        break
      case 'capture':
        snapshots.push(capture())
        break
      case 'deliver': {
        if (snapshots.length === 0) break
        const index = Math.floor(random() * snapshots.length)
        const snapshot = snapshots[index] as Snapshot
        if (random() < 0.7) snapshots.splice(index, 1)
        if (random() < 0.8) merge(snapshot, false)
        break
      }
      case 'work':
        work(null)
        break
      case 'finish':
        finish(random() < 0.6 ? 'answered' : 'silent')
        break
    }
  }

  now += 1
  finish('silent')
  for (const snapshot of snapshots) merge(snapshot, false)
  const round = () => {
    now += 1
    merge(capture(), false)
    now += 1
    work('ok')
    now += 1
  }
  for (let turn = 0; turn < 8; turn += 1) round()
  const before = actions
  for (let turn = 0; turn < 3; turn += 1) round()
  if (actions !== before) violations.add('not silent')
  for (const name of names) {
    if (ours[name] !== theirs[name] && !memory[name]?.held) violations.add('not equal')
  }
  for (const entry of typed) {
    const stands = (entry.side === 'ours' ? ours : theirs)[entry.field] === entry.value
    const waits = stands && memory[entry.field]?.held
    if (entry.excused || stands || waits) continue
    violations.add(entry.side === 'ours' ? 'our edit lost' : 'their edit lost')
  }
  return violations
}
