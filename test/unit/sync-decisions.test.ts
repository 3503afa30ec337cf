import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConnectorFault, type FaultDetails, type FaultKind } from '#connectors/fault.ts'
import { sameValue } from '#src/kernel/field-value.ts'
import { decideFault, type FaultCircumstances } from '#src/sync/ground/fault-policy.ts'
import {
  type FieldMemory,
  type Flow,
  mergeUnit,
  type Owner,
  settleApplied,
  settleLeft,
  settleOurs,
} from '#src/sync/memory/merge.ts'
import {
  candidatesOf,
  describeResolution,
  fitting,
  nameOf,
  resolutionSchema,
} from '#src/sync/memory/review.ts'

const now = new Date('2030-01-01T00:00:00Z')
const circumstances: FaultCircumstances = {
  attempts: 0,
  now,
  random: 0.5,
  isMapped: (field) => field === 'Amount',
  aboutRecord: false,
}
const decide = (
  kind: FaultKind,
  details: Partial<FaultDetails> = {},
  over: Partial<FaultCircumstances> = {},
) => decideFault(new ConnectorFault(kind, 'no', { code: 'X', ...details }), { ...circumstances, ...over })

describe('a fault', () => {
  test('that passes is tried again later each time, and parked at last', () => {
    const delays = Array.from({ length: 11 }, (_, attempts) => decide('unavailable', {}, { attempts }))
    const times = delays.map((decision) => (decision.kind === 'retry' ? decision.delayMs : Number.NaN))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times[0]).toBeLessThan(3_000)
    expect(Math.max(...times)).toBeLessThanOrEqual(15 * 60_000)
    expect(decide('unavailable', {}, { attempts: 11 })).toEqual({ kind: 'park' })
  })

  test('that says when to come back is tried again then, not before', () => {
    const retryAt = new Date(now.getTime() + 900_000)
    expect(decide('unavailable', { retryAt })).toEqual({ kind: 'retry', delayMs: 900_000 })
    expect(decide('unavailable', { retryAt: new Date(0) })).toEqual({ kind: 'retry', delayMs: 0 })
    expect(decide('throttled', { retryAt })).toEqual({ kind: 'pause', until: retryAt })
  })

  test('of a field rests it if a line uses it; another one of a record parks that record, of a call stops all', () => {
    expect(decide('configuration', { fields: ['Amount', 'Other'] })).toEqual({
      kind: 'quarantine',
      fields: ['Amount'],
    })
    expect(decide('configuration', { fields: ['Other'] }, { aboutRecord: true })).toEqual({ kind: 'park' })
    expect(decide('configuration', { fields: ['Other'] }, { aboutRecord: true, isCreating: true })).toEqual({
      kind: 'hold_creations',
      fields: ['Other'],
    })
    expect(decide('configuration', {}, { aboutRecord: true, isCreating: true })).toEqual({ kind: 'park' })
    expect(decide('configuration', { fields: ['Other'] })).toEqual({ kind: 'attention' })
    expect(decide('configuration')).toEqual({ kind: 'attention' })
  })

  test('whose effect is not known is read again at once, then with patience', () => {
    expect(decide('ambiguous')).toEqual({ kind: 'read_again', delayMs: 0 })
    expect(decide('ambiguous', {}, { attempts: 3 })).toMatchObject({ kind: 'read_again' })
    expect(decide('unauthorised')).toEqual({ kind: 'attention' })
    expect(decide('rejected')).toEqual({ kind: 'park' })
    expect(decide('gone')).toEqual({ kind: 'gone' })
    expect(decide('duplicate')).toEqual({ kind: 'duplicate' })
  })
})

const value = fc.constantFrom('a', 'b', 'c', null)
const owner = fc.constantFrom<Owner>('prm', 'crm', 'review')
const flow = fc.constantFrom<Flow>('out', 'both')
const memory = fc.record<FieldMemory>(
  {
    agreed: fc.record({ ours: value, theirs: value }),
    held: fc.constantFrom('collision', 'reverted'),
    reverted: fc.record({ value, times: fc.integer({ min: 1, max: 3 }) }),
  },
  { requiredKeys: [] },
)
const merge = (
  ours: string | null,
  theirs: string | null,
  known: FieldMemory,
  rule: { flow: Flow; owner: Owner },
) =>
  mergeUnit(
    { ...rule, keepsOnEmpty: false, leftAlone: false, fields: [{ name: 'f', ours, theirs, memory: known }] },
    false,
  )[0]

describe('a decision of a person', () => {
  test('for ours writes ours, whatever the owner and whatever was remembered', () => {
    fc.assert(
      fc.property(value, value, memory, flow, owner, (ours, theirs, known, flow, owner) => {
        fc.pre(!sameValue(ours, theirs))
        const verdict = merge(ours, theirs, settleOurs(known, theirs), { flow, owner })
        expect(verdict).toMatchObject({ action: 'write' })
        expect(verdict?.memory.held).toBeUndefined()
        expect(verdict).not.toHaveProperty('lost')
      }),
    )
  })

  test('for theirs, or for leaving both, is silent from then on', () => {
    fc.assert(
      fc.property(value, value, memory, flow, owner, (ours, theirs, known, flow, owner) => {
        const rule = { flow, owner }
        expect(merge(theirs, theirs, settleApplied(known, theirs, theirs), rule)?.action).toBe('none')
        const left = merge(ours, theirs, settleLeft(known, { ours, theirs }), rule)
        expect(left?.action).toBe('none')
        expect(left?.memory.held).toBeUndefined()
      }),
    )
  })

  test('for ours asks again when theirs has moved on', () => {
    const moved = merge('a', 'c', settleOurs({ held: 'collision' }, 'b'), { flow: 'both', owner: 'review' })
    expect(moved).toMatchObject({ action: 'hold', memory: { held: 'collision' } })
  })
})

describe('a field that was away', () => {
  const rested: FieldMemory = { agreed: { ours: 'a', theirs: 'a' }, rested: true }
  const rule = { flow: 'both', owner: 'crm' } as const

  test('and is blank now gets ours; one that still holds its value goes on as before', () => {
    expect(merge('a', null, rested, rule)).toMatchObject({ action: 'write' })
    expect(merge('a', 'a', rested, rule)).toMatchObject({ action: 'none' })
    expect(merge('a', 'b', rested, rule)).toMatchObject({ action: 'apply' })
  })

  test('is treated so once: afterwards a blank is a blank', () => {
    const seen = merge('a', 'a', rested, rule)?.memory ?? {}
    expect(seen).not.toHaveProperty('rested')
    expect(merge('a', null, seen, rule)).toMatchObject({ action: 'apply' })
  })
})

describe('a resolution', () => {
  test('has exactly one meaning, and every kind of item has one that fits', () => {
    expect(resolutionSchema.safeParse({ link: '006', retire: true }).success).toBe(false)
    expect(resolutionSchema.safeParse({}).success).toBe(false)
    expect(resolutionSchema.safeParse({ take: 'both' }).success).toBe(false)
    expect(nameOf({ take: 'ours' })).toBe('take')
    expect(describeResolution({ link: '006' })).toBe('link 006')
    expect(describeResolution({ take: 'theirs' })).toBe('take theirs')
    expect(describeResolution({ retire: true })).toBe('retire')
    expect(Object.values(fitting).every((names) => names.length > 0)).toBe(true)
  })

  test('chooses among what the search or the CRM named', () => {
    expect(candidatesOf({ remoteId: 'a', details: { candidates: ['a', 'b'], duplicates: ['c'] } })).toEqual([
      'a',
      'b',
      'c',
    ])
    expect(candidatesOf({ remoteId: null, details: { partnerId: 'x' } })).toEqual([])
  })
})
