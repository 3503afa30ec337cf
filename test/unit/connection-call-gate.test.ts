import { describe, expect, test, vi } from 'vitest'
import { ConnectorFault } from '#connectors/fault.ts'
import { isPassingRefusal, overBudget } from '#src/connections/call-budget.ts'
import { type CallGateOptions, createCallGate } from '#src/connections/call-gate.ts'
import { createCallMeter } from '#src/connections/call-meter.ts'
import type { CallLabel } from '#src/connections/call-tally.ts'
import { activeStanding, type Usage } from '#src/connections/connection.ts'
import { endlessBudget } from '#test/support/call-budget.ts'

const never = new AbortController().signal
const label = (operation: CallLabel['operation'], records = 1): CallLabel => ({
  operation,
  object: operation === 'auth' ? null : 'Opportunity',
  records,
})

interface SetUp extends Partial<CallGateOptions> {
  readonly usage?: Usage
  readonly concurrency?: number
  readonly waitMs?: number
}

function setUp({ usage, concurrency = 5, waitMs = 1_000, ...options }: SetUp = {}) {
  const calls: string[] = []
  const usages: Usage[] = []
  const lines: Record<string, unknown>[] = []
  const verify = vi.fn(async () => undefined)
  let now = new Date('2026-03-02T10:20:00Z')
  const meter = createCallMeter({
    worker: 'this one',
    shared: endlessBudget(),
    clock: { now: () => now },
    limits: { windows: [], perDay: null, concurrentCalls: 100 },
    usage: usage ?? null,
    concurrency,
    waitMs,
  })
  const gate = createCallGate({
    connectionId: 'c1',
    clock: { now: () => now },
    log: { debug: (fields) => void lines.push({ ...fields }) },
    priority: 'live',
    meter,
    callMs: 1_000,
    verifyOrganisation: async () => {
      await verify()
      return { confirm: async () => undefined }
    },
    onCall: ({ operation }) => void calls.push(operation),
    onUsage: (usage) => void usages.push(usage),
    ...options,
  })
  const call = <T = string>(
    operation: CallLabel['operation'],
    answer: () => Promise<T> = async () => 'ok' as T,
  ) => gate.call(label(operation), never, answer)
  return {
    gate,
    meter,
    call,
    calls,
    usages,
    lines,
    verify,
    pass: (minutes: number) => {
      now = new Date(now.getTime() + minutes * 60_000)
    },
    now: () => now,
  }
}

const faultOf = async (work: Promise<unknown>): Promise<ConnectorFault> => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ConnectorFault) return error
  throw new Error(`expected a fault, got ${String(error)}`)
}

describe('the gate', () => {
  test('lets so many calls through at once, and the others in their order', async () => {
    const { gate } = setUp({ concurrency: 2 })
    const open: (() => void)[] = []
    const started: number[] = []
    const run = (index: number) =>
      gate.call(label('read'), never, () => {
        started.push(index)
        return new Promise<void>((resolve) => open.push(resolve))
      })
    const all = [0, 1, 2, 3].map(run)
    await vi.waitFor(() => expect(started).toEqual([0, 1]))
    open[1]!()
    await vi.waitFor(() => expect(started).toEqual([0, 1, 2]))
    open[0]!()
    await vi.waitFor(() => expect(started).toEqual([0, 1, 2, 3]))
    for (const end of open) end()
    await Promise.all(all)
  })

  test('gives a slot back after a failure', async () => {
    const { call } = setUp({ concurrency: 1 })
    await expect(call('read', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    await expect(call('read')).resolves.toBe('ok')
  })

  test('gives up waiting for a slot before anything was sent', async () => {
    const { gate, call } = setUp({ concurrency: 1, waitMs: 20 })
    let end = () => {}
    const first = gate.call(label('read'), never, () => new Promise<void>((resolve) => (end = resolve)))
    const fault = await faultOf(call('read'))
    expect([fault.kind, fault.details.code]).toEqual(['unavailable', 'BUSY'])
    end()
    await first
  })

  test('a caller who leaves while waiting holds up nobody', async () => {
    const { gate, call, calls } = setUp({ concurrency: 1 })
    let end = () => {}
    const first = gate.call(label('read'), never, () => new Promise<void>((resolve) => (end = resolve)))
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    const leaver = new AbortController()
    const left = gate.call(label('read'), leaver.signal, async () => 'never')
    const third = call('read')
    leaver.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    end()
    await expect(third).resolves.toBe('ok')
    await first
  })

  test('ends a call that takes too long', async () => {
    const { gate } = setUp({ callMs: 20 })
    const ended = gate.call(
      label('write'),
      never,
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    await expect(ended).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  test('logs each call by its label, and how it ended', async () => {
    const { call, lines } = setUp()
    await call('read')
    const rejected = new ConnectorFault('rejected', 'the secret is hunter2', { code: 'NO' })
    await faultOf(call('write', () => Promise.reject(rejected)))
    expect(lines).toMatchObject([
      { connectionId: 'c1', operation: 'read', object: 'Opportunity', records: 1, outcome: 'ok' },
      { operation: 'write', outcome: 'rejected NO' },
    ])
    expect(JSON.stringify(lines)).not.toContain('hunter2')
  })
})

describe('while a connection is paused', () => {
  test('until a moment, only signing in and asking who is there pass', async () => {
    const { gate, call, now, pass, calls } = setUp()
    const until = new Date(now().getTime() + 30 * 60_000)
    gate.updateStanding({ status: 'paused', pausedUntil: until, pauseReason: 'throttled' })
    for (const operation of ['describe', 'read', 'write', 'changes'] as const) {
      const fault = await faultOf(call(operation))
      expect([fault.kind, fault.details.code, fault.details.retryAt]).toEqual(['throttled', 'PAUSED', until])
    }
    await call('auth')
    await call('probe')
    expect(calls).toEqual(['auth', 'probe'])
    pass(30)
    await expect(call('write')).resolves.toBe('ok')
  })

  test.each(['paused', 'attention'] as const)(
    'by a person or for one (%s), nothing moves, but fields and records can be looked up',
    async (status) => {
      const { gate, call, pass } = setUp()
      gate.updateStanding({ status, pausedUntil: null, pauseReason: 'stopped' })
      pass(100_000)
      expect((await faultOf(call('write'))).details.code).toBe('STOPPED')
      expect((await faultOf(call('changes'))).details.code).toBe('STOPPED')
      await expect(call('describe')).resolves.toBe('ok')
      await expect(call('read')).resolves.toBe('ok')
      gate.updateStanding(activeStanding)
      await expect(call('write')).resolves.toBe('ok')
    },
  )

  test('a call that waited for its slot meanwhile is not made', async () => {
    const { gate, call, calls } = setUp({ concurrency: 1 })
    let end = () => {}
    const first = gate.call(label('read'), never, () => new Promise<void>((resolve) => (end = resolve)))
    await vi.waitFor(() => expect(calls).toEqual(['read']))
    const second = call('write')
    gate.updateStanding({ status: 'attention', pausedUntil: null, pauseReason: 'stopped' })
    end()
    expect((await faultOf(second)).details.code).toBe('STOPPED')
    await first
  })
})

describe('when the CRM throttles', () => {
  test('no further call is made before its time has come', async () => {
    const { call, calls, now, pass } = setUp()
    const retryAt = new Date(now().getTime() + 120_000)
    const throttled = new ConnectorFault('throttled', 'too many', { code: 'LIMIT', retryAt })
    await faultOf(call('read', () => Promise.reject(throttled)))
    expect((await faultOf(call('write'))).details).toMatchObject({ code: 'THROTTLED', retryAt })
    expect(calls).toEqual(['read'])
    pass(2)
    await expect(call('write')).resolves.toBe('ok')
  })
})

describe("of the CRM's allowance", () => {
  test('a fifth is kept from bulk work', () => {
    const { gate, meter, usages, now, pass } = setUp()
    gate.observeUsage({ used: 800, limit: 1_000 })
    expect(meter.mayRun('bulk')).toBe(true)
    gate.observeUsage({ used: 801, limit: 1_000 })
    expect(meter.mayRun('bulk')).toBe(false)
    expect(usages.at(-1)).toEqual({ used: 801, limit: 1_000, at: now() })
    pass(40)
    expect(meter.mayRun('bulk')).toBe(true)
  })

  test('the last hundredths are left to others until the next hour, then one call learns anew', async () => {
    const { gate, call, pass } = setUp()
    gate.observeUsage({ used: 979, limit: 1_000 })
    await call('write')
    gate.observeUsage({ used: 980, limit: 1_000 })
    const fault = await faultOf(call('write'))
    expect(fault.details).toMatchObject({
      code: 'ALLOWANCE_RESERVED',
      retryAt: new Date('2026-03-02T11:00:00Z'),
    })
    pass(40)
    await call('changes')
    gate.observeUsage({ used: 985, limit: 1_000 })
    expect((await faultOf(call('write'))).details.retryAt).toEqual(new Date('2026-03-02T12:00:00Z'))
  })

  test('what was known before a restart still counts', async () => {
    const at = new Date('2026-03-02T10:10:00Z')
    const { meter, call } = setUp({ usage: { used: 990, limit: 1_000, at } })
    expect(meter.mayRun('bulk')).toBe(false)
    expect((await faultOf(call('write'))).kind).toBe('throttled')
  })
})

describe('before records move', () => {
  test('it is asked once who answers, however many calls begin at once', async () => {
    const { call, verify } = setUp()
    await Promise.all([call('read'), call('write'), call('changes')])
    await call('read')
    expect(verify).toHaveBeenCalledTimes(1)
  })

  test('it is asked again after a new sign-in', async () => {
    const { call, verify } = setUp()
    await call('read')
    await call('auth')
    await call('read')
    expect(verify).toHaveBeenCalledTimes(2)
  })

  test('nothing is sent to another organisation, and each later call asks again', async () => {
    const wrong = new ConnectorFault('unauthorised', 'another organisation', { code: 'OTHER_ORGANISATION' })
    const confirm = vi.fn().mockRejectedValueOnce(wrong).mockResolvedValue(undefined)
    const { call, calls } = setUp({ verifyOrganisation: async () => ({ confirm }) })
    expect(await faultOf(call('write'))).toBe(wrong)
    expect(calls).toEqual([])
    await expect(call('write')).resolves.toBe('ok')
  })

  test('a sign-in while asking makes the gate ask again', async () => {
    const { call, calls, gate } = setUp({
      verifyOrganisation: async () => ({
        confirm: async () => {
          confirmed += 1
          if (confirmed === 1) await gate.call(label('auth'), never, async () => 'signed in')
        },
      }),
    })
    let confirmed = 0
    await call('write')
    expect([confirmed, calls]).toEqual([2, ['auth', 'write']])
  })
})

test('a refusal of our own that passes by itself pauses nothing; a day that is used up does', () => {
  const now = new Date('2030-01-15T12:00:00Z')
  const inMs = (ms: number) => new Date(now.getTime() + ms)
  expect(isPassingRefusal(overBudget('live', inMs(9_000)), now)).toBe(true)
  expect(isPassingRefusal(overBudget('bulk', inMs(9_000_000)), now)).toBe(true)
  expect(isPassingRefusal(overBudget('live', inMs(9_000_000)), now)).toBe(false)
  const theirs = new ConnectorFault('throttled', 'Too many', { code: '429', retryAt: inMs(1_000) })
  expect(isPassingRefusal(theirs, now)).toBe(false)
})
