import { afterAll, beforeAll } from 'vitest'
import type { Database, Tx } from '#src/database/database.ts'
import { buildServer } from '#src/http/server.ts'
import { type ApplyDeps, type ApplyRows, createAppliers } from '#src/imports/apply-use-cases.ts'
import type { Import, ImportKind, StoredRow } from '#src/imports/import.ts'
import { importRoutes } from '#src/imports/import-routes.ts'
import { createImportUseCases } from '#src/imports/import-use-cases.ts'
import { createIntakeUseCases } from '#src/imports/intake-use-cases.ts'
import { createImportWork } from '#src/imports/work-use-cases.ts'
import { type Actor, systemActor, type VendorRole } from '#src/kernel/actor.ts'
import { newId } from '#src/kernel/ids.ts'
import { captureLog } from './log.ts'

export const bytesOf = async function* (text: string, size = 65_536): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const person = (...roles: VendorRole[]): Actor => ({
  kind: 'vendor',
  id: newId(),
  name: roles.join(' and '),
  roles,
})
export const people = {
  operations: person('revenue_operations'),
  channel: person('channel_manager'),
  finance: person('finance'),
}

interface ImportWorld {
  readonly db: { readonly database: Database }
  readonly partners: ApplyDeps['partners']
  readonly customers: ApplyDeps['customers']
  readonly deals: ApplyDeps['deals']
}

/** Imports on top of a world of deals, with the service in front; work is done when a test asks for it. */
export function useImports(world: ImportWorld) {
  const rung: string[] = []
  const { logger, entries } = captureLog()
  const clock = { now: () => new Date() }
  const imports = createImportUseCases()
  const appliers = createAppliers({ ...world, clock })
  /** Tests put themselves between a batch and its end. */
  const between: { onBatch: ((rows: readonly StoredRow[], tx: Tx) => Promise<void> | void) | null } = {
    onBatch: null,
  }
  const watched =
    (apply: ApplyRows): ApplyRows =>
    async (tx, actor, rows, source) => {
      const verdicts = await apply(tx, actor, rows, source)
      await between.onBatch?.(rows, tx)
      return verdicts
    }
  const lazy = () => world.db.database
  const database: Database = {
    transact: (actor, work) => lazy().transact(actor, work),
    get pool() {
      return lazy().pool
    },
    close: () => lazy().close(),
  }
  const ring = (name: string) => void rung.push(name)
  const intake = createIntakeUseCases({ database, ring })
  const { drainImports } = createImportWork({
    database,
    log: logger,
    ring,
    appliers: {
      partners: watched(appliers.partners),
      customers: watched(appliers.customers),
      deals: watched(appliers.deals),
    },
  })
  let server: Awaited<ReturnType<typeof buildServer>> | null = null
  let url = ''
  beforeAll(async () => {
    server = await buildServer({
      database,
      routes: importRoutes({ imports, intake, clock }),
      authenticate: async (token) => people[token as keyof typeof people] ?? null,
      logger,
      version: '0.0.0',
      requestsPerMinute: 0,
      trustProxy: false,
    })
    url = await server.listen({ port: 0, host: '127.0.0.1' })
  })
  afterAll(() => server?.close())

  const drain = (signal = new AbortController().signal) => drainImports(signal)
  const receive = (kind: ImportKind, text: string, actor: Actor = people.operations) =>
    intake.receive(actor, { kind, fileName: `${kind}.csv`, body: bytesOf(text) })
  const current = (id: Import['id']) =>
    database.transact(people.operations, (tx) => imports.getImport(tx, people.operations, id))
  return {
    rung,
    entries,
    imports,
    intake,
    between,
    drain,
    receive,
    current,
    asSystem: <T>(work: Parameters<typeof database.transact<T>>[1]) =>
      database.transact(systemActor('test'), work),
    get url() {
      return url
    },
    /** Receives a file and applies it. */
    async run(kind: ImportKind, text: string) {
      const { id } = await receive(kind, text)
      await drain()
      return current(id)
    },
    reportOf: (id: Import['id']) =>
      database.transact(people.operations, (tx) =>
        imports.reportOf(tx, people.operations, id, { afterLine: 0, limit: 10_000 }),
      ),
  }
}
