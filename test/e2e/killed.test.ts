import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { createRandom } from '#test/support/random.ts'
import { query } from '#test/support/sql.ts'
import { openEmbeddedSite } from '#test/torture/embedded-site.ts'
import { importDeals } from '#test/torture/import-assault.ts'
import { endLeases } from '#test/torture/inside.ts'
import { proveAll } from '#test/torture/proofs.ts'
import { pull } from '#test/torture/pull-assault.ts'
import { push } from '#test/torture/push-assault.ts'
import { waitUntilQuiet } from '#test/torture/quiet.ts'
import { openServerSite } from '#test/torture/server-site.ts'
import type { Site } from '#test/torture/site.ts'
import { createWorld, type World } from '#test/torture/world.ts'

const seed = 4
const random = createRandom(seed)
const stillForMs = 2_500
const adminUrl = process.env['TEST_DATABASE_URL']
const redisUrl = process.env['TEST_REDIS_URL']
const servers = adminUrl && redisUrl ? { adminUrl, redisUrl } : null
const name = `counterpart_killed_${process.pid}_${Date.now()}`
const undo: (() => unknown)[] = []
let simulator: SalesforceSimulator
let world: World

async function openSite(folder: string): Promise<Site> {
  if (!servers) return openEmbeddedSite(folder, random)
  await query(servers.adminUrl, `create database ${name}`)
  undo.push(() => query(servers.adminUrl, `drop database ${name} with (force)`))
  const ownerUrl = servers.adminUrl.replace(/^(postgres(?:ql)?:\/\/[^/]*\/)[^?]*/, `$1${name}`)
  return openServerSite(folder, { ownerUrl, redisUrl: servers.redisUrl }, random)
}

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'counterpart-killed-'))
  // The database server runs as an account of its own where we are root, and must be able to walk in.
  chmodSync(folder, 0o711)
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  simulator = await startSalesforceSimulator({ seed })
  undo.push(() => simulator.close())
  const site = await openSite(folder)
  undo.push(() => site.close())
  world = await createWorld(site, simulator, random, { dealsPerRound: 10, directDeals: 30 })
}, 60_000)
afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

async function killAndComeBack(): Promise<void> {
  await world.site.strike()
  await world.site.recover()
  await endLeases(world.site)
}

describe(`killed hard, with ${servers ? 'an API process and two workers on PostgreSQL and Redis' : 'the embedded database'}`, () => {
  test('in the middle of registrations, of an import and of wins, it loses nothing and doubles nothing', async () => {
    for (const begin of [push, (own: World) => importDeals(own, 150), pull]) {
      const { moment, done } = begin(world)
      await Promise.race([moment, done])
      await killAndComeBack()
      await done
      simulator.faults.clear()
    }
    await waitUntilQuiet(world, stillForMs)
    const proofs = await proveAll(world)
    expect(proofs.flatMap(({ violations }) => violations)).toEqual([])
    expect(world.book.all().length).toBeGreaterThan(150)
  }, 120_000)
})
