import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { databaseName, ownerRole } from '#src/database/embedded/server.ts'
import { createApi } from '#test/support/api-client.ts'
import { freePort } from '#test/support/free-port.ts'
import type { Random } from '#test/support/random.ts'
import { type ServiceProcess, startService } from '#test/support/service-process.ts'
import { hasEnded, type Site } from './site.ts'

const startMs = 180_000
const followMs = 30_000

/** One process with its embedded database, as `npm start` runs it. */
export async function openEmbeddedSite(folder: string, random: Random): Promise<Site> {
  const data = join(folder, 'data')
  const port = await freePort()
  const start = (): Promise<ServiceProcess> =>
    startService({
      env: { DATA_FOLDER: data, RATE_LIMIT_PER_MINUTE: '0' },
      logFile: join(folder, 'service.log'),
      port,
      startMs,
    })
  let service = await start()
  const admin = createApi(service.url, service.token ?? '')
  const url = `postgres:///${databaseName}?host=${encodeURIComponent(join(data, 'run'))}&user=${ownerRole}`

  const killDatabase = () => {
    const [line = ''] = readFileSync(join(data, 'database/postmaster.pid'), 'utf8').split('\n')
    process.kill(Number(line), 'SIGKILL')
  }
  /** It cannot go on without its database, and must not pretend to. */
  async function waitUntilGone(): Promise<void> {
    if (hasEnded(service.child)) return
    const gone = await Promise.race([
      once(service.child, 'exit').then(() => true),
      delay(followMs, false, { ref: false }),
    ])
    if (!gone) throw new Error(`The service went on for ${followMs / 1_000} s after its database had died`)
  }

  return {
    name: 'embedded',
    admin,
    folder,
    ownerUrl: () => url,
    async strike() {
      const draw = random.next()
      if (draw < 0.5) {
        await service.kill()
        return 'killed the service'
      }
      killDatabase()
      if (draw < 0.65) {
        await service.kill()
        return 'killed the database server and the service'
      }
      await waitUntilGone()
      return 'killed the database server, the service ended by itself'
    },
    async recover() {
      service = await start()
    },
    complaints: () => (hasEnded(service.child) ? ['The service has ended by itself'] : []),
    close: () => service.stop(),
  }
}
