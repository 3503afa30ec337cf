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
    await query(inject('adminUrl'), `drop database if exists ${name} with (force)`)
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
