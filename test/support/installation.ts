import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import { installBinaries } from '#src/database/embedded/binaries.ts'
import { type EmbeddedServer, startEmbeddedServer } from '#src/database/embedded/server.ts'

export const checkout = resolve(import.meta.dirname, '../..')

export interface Installations {
  /** Everything of this test file is below here. */
  readonly base: string
  /** A path that nothing is at yet. */
  freshPath(name: string): string
  /** A new data folder, empty but for the server's programs. */
  freshFolder(): string
  /** Starts the embedded server of a folder; it ends with the test. */
  start(dataFolder: string): Promise<EmbeddedServer>
}

/** Data folders of embedded databases for one test file; they share one copy of the server's programs. */
export function useInstallations(): Installations {
  const base = mkdtempSync(join(tmpdir(), 'counterpart-homes-'))
  chmodSync(base, 0o755)
  const { folder: programs } = installBinaries(base)
  const started: EmbeddedServer[] = []
  let names = 0
  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.stop()))
  })
  afterAll(() => rmSync(base, { recursive: true, force: true }))
  const freshPath = (name: string) => join(base, `${name}-${names++}`)
  return {
    base,
    freshPath,
    freshFolder() {
      const folder = freshPath('home')
      mkdirSync(folder)
      symlinkSync(programs, join(folder, basename(programs)))
      return folder
    },
    async start(dataFolder) {
      const server = await startEmbeddedServer({ dataFolder, checkout, settings: ['fsync=off'] })
      started.push(server)
      return server
    },
  }
}
