import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, inject } from 'vitest'
import { type Database, openDatabase } from '#src/database/database.ts'
import { query } from './sql.ts'

let counter = 0

/** A fresh, migrated database for this test file, cloned from the template; gone when the file ends. */
export function useDatabase(): { readonly database: Database; readonly url: string } {
  let database: Database | undefined
  let url = ''
  const name = `counterpart_test_${process.pid}_${Date.now()}_${counter++}`
  beforeAll(async () => {
    const adminUrl = inject('adminUrl')
    await query(adminUrl, `create database ${name} template ${inject('template')}`)
    url = adminUrl.replace(/^(postgres(?:ql)?:\/\/[^/]*\/)[^?]*/, `$1${name}`)
    database = openDatabase({ url, poolSize: 20 })
  })
  afterAll(async () => {
    await database?.close()
    await dropDatabase(inject('adminUrl'), name)
  })
  return {
    get database() {
      if (!database) throw new Error('The database is there once the tests run')
      return database
    },
    get url() {
      return url
    },
  }
}

/** A worker of the server's own (autovacuum) cannot be ended by us, and is gone in a moment. */
async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await query(adminUrl, `drop database if exists ${name} with (force)`)
      return
    } catch (error) {
      if (attempt === 20) throw error
      await delay(250)
    }
  }
}
