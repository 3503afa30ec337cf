import { describe, expect, test } from 'vitest'
import { allRules, type Basis, type Rules, runHistory, type Violation } from '#test/support/convergence.ts'

const histories = 100_000
const firstSeed = 20_261_120

/** How many of `count` histories show each violation, and the first seed that does. */
function survey(rules: Rules, basis: Basis, count: number) {
  const found = new Map<Violation, { count: number; seed: number }>()
  for (let seed = firstSeed; seed < firstSeed + count; seed += 1) {
    for (const violation of runHistory(seed, rules, basis)) {
      const entry = found.get(violation)
      if (entry) entry.count += 1
      else found.set(violation, { count: 1, seed })
    }
  }
  return Object.fromEntries(found)
}

describe('over any interleaving of lost, doubled, reordered and late events, silent time-outs and edits on both sides', () => {
  test('both sides end equal and silent, no typed value disappears, no stale read is applied', () => {
    expect(survey(allRules, 'read', histories)).toEqual({})
  }, 300_000)

  test('the same holds with conditional writes when people edit between our read and our write', () => {
    expect(survey(allRules, 'read, named', histories)).toEqual({})
  }, 300_000)
})

test('the same holds when a write goes by what the mirror has and names its version', () => {
  expect(survey(allRules, 'mirror, named', histories)).toEqual({})
}, 300_000)

describe('the check notices when a rule is missing', () => {
  test('without reading before an update, edits over there are lost unseen', () => {
    const found = survey({ ...allRules, readsBeforeUpdate: false }, 'read', 2_000)
    expect(found['their edit lost']?.count).toBeGreaterThan(100)
  })

  test('when a write goes by what the mirror has without naming its version, edits over there are lost unseen', () => {
    const found = survey(allRules, 'mirror, not named', 2_000)
    expect(found['their edit lost']?.count).toBeGreaterThan(100)
  })

  test('without knowing our own values, edits of ours are put back', () => {
    const found = survey({ ...allRules, knowsItsOwnValues: false }, 'read', 2_000)
    expect(found['our edit put back']?.count).toBeGreaterThan(20)
  })

  test('without dropping stale snapshots, stale reads are applied', () => {
    const found = survey({ ...allRules, dropsStaleSnapshots: false }, 'read', 2_000)
    expect(found['stale read applied']?.count).toBeGreaterThan(20)
  })
})
