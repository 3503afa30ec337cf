import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { checkRedis, createBullBell } from '#jobs/bull-bell.ts'
import { createPostgresBell } from '#jobs/postgres-bell.ts'
import type { BellOptions } from '#jobs/transport-bell.ts'
import { useDatabase } from '#test/support/database.ts'
import { captureLog } from '#test/support/log.ts'
import { testRedisUrl } from '#test/support/redis.ts'
import { query } from '#test/support/sql.ts'
import { describeBell } from './bell-suite.ts'

const db = useDatabase()
const nobody = { redis: 'redis://127.0.0.1:1', postgres: 'postgres://127.0.0.1:1/nobody' }
const prefix = `test-${process.pid}`

describeBell({
  name: 'PostgreSQL',
  open: (options) => createPostgresBell({ ...options, url: db.url }),
  interrupt: async () => {
    await query(
      db.url,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'counterpart bell' and datname = current_database()`,
    )
  },
})

const redisUrl = testRedisUrl
if (redisUrl) {
  describeBell({
    name: 'Redis',
    open: (options) => createBullBell({ ...options, url: redisUrl, prefix }),
    interrupt: async () => {
      await askRedis(redisUrl, (redis) => redis.call('client', 'kill', 'type', 'normal', 'skipme', 'yes'))
    },
  })
}

describe.runIf(redisUrl)('the bell over Redis (needs TEST_REDIS_URL)', () => {
  const url = redisUrl ?? ''

  test('a flushed Redis goes on ringing', async () => {
    const bell = createBullBell({ logger: captureLog().logger, pollMs: 3_600_000, url, prefix })
    let drained = 0
    bell.onRing('flushed', async () => {
      drained += 1
    })
    try {
      for (let round = 0; round < 3; round += 1) {
        const before = drained
        bell.ring('flushed')
        while (drained === before) await delay(10)
        await askRedis(url, async (redis) => {
          const keys = await redis.keys(`${prefix}:*`)
          await redis.del(...keys)
        })
      }
    } finally {
      await bell.close()
    }
    expect(drained).toBeGreaterThanOrEqual(3)
  })

  test('rings leave nothing behind', async () => {
    const bell = createBullBell({ logger: captureLog().logger, pollMs: 3_600_000, url, prefix })
    let drained = 0
    bell.onRing('tidy', async () => {
      drained += 1
    })
    for (let round = 1; round <= 5; round += 1) {
      bell.ring('tidy')
      while (drained < round) await delay(10)
    }
    await bell.close()
    const kept = await askRedis(url, (redis) => redis.keys(`${prefix}:tidy:[0-9]*`))
    expect(kept.length).toBeLessThanOrEqual(1)
  })

  test('a Redis that may forget rings is told in plain words', async () => {
    await askRedis(url, async (redis) => {
      const before = String(((await redis.config('GET', 'maxmemory-policy')) as string[])[1])
      await redis.config('SET', 'maxmemory-policy', 'noeviction')
      await redis.config('SET', 'appendonly', 'yes')
      expect(await checkRedis(url)).toEqual([])
      await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
      expect((await checkRedis(url)).join()).toContain('set maxmemory-policy to noeviction')
      await redis.config('SET', 'maxmemory-policy', before)
    })
  })
})

describe.each([
  { kind: 'Redis', open: (options: BellOptions) => createBullBell({ ...options, url: nobody.redis }) },
  {
    kind: 'PostgreSQL',
    open: (options: BellOptions) => createPostgresBell({ ...options, url: nobody.postgres }),
  },
])('without any $kind behind its address', ({ open }) => {
  test('drains are polled, ringing does not throw, and closing ends', async () => {
    const log = captureLog()
    const bell = open({ logger: log.logger, pollMs: 50 })
    let drained = 0
    bell.onRing('alone', async () => {
      drained += 1
    })
    bell.ring('alone')
    while (drained < 3) await delay(10)
    const startedMs = Date.now()
    await bell.close()
    expect(Date.now() - startedMs).toBeLessThan(5_000)
    expect(log.entries.filter(({ level }) => level === 'warn').length).toBeGreaterThanOrEqual(1)
  })
})

test('a check of the settings of a Redis that is not there says so', async () => {
  expect((await checkRedis(nobody.redis)).join()).toContain('could not be read')
})

async function askRedis<T>(url: string, ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url)
  try {
    return await ask(redis)
  } finally {
    redis.disconnect()
  }
}
