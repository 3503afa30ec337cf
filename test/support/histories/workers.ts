import type { Connector } from '#connectors/connector.ts'
import type { Random } from '../random.ts'
import type { ToySync } from '../toy-sync.ts'

/** Where a worker may be struck: behind a call of ours, or before a write. */
const places = ['before a write', 'after a write', 'after a read', 'in a poll', 'reading hints'] as const
type Place = (typeof places)[number]

const strikingAt =
  (place: Place, strike: () => Promise<void>) =>
  (connector: Connector): Connector => ({
    ...connector,
    async write(commands, signal) {
      if (place === 'before a write') await strike()
      const outcomes = await connector.write(commands, signal)
      if (place === 'after a write') await strike()
      return outcomes
    },
    async read(object, ids, names, signal) {
      const records = await connector.read(object, ids, names, signal)
      if (place === 'after a read' || place === 'reading hints') await strike()
      return records
    },
    async *changes(object, cursor, names, signal, findKnown) {
      for await (const page of connector.changes(object, cursor, names, signal, findKnown)) {
        if (place === 'in a poll') await strike()
        yield page
      }
    },
  })

/** Other workers of the installation, to which bad things happen. */
export function createWorkers(sync: ToySync, random: Random) {
  const dawdling: { readonly release: () => void; readonly ended: Promise<unknown> }[] = []

  async function start(place: Place, strike: () => Promise<void>): Promise<unknown> {
    const worker = sync.secondWorker(strikingAt(place, strike))
    await sync.ripen()
    if (place === 'in a poll') return worker.poll()
    return place === 'reading hints' ? worker.hints() : worker.reconcile()
  }

  return {
    /** One ends where it must not. */
    async die(): Promise<string> {
      const place = random.pick(places)
      await start(place, async () => {
        throw new Error('killed')
      }).catch((error: unknown) => {
        const causes = error instanceof AggregateError ? error.errors : [error]
        if (!causes.every((cause) => cause instanceof Error && cause.message === 'killed')) throw error
      })
      return place
    },

    /** One stands still with its lease, what it holds in hand growing old, until `comeBack`. */
    async dawdle(): Promise<string> {
      // A request does not outlive its lease, so none leaves late.
      const place = random.pick(places.filter((each) => each !== 'before a write'))
      const reached = Promise.withResolvers<void>()
      const released = Promise.withResolvers<void>()
      const ended = start(place, async () => {
        reached.resolve()
        await released.promise
      })
      dawdling.push({ release: released.resolve, ended })
      await Promise.race([reached.promise, ended])
      // Between its reading and its writing nobody can tell of a change, unless the write names what it is based on.
      const isBlind = place === 'after a read' && !sync.connector.traits.conditionalWrite
      if (isBlind || random.chance(0.5)) await sync.expireLeases()
      return place
    },

    /** One of those that stood still goes on. */
    async comeBack(): Promise<void> {
      const [worker] = dawdling.splice(random.whole(0, Math.max(0, dawdling.length - 1)), 1)
      worker?.release()
      await worker?.ended
    },

    async allComeBack(): Promise<void> {
      while (dawdling.length > 0) await this.comeBack()
    },
  }
}
