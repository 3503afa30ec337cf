import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const sources = ['src', 'connectors', 'mappings', 'jobs', 'config', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|tsx)$/.test(path) && !path.startsWith('portal/'))
    .map((path) => join(folder, path)),
)
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** Code without what people say about it. */
const withoutComments = (text: string) =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '')

/** Everything between backticks: SQL is only ever written there. */
const templates = (text: string) => withoutComments(text).match(/`(?:[^`\\]|\\[\s\S])*`/g) ?? []

const migrations = join(root, 'src/database/migrations')
const tables = readdirSync(migrations).flatMap((file) =>
  [
    ...readFileSync(join(migrations, file), 'utf8').matchAll(/create table (?:if not exists )?(\w+)/gi),
  ].flatMap(([, name]) => (name ? [name] : [])),
)

/** Folders whose SQL names a table: the capability below src, or the top folder outside of it. */
function foldersNaming(table: string): string[] {
  const naming = new RegExp(
    `\\b(?:from|join|into|update|only|table|using|truncate|references)\\s+(?:only\\s+)?"?${table}"?\\b`,
    'i',
  )
  const building = new RegExp(`(?:selectFrom|insertInto|updateTable|deleteFrom|Join)\\(\\s*'${table}\\b`)
  const folders = sources
    .filter((path) => path.startsWith('src/') || path.startsWith('jobs/'))
    .filter((path) => building.test(read(path)) || templates(read(path)).some((sql) => naming.test(sql)))
    .map((path) => (path.startsWith('src/') ? path.split('/').slice(0, 2).join('/') : 'jobs'))
  return [...new Set(folders)]
}

/** Written by every capability through the database's own function, read in one place for people. */
const sharedHomes: Readonly<Record<string, readonly string[]>> = {
  audit_entry: ['src/audit', 'src/database'],
}

test('the tables of the migrations are found', () => {
  expect(tables).toContain('audit_entry')
  expect(new Set(tables).size).toBe(tables.length)
})

test.each(tables)('the table %s is named in the SQL of one folder only', (table) => {
  const folders = foldersNaming(table)
  if (sharedHomes[table]) expect(folders.toSorted()).toEqual(sharedHomes[table])
  else expect(folders.length).toBeLessThanOrEqual(1)
})

test('the environment is read by the settings alone', () => {
  const readers = sources.filter((path) =>
    /\bprocess\s*(\.|\[\s*['"])env\b/.test(withoutComments(read(path))),
  )
  const others = readers.filter((path) => path !== 'config/env.ts' && !path.startsWith('test/'))
  expect(others).toEqual([])
  expect(readers).toContain('config/env.ts')
})

test('files are named by nouns that say what is in them', () => {
  const vague = sources.filter((path) => /(^|[/-])(utils?|helpers?|common|misc|manager)[.-]/.test(path))
  expect(vague).toEqual([])
})
