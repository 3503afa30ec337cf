import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runNode } from '#test/support/child.ts'
import { useDealWorld } from '#test/support/deal-world.ts'
import { bytesOf, type people, useImports } from '#test/support/imports.ts'

const world = useDealWorld()
const imports = useImports(world)

const call = async (
  who: keyof typeof people,
  method: string,
  path: string,
  body?: string | AsyncIterable<Uint8Array>,
) => {
  const answer = await fetch(`${imports.url}/api/v1/imports${path}`, {
    method,
    headers: {
      authorization: `Bearer ${who}`,
      ...(body === undefined ? {} : { 'content-type': 'text/csv' }),
    },
    ...(body === undefined ? {} : { body, duplex: 'half' as const }),
  })
  const text = await answer.text()
  const json = answer.headers.get('content-type')?.includes('json')
  // biome-ignore lint/suspicious/noExplicitAny: answers are read by tests, which state what they expect
  return { status: answer.status, body: (json ? JSON.parse(text) : text) as any, headers: answer.headers }
}
const customers = (prefix: string, count: number) =>
  `external_ref,name,country\n${Array.from({ length: count }, (_, index) => `${prefix}-${index},${prefix} ${index},${index % 50 === 0 ? '=1+1' : 'DE'}\n`).join('')}`

describe('over HTTP', () => {
  test('a file is taken, followed and reported on', async () => {
    const sent = await call(
      'operations',
      'POST',
      '/customers?fileName=list.csv',
      bytesOf(customers('http', 1_200)),
    )
    expect(sent.status).toBe(202)
    expect(sent.body).toMatchObject({
      kind: 'customers',
      state: 'waiting',
      fileName: 'list.csv',
      startedBy: 'revenue_operations',
      rows: { read: 1_200, created: 0 },
      rowsPerSecond: null,
    })
    expect(imports.rung).toContain('imports')
    await imports.drain()
    const { id } = sent.body
    const { body } = await call('operations', 'GET', `/${id}`)
    expect(body).toMatchObject({ state: 'done', rows: { read: 1_200, created: 1_176, invalid: 24 } })
    expect(body.rowsPerSecond).toBeGreaterThan(0)
    expect(new Date(body.endedAt) >= new Date(body.startedAt)).toBe(true)

    const first = await call('operations', 'GET', `/${id}/report?limit=20`)
    expect(first.body.items[0]).toEqual({
      line: 2,
      externalRef: 'http-0',
      outcome: 'invalid',
      issues: [
        {
          column: 'country',
          value: '=1+1',
          code: 'unknown_country',
          problem: 'Neither an ISO country code nor the English name of a country',
          whatToDo: expect.stringContaining('Correct the cell'),
        },
      ],
    })
    const second = await call('operations', 'GET', `/${id}/report?limit=20&cursor=${first.body.nextCursor}`)
    expect([first.body.items.length, second.body.items.length, second.body.nextCursor]).toEqual([20, 4, null])
    expect((await call('operations', 'GET', `/${id}/report?cursor=WyJ4Il0`)).status).toBe(422)

    const file = await call('operations', 'GET', `/${id}/report.csv`)
    expect(file.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const lines: Record<string, string>[] = parse(file.body, { columns: true })
    expect(lines).toHaveLength(24)
    expect(lines[1]).toEqual({
      line: '52',
      external_ref: 'http-50',
      outcome: 'invalid',
      column: 'country',
      value: "'=1+1",
      problem: 'Neither an ISO country code nor the English name of a country',
      what_to_do: expect.stringContaining('Correct the cell'),
    })
  })

  test('a header that does not fit is told at once, and leaves no import', async () => {
    const before = await call('operations', 'GET', '')
    const answer = await call('operations', 'POST', '/deals', 'external_ref,partner,colour\n1,2,3\n')
    expect(answer.status).toBe(422)
    expect(answer.body.detail).toContain('company_name*')
    expect(answer.body.issues.map(({ path }: { path: string }) => path)).toEqual(['colour', 'company_name'])
    expect((await call('operations', 'POST', '/customers', '')).status).toBe(422)
    expect((await call('operations', 'GET', '')).body.items).toHaveLength(before.body.items.length)
  })

  test('each role reaches the kinds that are its own, and others do not exist for it', async () => {
    const file = 'external_ref,name\nrole-1,Role\n'
    expect((await call('finance', 'POST', '/customers', file)).status).toBe(403)
    expect((await call('channel', 'POST', '/customers', file)).status).toBe(403)
    const deals = 'external_ref,partner,company_name\nrole-1,Nordwind IT,\n'
    const own = await call('channel', 'POST', '/deals', deals)
    const others = await call('operations', 'POST', '/customers', file)
    expect([own.status, others.status]).toEqual([202, 202])
    for (const path of ['', '/report', '/report.csv']) {
      expect((await call('channel', 'GET', `/${others.body.id}${path}`)).status).toBe(404)
      expect((await call('channel', 'GET', `/${own.body.id}${path}`)).status).toBe(200)
    }
    expect((await call('channel', 'POST', `/${others.body.id}/cancel`)).status).toBe(404)
    const listed = await call('channel', 'GET', '?limit=200')
    expect(new Set(listed.body.items.map(({ kind }: { kind: string }) => kind))).toEqual(new Set(['deals']))
    expect((await call('channel', 'POST', `/${own.body.id}/cancel`)).body.state).toBe('cancelled')
    const cancelled = await call('operations', 'GET', '?state=cancelled')
    expect(cancelled.body.items.map(({ id }: { id: string }) => id)).toEqual([own.body.id])
    await imports.drain()
    const again = await call('operations', 'POST', `/${others.body.id}/cancel`)
    expect([again.status, again.body.code]).toEqual([409, 'import_ended'])
  })
})

describe('from the command line', () => {
  let folder = ''
  let working = true
  let work: Promise<void> | null = null
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'counterpart-import-'))
    work = (async () => {
      for (; working; await new Promise((done) => setTimeout(done, 50))) await imports.drain()
    })()
  })
  afterAll(async () => {
    working = false
    await work
    rmSync(folder, { recursive: true, force: true })
  })
  const command = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    runNode(['src/imports/import-command.ts', ...args], env).ended
  const fileOf = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return file
  }

  test('a file is sent, followed, and its report printed', async () => {
    const file = fileOf('customers.csv', customers('cli', 100))
    const env = { COUNTERPART_TOKEN: 'operations', COUNTERPART_URL: imports.url }
    const { code, output } = await command(['customers', file, '--wait'], env)
    expect(output).toContain('The file is stored: 100 rows')
    expect(output).toContain('done: 100 of 100 rows: 98 created, 0 updated, 0 unchanged, 2 invalid')
    expect(output).toContain('52,cli-50,invalid,country')
    expect(code).toBe(2)
    const good = fileOf('good.csv', 'external_ref,name\ncli-good,Good\n')
    const flags = ['--url', imports.url, '--token', 'operations', '--wait']
    expect((await command(['customers', good, ...flags])).code).toBe(0)
  })

  test('what is wrong is said in plain words', async () => {
    const env = { COUNTERPART_TOKEN: 'operations', COUNTERPART_URL: imports.url }
    const bad = fileOf('bad.csv', 'external_ref,colour\n1,2\n')
    const cases: (readonly [readonly string[], NodeJS.ProcessEnv, string])[] = [
      [['customers'], env, 'npm run import -- KIND FILE'],
      [['robots', bad], env, 'npm run import -- KIND FILE'],
      [['customers', bad], {}, 'Set COUNTERPART_TOKEN'],
      [['customers', join(folder, 'none.csv')], env, 'There is no file'],
      [['customers', bad], env, 'There is no column "colour"'],
      [['customers', bad, '--token', 'nobody'], env, 'Authorization'],
      [['customers', bad, '--url', 'http://127.0.0.1:9'], env, 'No service answers at http://127.0.0.1:9'],
    ]
    for (const [args, given, words] of cases) {
      const { code, output } = await command(args, given)
      expect([code, output]).toEqual([1, expect.stringContaining(words)])
      expect(output).not.toContain('    at ')
    }
  })
})
