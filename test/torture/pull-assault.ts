import { setTimeout as delay } from 'node:timers/promises'
import { type Assault, afterCalls } from './assault.ts'
import type { World } from './world.ts'

const polling = new Set(['query', 'query-more'])

/** Sales reps win, lose, re-open and correct deals among a mass of others that changed, while Salesforce is slow. */
export function pull(world: World): Assault {
  const { simulator, random, rep, direct, dealsPerRound } = world
  simulator.calls.reset()
  simulator.faults.add({ kind: 'slow', delayMs: random.whole(20, 500) })
  simulator.faults.add({
    kind: 'lost-answer',
    how: 'cut',
    operation: ['query', 'collections-read'],
    probability: 0.15,
  })
  const work = async () => {
    const drops = random.whole(2, 5)
    for (let drop = 0; drop < drops; drop += 1) {
      rep.work(Math.ceil(dealsPerRound / drops))
      if (drop === 0 && random.chance(0.6)) simulator.touch('Opportunity', direct)
      await delay(random.whole(100, 1_500))
    }
  }
  const moment = afterCalls(simulator, random, {
    calls: random.whole(1, 5),
    what: 'poll page',
    thenUpToMs: 1_500,
    matches: ({ operation, object }) => polling.has(operation) && object === 'Opportunity',
  })
  return { moment, done: work() }
}
