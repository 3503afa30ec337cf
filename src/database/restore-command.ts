/** `npm run restore -- FILE [--force]`: puts a backup in place of the embedded database; the service must not run. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readConfig } from '#config/env.ts'
import { restore } from './restore.ts'

async function run(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { force: { type: 'boolean' } },
  })
  const [file] = positionals
  if (!file || positionals.length > 1)
    throw new Error('Say which backup to restore: npm run restore -- /backups/monday.tar.gz [--force]')
  const config = readConfig()
  if (config.databaseUrl)
    throw new Error('DATABASE_URL is set, and this command restores the embedded database only.')
  const checkout = resolve(import.meta.dirname, '../..')
  const installation = { dataFolder: config.dataFolder, checkout }
  const report = await restore(installation, resolve(file), values.force ?? false)
  console.log(`Restored the backup of ${report.createdAt} into ${report.folder}`)
  console.log(`Checked: ${report.tables} tables with ${report.rows} rows can be read.`)
  for (const place of report.movedAside) console.log(`What was there before is now ${place}`)
  if (!report.holdsKey)
    console.log('The backup holds no key: set the SECRET_KEY that was in use when it was made.')
}

run().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
