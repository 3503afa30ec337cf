/** `npm run backup -- FILE`: copies the embedded database into one file, while the service runs or when it does not. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig } from '#config/env.ts'
import { backUp } from './backup.ts'

async function run(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true })
  const [file] = positionals
  if (!file || positionals.length > 1)
    throw new Error('Say where the backup goes: npm run backup -- /backups/monday.tar.gz')
  const config = readConfig()
  if (config.databaseUrl) {
    throw new Error(
      'DATABASE_URL is set, and this command copies the embedded database only. Back up your PostgreSQL with its own ' +
        'tools (pg_dump, pg_basebackup), and keep SECRET_KEY.',
    )
  }
  const checkout = resolve(import.meta.dirname, '../..')
  const report = await backUp({ dataFolder: config.dataFolder, checkout }, resolve(file))
  const megabytes = (report.bytes / 1_000_000).toFixed(1)
  const state = report.online ? 'while the service runs' : 'while the service does not run'
  console.log(`Backed up ${state}: ${report.file} (${megabytes} MB)`)
  console.log(
    report.holdsKey
      ? 'The file holds all data and the key of the connections: keep it where only you can read it.'
      : 'The key of the connections is not in the file: keep SECRET_KEY as well, or their secrets cannot be opened.',
  )
}

run().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
