import type { CallGate } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { Clock } from '#src/kernel/clock.ts'
import type { Priority } from '#src/kernel/events.ts'
import type { CallMeter } from './call-meter.ts'
import type { CallLabel } from './call-tally.ts'
import { activeStanding, type Standing, standingAt, type Usage } from './connection.ts'

/** What the gate writes: one line per call, without anything that was sent or received. */
export interface CallLog {
  debug(fields: object, message: string): void
}

export interface ConnectionGate extends CallGate {
  /** The connection as it was read last. */
  updateStanding(standing: Standing): void
}

export interface CallGateOptions {
  readonly connectionId: string
  readonly clock: Clock
  readonly log: CallLog
  /** How urgent the work of this gate is. */
  readonly priority: Priority
  /** Budget and places, shared with the connection's other gates. What is given up there was never sent. */
  readonly meter: Pick<CallMeter, 'admit' | 'enter' | 'count' | 'throttle' | 'observeUsage'>
  /** The longest call. With the meter's wait and the check of the organisation it stays below the engine's lease of 60 s. */
  readonly callMs: number
  /** Asks who answers over there: before the first call, and after every new sign-in. Throws when it is the wrong one. */
  verifyOrganisation(): Promise<{ confirm(): Promise<void> }>
  onCall(label: CallLabel, at: Date): void
  onUsage(usage: Usage): void
}

const shortPauseMs = 60_000

/** The guard of one connector: every HTTP call passes it, and none that ought not to be made. */
export function createCallGate(options: CallGateOptions): ConnectionGate {
  const { clock, meter, priority } = options
  let standing: Standing = activeStanding
  let signIns = 0
  let verifiedSignIns = -1
  let verifying: Promise<void> | null = null

  function admit({ operation }: CallLabel): void {
    if (isAsking(operation)) return
    meter.admit(priority)
    const now = clock.now()
    const { status, pausedUntil } = standingAt(standing, now)
    if (status === 'active') return
    if (pausedUntil) throw refusal('PAUSED', 'The connection is paused', pausedUntil)
    if (movesRecords(operation)) {
      throw refusal('STOPPED', 'The connection is stopped', new Date(now.getTime() + shortPauseMs))
    }
  }

  async function verify(): Promise<void> {
    const identity = await options.verifyOrganisation()
    const seen = signIns
    await identity.confirm()
    verifiedSignIns = seen
  }

  async function assertOrganisation({ operation }: CallLabel, signal: AbortSignal): Promise<void> {
    while (!isAsking(operation) && verifiedSignIns !== signIns) {
      verifying ??= verify().finally(() => {
        verifying = null
      })
      await verifying
      signal.throwIfAborted()
    }
  }

  async function enter({ operation }: CallLabel, signal: AbortSignal): Promise<() => void> {
    // Calls that wait for a sign-in may hold every place.
    if (isAsking(operation)) return () => undefined
    if (operation !== 'listen') return meter.enter(priority, signal)
    await meter.count(priority, signal)
    return () => undefined
  }

  async function note(label: CallLabel, error: unknown): Promise<void> {
    if (error === null) {
      if (label.operation === 'auth') signIns += 1
      return
    }
    if (!(error instanceof ConnectorFault) || error.kind !== 'throttled') return
    await meter.throttle(error.details.retryAt ?? new Date(clock.now().getTime() + shortPauseMs))
  }

  return {
    async call(label, signal, send) {
      signal.throwIfAborted()
      admit(label)
      await assertOrganisation(label, signal)
      const giveBack = await enter(label, signal)
      try {
        admit(label)
        options.onCall(label, clock.now())
        return await timed(label, () => send(limited(label, signal)))
      } finally {
        giveBack()
      }
    },
    observeUsage({ used, limit }) {
      const usage = { used, limit, at: clock.now() }
      meter.observeUsage(usage)
      options.onUsage(usage)
    },
    updateStanding(next) {
      standing = next
    },
  }

  /** Who waits for news waits as long as the CRM lets it. */
  function limited({ operation }: CallLabel, signal: AbortSignal): AbortSignal {
    return operation === 'listen' ? signal : AbortSignal.any([signal, AbortSignal.timeout(options.callMs)])
  }

  async function timed<T>(label: CallLabel, send: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const tell = (outcome: string) => {
      const ms = Math.round(performance.now() - startedAt)
      options.log.debug({ connectionId: options.connectionId, ...label, ms, outcome }, 'call to a CRM')
    }
    try {
      const answer = await send()
      await note(label, null)
      tell('ok')
      return answer
    } catch (error) {
      await note(label, error)
      tell(error instanceof ConnectorFault ? `${error.kind} ${error.details.code}` : 'failed')
      throw error
    }
  }
}

/** Signing in and asking who is there: needed to find out whether a pause may end. */
const isAsking = (operation: CallLabel['operation']) => operation === 'auth' || operation === 'probe'

/** What a person stopped. Looking up fields and records stays possible, so that mappings can be mended meanwhile. */
const movesRecords = (operation: CallLabel['operation']) => operation === 'write' || operation === 'changes'

const refusal = (code: string, message: string, retryAt: Date): ConnectorFault =>
  new ConnectorFault('throttled', message, { code, retryAt })
