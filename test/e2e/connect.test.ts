import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Application } from '#src/application.ts'
import { type DynamicsSimulator, startDynamicsSimulator } from '#test/simulators/dynamics/simulator.ts'
import { startApplication } from '#test/support/application.ts'
import { runNode } from '#test/support/child.ts'
import { useDatabase } from '#test/support/database.ts'
import { dynamicsDesk } from '#test/support/desks/dynamics.ts'

const db = useDatabase()
const folder = mkdtempSync(join(tmpdir(), 'counterpart-connect-'))
const file = join(folder, 'dynamics.json')
let application: Application & { readonly url: string }
let simulator: DynamicsSimulator
let token: string

beforeAll(async () => {
  simulator = await startDynamicsSimulator({ prepared: false })
  application = await startApplication(db.database, db.url)
  token = (await application.bootstrapToken()) ?? ''
  writeFileSync(file, JSON.stringify(dynamicsDesk(simulator).credentials))
})
afterAll(async () => {
  await application.close(10_000)
  await simulator.close()
  rmSync(folder, { recursive: true })
})

const connect = (...args: string[]) =>
  runNode(['src/connections/connect-command.ts', ...args], {
    COUNTERPART_URL: application.url,
    COUNTERPART_TOKEN: token,
  }).ended
const lines = (text: string, mark: string) => text.split('\n').filter((line) => line.includes(mark))

test('a CRM that is not connected: the command says which credentials it takes', async () => {
  const { code, output } = await connect('dynamics')
  expect(code).toBe(1)
  expect(output).toContain('organisationUrl')
  expect((await connect('zoho')).output).toMatch(/dynamics.*hubspot.*salesforce/)
})

test('with credentials a paused connection is made, and what the organisation lacks is said before anything is changed', async () => {
  const { code, output } = await connect('dynamics', '--credentials', file)
  expect(code).toBe(2)
  expect(lines(output, 'MISSING').length).toBeGreaterThan(5)
  expect(output).toMatch(/prm_dealid/)
  expect(output).toMatch(/--apply/)
  expect((await simulatorColumns()).includes('prm_dealid')).toBe(false)
  expect(output).not.toContain(simulator.credentials.clientSecret)
})

test('on request it is created, and the connection works', async () => {
  const { code, output } = await connect('dynamics', '--apply', '--resume')
  expect(output).toContain('The connection works.')
  expect(code).toBe(0)
  expect((await simulatorColumns()).includes('prm_dealid')).toBe(true)
  const again = await connect('dynamics', '--apply')
  expect(lines(again.output, 'MISSING')).toEqual([])
})

test('a wrong token and a service that is not there are said in a line', async () => {
  const wrong = await connect('dynamics', '--token', 'cp_wrong')
  expect([wrong.code, wrong.output.trim().split('\n').length]).toEqual([1, 1])
  const nobody = await connect('dynamics', '--url', 'http://127.0.0.1:1')
  expect(nobody.output).toMatch(/No service answers/)
})

/** Columns of opportunities, as the organisation itself has them. */
async function simulatorColumns(): Promise<readonly string[]> {
  const id = simulator.insert('opportunity', { name: 'Look' })
  const columns = Object.keys(simulator.get('opportunity', id) ?? {})
  simulator.remove('opportunity', id)
  return columns
}
