import fc from 'fast-check'
import { expect, test } from 'vitest'
import { questionLimits, questionRefusal } from '#src/conflicts/question-limit.ts'
import { defaultRuleSet } from '#src/conflicts/rule-set.ts'

const now = new Date('2026-11-20T12:00:00Z')
const before = (seconds: number) => new Date(now.getTime() - seconds * 1_000)
const none = { count: 0, oldestAt: null }
const limits = questionLimits({ perMinute: 30, perDay: 500, overlapsPerDay: 50, perCompanyPerDay: 10 })

test('a partner below its limits may ask', () => {
  expect(questionRefusal(limits, [none, none, none, none], now)).toBeNull()
  const asked = [
    { count: 29, oldestAt: before(59) },
    { count: 499, oldestAt: before(80_000) },
    { count: 49, oldestAt: before(80_000) },
    { count: 9, oldestAt: before(80_000) },
  ]
  expect(questionRefusal(limits, asked, now)).toBeNull()
})

test('beyond a limit it waits until the oldest question no longer counts', () => {
  const minute = { count: 30, oldestAt: before(20) }
  expect(questionRefusal(limits, [minute, none, none, none], now)).toMatchObject({
    limit: { most: 30, withinS: 60 },
    retryAfterS: 40,
  })
  const overlaps = { count: 50, oldestAt: before(86_000) }
  expect(questionRefusal(limits, [none, none, overlaps, none], now)).toMatchObject({
    limit: { counts: 'overlaps', most: 50 },
    retryAfterS: 400,
  })
})

test('beyond several it is told the longest wait, and never to come back at once', () => {
  const minute = { count: 31, oldestAt: before(1) }
  const day = { count: 500, oldestAt: before(100) }
  expect(questionRefusal(limits, [minute, day], now)?.limit.withinS).toBe(86_400)
  expect(questionRefusal(limits, [{ count: 30, oldestAt: before(60) }, none], now)?.retryAfterS).toBe(1)
})

test('whoever asks as fast as it may never gets more than each limit within its time', () => {
  const rates = defaultRuleSet.questions
  const all = questionLimits({ ...rates, perDay: 40 }).filter(({ counts }) => counts === 'questions')
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 50, maxLength: 120 }), (waits) => {
      const granted: number[] = []
      let at = now.getTime()
      for (const wait of waits) {
        at += wait
        const asked = all.map(({ withinS }) => {
          const within = granted.filter((one) => one > at - withinS * 1_000)
          return { count: within.length, oldestAt: within[0] === undefined ? null : new Date(within[0]) }
        })
        if (!questionRefusal(all, asked, new Date(at))) granted.push(at)
      }
      for (const { most, withinS } of all) {
        for (const start of granted) {
          const within = granted.filter((one) => one >= start && one < start + withinS * 1_000)
          expect(within.length).toBeLessThanOrEqual(most)
        }
      }
    }),
    { numRuns: 30 },
  )
})
