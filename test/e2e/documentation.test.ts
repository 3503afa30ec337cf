import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Application } from '#src/application.ts'
import { startApplication } from '#test/support/application.ts'
import { useDatabase } from '#test/support/database.ts'

const browser = '/usr/bin/chromium'
const quiet = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'].map(
  (what) => `--disable-${what}`,
)
const db = useDatabase()
const profile = mkdtempSync(join(tmpdir(), 'counterpart-browser-'))
let application: Application & { readonly url: string }

beforeAll(async () => {
  application = await startApplication(db.database, db.url)
})
afterAll(async () => {
  await application.close(2_000)
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
})

test.skipIf(!existsSync(browser))(
  'the API reference shows in a browser under its own security policy',
  async () => {
    const { stdout, stderr } = await promisify(execFile)(
      browser,
      [
        '--headless',
        '--no-sandbox',
        '--no-first-run',
        ...quiet,
        `--user-data-dir=${profile}`,
        '--virtual-time-budget=10000',
        '--enable-logging=stderr',
        '--dump-dom',
        `${application.url}/docs`,
      ],
      { maxBuffer: 50_000_000, timeout: 60_000 },
    )
    for (const tag of ['Partners', 'Deals', 'Conflicts', 'Ledger'])
      expect(stdout).toContain(`data-tag="${tag}"`)
    expect(stderr.split('\n').filter((line) => line.includes('CONSOLE'))).toEqual([])
  },
)

test('answers carry what keeps browsers from guessing, framing and keeping them', async () => {
  const { headers } = await fetch(`${application.url}/api/v1/me`, { headers: { authorization: 'Bearer x' } })
  expect(Object.fromEntries(headers)).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'SAMEORIGIN',
    'referrer-policy': 'no-referrer',
    'content-security-policy': expect.stringContaining("default-src 'self'"),
    'cache-control': 'no-store',
  })
  expect(headers.has('x-powered-by') || headers.has('server')).toBe(false)
  expect(headers.get('access-control-allow-origin')).toBeNull()
})
