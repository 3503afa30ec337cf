import { expect, test } from 'vitest'
import { questionRefusal } from '#src/conflicts/question-limit.ts'

const now = new Date('2026-11-20T12:00:00Z')
const before = (seconds: number) => new Date(now.getTime() - seconds * 1_000)
const none = { count: 0, oldestAt: null }

test('a partner below its limits may ask', () => {
  expect(questionRefusal([none, none], now)).toBeNull()
  expect(
    questionRefusal(
      [
        { count: 29, oldestAt: before(59) },
        { count: 499, oldestAt: before(80_000) },
      ],
      now,
    ),
  ).toBeNull()
})

test('beyond a limit it waits until the oldest question no longer counts', () => {
  const minute = { count: 30, oldestAt: before(20) }
  expect(questionRefusal([minute, none], now)).toEqual({ most: 30, name: 'minute', retryAfterS: 40 })
  const day = { count: 500, oldestAt: before(86_000) }
  expect(questionRefusal([none, day], now)).toEqual({ most: 500, name: 'day', retryAfterS: 400 })
})

test('beyond both it is told the longer wait, and never to come back at once', () => {
  const minute = { count: 31, oldestAt: before(1) }
  const day = { count: 500, oldestAt: before(100) }
  expect(questionRefusal([minute, day], now)?.name).toBe('day')
  expect(questionRefusal([{ count: 30, oldestAt: before(60) }, none], now)?.retryAfterS).toBe(1)
})
