import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { databaseName, startEmbeddedServer } from '#src/database/embedded/server.ts'
import { migrate } from '#src/database/migrations.ts'
import { query } from './sql.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of the maintenance database on the server of this run. */
    adminUrl: string
    /** Name of the migrated template that every test file clones. */
    template: string
  }
}

/**
 * One server per run: TEST_DATABASE_URL (a maintenance database on any PostgreSQL), else an embedded one without fsync.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const template = `counterpart_template_${process.pid}_${Date.now()}`
  const given = process.env['TEST_DATABASE_URL']
  if (given) {
    await prepareTemplate(given, template)
    project.provide('adminUrl', given)
    project.provide('template', template)
    return () => dropTemplate(given, template)
  }
  const folder = mkdtempSync(join(tmpdir(), 'counterpart-test-'))
  const server = await startEmbeddedServer({
    dataFolder: folder,
    checkout: resolve(import.meta.dirname, '../..'),
    settings: [
      'fsync=off',
      'full_page_writes=off',
      'synchronous_commit=off',
      'autovacuum=off',
      'max_connections=300',
    ],
  })
  const tearDown = async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  const adminUrl = server.url(databaseName)
  try {
    await prepareTemplate(adminUrl, template)
  } catch (error) {
    await tearDown()
    throw error
  }
  project.provide('adminUrl', adminUrl)
  project.provide('template', template)
  return tearDown
}

async function prepareTemplate(adminUrl: string, template: string): Promise<void> {
  await query(adminUrl, `create database ${template}`)
  const url = withDatabase(adminUrl, template)
  await migrate(url)
  await query(adminUrl, `alter database ${template} with is_template true allow_connections false`)
}

async function dropTemplate(adminUrl: string, template: string): Promise<void> {
  await query(adminUrl, `alter database ${template} with is_template false`)
  await query(adminUrl, `drop database ${template} with (force)`)
}

function withDatabase(url: string, database: string): string {
  return url.replace(/^(postgres(?:ql)?:\/\/[^/]*\/)[^?]*/, `$1${database}`)
}
