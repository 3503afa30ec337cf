import { resolve } from 'node:path'
import { type Database, openDatabase } from './database.ts'
import { databaseName, ownerRole, socketUrl } from './embedded/connection.ts'
import { chooseFolder, dataName } from './embedded/home.ts'
import { findServer } from './embedded/pid-file.ts'
import { startEmbeddedServer } from './embedded/server.ts'

const checkout = resolve(import.meta.dirname, '../..')

/**
 * The database for a command: DATABASE_URL, the embedded server of a running service, or one started for the purpose.
 * @returns what `work` returns; everything that was opened is closed again
 */
export async function withDatabase<T>(
  { databaseUrl, dataFolder }: { readonly databaseUrl: string | null; readonly dataFolder: string | null },
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const opened = await open(databaseUrl, dataFolder)
  const database = openDatabase({ url: opened.url, poolSize: 4 })
  try {
    return await work(database)
  } finally {
    await database.close()
    await opened.close()
  }
}

async function open(databaseUrl: string | null, dataFolder: string | null) {
  const nothing = async () => undefined
  if (databaseUrl) return { url: databaseUrl, close: nothing }
  const running = await findServer(resolve(chooseFolder(dataFolder, checkout), dataName))
  if (running?.socketFolder)
    return { url: socketUrl(running.socketFolder, databaseName, ownerRole), close: nothing }
  const server = await startEmbeddedServer({ dataFolder, checkout })
  return { url: server.url(), close: () => server.stop() }
}
