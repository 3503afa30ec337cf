import { setTimeout as delay } from 'node:timers/promises'
import Bull from 'bull'
import { Redis } from 'ioredis'
import type { Bell, BellName } from './bell.ts'
import { type BellOptions, createTransportBell } from './transport-bell.ts'

export interface BullBellOptions extends BellOptions {
  readonly url: string
  /** Prefix of all keys; installations that share a Redis must not share it. */
  readonly prefix?: string
}

const closeLimitMs = 2_000
/** Bull retries nothing and keeps nothing: retries, priorities and history are ours, in tables. */
const jobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const
const patient = { maxRetriesPerRequest: null, enableReadyCheck: false } as const

/** Rings through Bull on Redis: a ring wakes one idle process, further rings wake further ones. */
export function createBullBell(options: BullBellOptions): Bell {
  const { logger, url, prefix = 'counterpart' } = options
  return createTransportBell(options, (deliver) => {
    const queues = new Map<BellName, Bull.Queue>()
    const connections: Redis[] = []
    let troubled = false

    function reportTrouble(error: unknown): void {
      if (!troubled)
        logger.warn({ err: error }, 'The bell has trouble with Redis; until then work is found by polling')
      troubled = true
    }
    function openConnection(): Redis {
      const connection = new Redis(url, {
        ...patient,
        retryStrategy: (tries) => Math.min(100 * 2 ** tries, 5_000),
      })
      connection.setMaxListeners(0)
      connection.on('error', reportTrouble)
      connection.on('ready', () => {
        if (troubled) logger.info('The bell is connected to Redis again')
        troubled = false
      })
      connections.push(connection)
      return connection
    }
    const shared = { client: openConnection(), subscriber: openConnection() }

    function queueOf(name: BellName): Bull.Queue {
      const known = queues.get(name)
      if (known) return known
      const queue = new Bull(name, {
        prefix,
        defaultJobOptions: jobOptions,
        settings: { retryProcessDelay: 1_000 },
        createClient: (kind) => (kind === 'bclient' ? openConnection() : shared[kind]),
      })
      queue.on('error', reportTrouble)
      // Bull names its connection without catching what goes wrong: a stop at that moment would end the process.
      Object.assign(queue, { setWorkerName: () => Promise.resolve() })
      queues.set(name, queue)
      return queue
    }

    return {
      // A ring waits in Redis until somebody takes it.
      ready: Promise.resolve(),
      async send(names) {
        for (const name of names) {
          const queue = queueOf(name)
          // A ring that still waits starts its drain later than now, so it covers this one too.
          if ((await queue.getWaitingCount()) === 0) await queue.add({})
        }
      },
      listen(name) {
        queueOf(name)
          .process(1, () => deliver(name))
          .catch(reportTrouble)
      },
      async close() {
        const closing = [...queues.values()].map((queue) => queue.close(true).catch(reportTrouble))
        await Promise.race([Promise.all(closing), delay(closeLimitMs, undefined, { ref: false })])
        for (const connection of connections) connection.disconnect()
      },
    }
  })
}

/** Settings of Redis that may lose rings, in plain words; empty when all is well. Rings lost are only late. */
export async function checkRedis(url: string): Promise<readonly string[]> {
  const connection = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1, retryStrategy: () => null })
  connection.on('error', () => undefined)
  try {
    await connection.connect()
    const [policy, appendOnly] = await Promise.all(
      ['maxmemory-policy', 'appendonly'].map(async (name) =>
        readSetting(await connection.config('GET', name)),
      ),
    )
    return [
      ...(policy === 'noeviction'
        ? []
        : [
            `Redis may throw rings away when its memory is full: set maxmemory-policy to noeviction (it is ${policy}).`,
          ]),
      ...(appendOnly === 'yes'
        ? []
        : [`Redis forgets rings when it restarts: set appendonly to yes (it is ${appendOnly}).`]),
    ]
  } catch (error) {
    return [
      `The settings of Redis could not be read: ${error instanceof Error ? error.message : String(error)}`,
    ]
  } finally {
    connection.disconnect()
  }
}

const readSetting = (answer: unknown) => (Array.isArray(answer) ? String(answer[1]) : 'unknown')
