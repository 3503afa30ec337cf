import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  activeStanding,
  isNews,
  mayWork,
  type PauseRequest,
  pause,
  type Standing,
  standingAt,
} from '#src/connections/connection.ts'

const now = new Date('2026-03-02T10:00:00Z')
const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000)
const throttled = (minutes: number, reason = 'throttled'): PauseRequest => ({
  until: at(minutes),
  reason,
  attention: false,
})
const byHand: PauseRequest = { until: null, reason: 'maintenance', attention: false }
const broken: PauseRequest = { until: null, reason: 'password refused', attention: true }
const paused = (standing: Standing, request: PauseRequest): Standing => {
  const next = pause(standing, request, now)
  if (!next) throw new Error('the pause changes nothing')
  return next
}

describe('a pause', () => {
  test('with an end is over when its time has come, one without waits for somebody', () => {
    const short = paused(activeStanding, throttled(5))
    expect(mayWork(short, at(4))).toBe(false)
    expect(mayWork(short, at(5))).toBe(true)
    expect(standingAt(short, at(5))).toEqual(activeStanding)
    expect(mayWork(paused(activeStanding, byHand), at(100_000))).toBe(false)
    expect(mayWork(paused(activeStanding, broken), at(100_000))).toBe(false)
  })

  test('is prolonged but never shortened', () => {
    const long = paused(activeStanding, throttled(60))
    expect(pause(long, throttled(5), now)).toBeNull()
    expect(paused(long, throttled(90)).pausedUntil).toEqual(at(90))
  })

  test("never ends a person's pause, nor hides what a person has to mend", () => {
    expect(pause(paused(activeStanding, byHand), throttled(5), now)).toBeNull()
    expect(pause(paused(activeStanding, broken), throttled(5), now)).toBeNull()
    expect(pause(paused(activeStanding, broken), byHand, now)).toBeNull()
    expect(paused(paused(activeStanding, byHand), broken).status).toBe('attention')
  })

  test('that has passed already changes nothing', () => {
    expect(pause(activeStanding, throttled(0), now)).toBeNull()
  })

  test('asked for twice changes nothing the second time', () => {
    for (const request of [throttled(5), byHand, broken]) {
      expect(pause(paused(activeStanding, request), request, now)).toBeNull()
    }
  })

  test('whatever is asked for in whatever order, the connection rests at least as long as the longest asks', () => {
    const request = fc.record({
      until: fc.option(fc.integer({ min: -5, max: 500 }).map(at)),
      reason: fc.constantFrom('a', 'b'),
      attention: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.array(request, { minLength: 1 }),
        fc.integer({ min: 0, max: 600 }),
        (requests, minute) => {
          const end = requests.reduce(
            (standing, one) => pause(standing, one, now) ?? standing,
            activeStanding,
          )
          const rests = requests.some(
            ({ until, attention }) => attention || until === null || until > at(minute),
          )
          expect(mayWork(end, at(minute))).toBe(!rests)
        },
      ),
    )
  })
})

describe('people are told', () => {
  test('when a connection stops, and when it needs them', () => {
    const short = paused(activeStanding, throttled(5))
    expect(isNews(activeStanding, short, now)).toBe(true)
    expect(isNews(short, paused(short, broken), now)).toBe(true)
    const needy = paused(activeStanding, broken)
    expect(isNews(needy, paused(needy, { ...broken, reason: 'other' }), now)).toBe(false)
  })

  test('not of each pause in a row for the same reason, but again after an hour of work', () => {
    const first = paused(activeStanding, throttled(1))
    const soon = pause(first, throttled(10), at(5))!
    expect(isNews(first, soon, at(5))).toBe(false)
    const later = pause(first, throttled(200), at(120))!
    expect(isNews(first, later, at(120))).toBe(true)
  })

  test('not when a connection resumes', () => {
    expect(isNews(paused(activeStanding, byHand), activeStanding, now)).toBe(false)
  })
})
