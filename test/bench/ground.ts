import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { databaseName, startEmbeddedServer } from '#src/database/embedded/server.ts'
import { migrate } from '#src/database/migrations.ts'
import { query } from '#test/support/sql.ts'

const checkout = resolve(import.meta.dirname, '../..')

/** A server of the bench's own, as durable as a real one, with databases to copy from. */
export interface Ground {
  /** A scratch folder that goes with the server. */
  readonly folder: string
  url(name: string): string
  /** A migrated, empty database. */
  create(name: string): Promise<string>
  /** A copy of a database that nobody is connected to. */
  copy(template: string, name: string): Promise<string>
  drop(name: string): Promise<void>
  close(): Promise<void>
}

export async function openGround(): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), 'counterpart-bench-'))
  // The server runs as an account of its own where we are root, and must be able to walk in.
  chmodSync(folder, 0o711)
  const server = await startEmbeddedServer({
    dataFolder: join(folder, 'data'),
    checkout,
    settings: ['max_connections=200', 'max_wal_size=4GB'],
  })
  const adminUrl = server.url(databaseName)
  return {
    folder,
    url: (name) => server.url(name),
    async create(name) {
      await query(adminUrl, `create database ${name}`)
      await migrate(server.url(name))
      return server.url(name)
    },
    async copy(template, name) {
      await query(adminUrl, `create database ${name} template ${template} strategy file_copy`)
      return server.url(name)
    },
    drop: async (name) => void (await query(adminUrl, `drop database ${name} with (force)`)),
    async close() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
