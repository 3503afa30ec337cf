import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  commandsIn,
  conflictPermitsApproval,
  type DealStatus,
  dealCommands,
  dealStatuses,
  endedStatuses,
  nextStatus,
  phaseOf,
} from '#src/deals/deal-status.ts'

const after = (...commands: (typeof dealCommands)[number][]): DealStatus | 'refused' => {
  let status: DealStatus = 'draft'
  for (const command of commands) {
    const next = nextStatus(status, command)
    if (!next.ok) return 'refused'
    status = next.value
  }
  return status
}

describe('the state machine of a registration', () => {
  test.each([
    [['submit'], 'submitted'],
    [['submit', 'start_review'], 'in_review'],
    [['submit', 'return'], 'returned'],
    [['submit', 'start_review', 'return', 'answer'], 'submitted'],
    [['submit', 'approve'], 'approved'],
    [['submit', 'start_review', 'reject'], 'rejected'],
    [['submit', 'return', 'reject'], 'rejected'],
    [['submit', 'start_review', 'withdraw'], 'withdrawn'],
    [['submit', 'return', 'withdraw'], 'withdrawn'],
    [['submit', 'approve', 'extend'], 'approved'],
    [['submit', 'approve', 'expire'], 'expired'],
    [['submit', 'approve', 'cancel'], 'cancelled'],
    [['approve'], 'refused'],
    [['withdraw'], 'refused'],
    [['submit', 'submit'], 'refused'],
    [['submit', 'return', 'approve'], 'refused'],
    [['submit', 'approve', 'withdraw'], 'refused'],
    [['submit', 'cancel'], 'refused'],
    [['submit', 'withdraw', 'answer'], 'refused'],
    [['submit', 'approve', 'expire', 'extend'], 'refused'],
  ] as const)('%j leads to %s', (commands, expected) => {
    expect(after(...commands)).toBe(expected)
  })

  test('no sequence of commands leaves the machine, and what ended stays ended', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...dealCommands), { maxLength: 40 }), (commands) => {
        let status: DealStatus = 'draft'
        for (const command of commands) {
          const next = nextStatus(status, command)
          if (!next.ok) continue
          expect(dealStatuses).toContain(next.value)
          expect(endedStatuses).not.toContain(status)
          expect(next.value).not.toBe('draft')
          status = next.value
        }
      }),
    )
  })

  test('an ended registration permits no command, every other one at least one', () => {
    for (const status of dealStatuses) {
      expect(commandsIn(status).length > 0).toBe(!endedStatuses.includes(status))
    }
  })
})

test('the phase follows the status until the deal is won', () => {
  expect(phaseOf({ status: 'in_review', outcome: 'open' })).toBe('registered')
  expect(phaseOf({ status: 'rejected', outcome: 'lost' })).toBe('registered')
  expect(phaseOf({ status: 'approved', outcome: 'open' })).toBe('approved')
  expect(phaseOf({ status: 'expired', outcome: 'lost' })).toBe('approved')
  expect(phaseOf({ status: 'rejected', outcome: 'won' })).toBe('won')
})

test('only a clear or overridden conflict lets a registration be approved', () => {
  expect(
    [null, 'clear', 'suspected', 'under_review', 'upheld', 'overridden'].filter((state) =>
      conflictPermitsApproval(state as Parameters<typeof conflictPermitsApproval>[0]),
    ),
  ).toEqual(['clear', 'overridden'])
})
