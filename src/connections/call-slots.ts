/** So many calls at once, the others in the order in which they came. */
export interface CallSlots {
  /** Resolves with the function that gives the slot back. @throws the signal's reason when it aborts first */
  take(signal: AbortSignal): Promise<() => void>
}

export function createCallSlots(limit: number): CallSlots {
  let free = limit
  const queue = new Set<() => void>()

  function giveBack(): void {
    const [next] = queue
    if (next) {
      queue.delete(next)
      next()
    } else free += 1
  }
  function lend(): () => void {
    let isOut = true
    return () => {
      if (isOut) giveBack()
      isOut = false
    }
  }

  return {
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason)
      if (free > 0) {
        free -= 1
        return Promise.resolve(lend())
      }
      return new Promise((resolve, reject) => {
        const enter = () => {
          signal.removeEventListener('abort', leave)
          resolve(lend())
        }
        const leave = () => {
          queue.delete(enter)
          reject(signal.reason)
        }
        signal.addEventListener('abort', leave, { once: true })
        queue.add(enter)
      })
    },
  }
}
