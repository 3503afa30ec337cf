import type { Priority } from '#src/kernel/events.ts'

/** So many calls at once, the urgent first, others in the order in which they came. */
export interface CallSlots {
  /** Resolves with the function that gives the slot back. @throws the signal's reason when it aborts first */
  take(priority: Priority, signal: AbortSignal): Promise<() => void>
  /** What is out beyond a new limit stays out until it comes back. */
  setLimit(limit: number): void
}

interface Waiting {
  readonly priority: Priority
  readonly enter: () => void
}
const urgency: Readonly<Record<Priority, number>> = { live: 0, repair: 1, bulk: 2 }

export function createCallSlots(first: number): CallSlots {
  let limit = first
  let out = 0
  const queue = new Set<Waiting>()

  /** One slot is kept for what is urgent, unless there is only one. */
  const hasRoom = (priority: Priority) => out < (priority === 'live' || limit === 1 ? limit : limit - 1)

  function letIn(): void {
    const next = [...queue].sort((a, b) => urgency[a.priority] - urgency[b.priority])
    for (const waiting of next) {
      if (!hasRoom(waiting.priority)) return
      queue.delete(waiting)
      waiting.enter()
    }
  }
  function lend(): () => void {
    let isOut = true
    out += 1
    return () => {
      if (!isOut) return
      isOut = false
      out -= 1
      letIn()
    }
  }

  return {
    take(priority, signal) {
      if (signal.aborted) return Promise.reject(signal.reason)
      if (hasRoom(priority)) return Promise.resolve(lend())
      return new Promise((resolve, reject) => {
        const waiting: Waiting = {
          priority,
          enter() {
            signal.removeEventListener('abort', leave)
            resolve(lend())
          },
        }
        const leave = () => {
          queue.delete(waiting)
          reject(signal.reason)
        }
        signal.addEventListener('abort', leave, { once: true })
        queue.add(waiting)
      })
    },
    setLimit(next) {
      limit = Math.max(1, next)
      letIn()
    },
  }
}
