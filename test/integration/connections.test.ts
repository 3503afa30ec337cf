import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { type ConnectionsBench, connectionsBench, credentialsOf } from '#test/support/connections.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
let crm: SalesforceSimulator
let bench: ConnectionsBench
let count = 0

beforeEach(async () => {
  crm = await startSalesforceSimulator()
  bench = await connectionsBench(db.database)
})
afterEach(async () => {
  await bench.close()
  await crm.close()
})

const nameOf = () => `Salesforce ${count++}`
async function connect(over: object = {}): Promise<ConnectionId> {
  const answer = await bench.request('POST', '/connections', {
    name: nameOf(),
    vendor: 'salesforce',
    credentials: credentialsOf(crm),
    homeCurrency: 'USD',
    ...over,
  })
  expect(answer.status, answer.text).toBe(201)
  return answer.body.id
}
const get = async (id: string) => (await bench.request('GET', `/connections/${id}`)).body
const check = async (id: string) => (await bench.request('POST', `/connections/${id}/check`)).body

describe('a new connection', () => {
  test('is there with its state and the default mappings, and never shows its credentials', async () => {
    const { clientId, clientSecret } = crm.credentials
    const id = await connect({ pollSeconds: 10 })
    const shown = await bench.request('GET', `/connections/${id}`)
    expect(shown.body).toMatchObject({
      vendor: 'salesforce',
      status: 'active',
      organisationId: null,
      pollSeconds: 10,
      homeCurrency: 'USD',
      usage: null,
      lastPolledAt: null,
      revision: 1,
    })
    expect(shown.etag).toBe('"1"')
    const mappings = await bench.request('GET', `/connections/${id}/mappings`)
    expect(
      mappings.body.items.map((one: { entity: string; published: { version: number } }) => [
        one.entity,
        one.published.version,
      ]),
    ).toEqual([
      ['deal', 1],
      ['customer', 1],
      ['contact', 1],
      ['partner', 1],
    ])
    await check(id)
    const everything = [
      shown.text,
      mappings.text,
      (await bench.request('GET', '/connections')).text,
      JSON.stringify(await bench.rows(`select * from audit_entry`)),
      JSON.stringify(await bench.rows('select secrets from connection')),
      JSON.stringify(bench.log.entries),
    ].join()
    expect(everything).not.toContain(clientSecret)
    expect(everything).not.toContain(clientId)
  })

  test('names each credential that is missing or wrong, and repeats no value', async () => {
    const answer = await bench.request('POST', '/connections', {
      name: nameOf(),
      vendor: 'salesforce',
      credentials: {
        ...credentialsOf(crm),
        clientSecret: '',
        loginUrl: 'http://evil.example',
        extra: 'x9y8z7',
      },
    })
    expect(answer.status).toBe(422)
    expect(answer.body.issues.map(({ path }: { path: string }) => path).sort()).toEqual([
      '/body/credentials',
      '/body/credentials/clientSecret',
      '/body/credentials/loginUrl',
    ])
    expect(answer.text).not.toContain('x9y8z7')
    const other = await bench.request('POST', '/connections', {
      name: nameOf(),
      vendor: 'constructor',
      credentials: {},
    })
    expect([other.status, other.body.issues[0].path]).toEqual([422, '/body/vendor'])
  })

  test('needs a name of its own', async () => {
    const name = nameOf()
    await connect({ name })
    const again = await bench.request('POST', '/connections', {
      name: name.toUpperCase(),
      vendor: 'salesforce',
      credentials: credentialsOf(crm),
    })
    expect([again.status, again.body.code]).toEqual([409, 'name_taken'])
  })

  test('may start paused', async () => {
    const id = await connect({ paused: true })
    expect((await get(id)).status).toBe('paused')
    const active = await bench.act((tx) => bench.standing.activeConnections(tx))
    expect(active.map((one) => one.id)).not.toContain(id)
  })
})

describe('who may do what', () => {
  test('administrators change, revenue operations and auditors read, others see nothing', async () => {
    const id = await connect()
    for (const role of ['revenue_operations', 'auditor']) {
      expect((await bench.request('GET', `/connections/${id}`, undefined, { role })).status).toBe(200)
      expect((await bench.request('PATCH', `/connections/${id}`, { pollSeconds: 9 }, { role })).status).toBe(
        403,
      )
      expect((await bench.request('POST', `/connections/${id}/check`, undefined, { role })).status).toBe(403)
    }
    expect((await bench.request('GET', '/connections', undefined, { role: 'finance' })).status).toBe(403)
  })

  test('the list of vendors tells a form which fields there are and which are secret', async () => {
    const { body } = await bench.request('GET', '/connection-vendors')
    const salesforce = body.items.find(({ vendor }: { vendor: string }) => vendor === 'salesforce')
    const variants = salesforce.credentials.oneOf ?? salesforce.credentials.anyOf
    expect(variants[0].properties.clientSecret).toMatchObject({ title: 'Consumer secret', secret: true })
  })
})

describe('settings', () => {
  test('change one by one, with the revision that was read', async () => {
    const id = await connect()
    const stale = await bench.request(
      'PATCH',
      `/connections/${id}`,
      { pollSeconds: 60 },
      { headers: { 'if-match': '"7"' } },
    )
    expect(stale.status).toBe(412)
    const changed = await bench.request(
      'PATCH',
      `/connections/${id}`,
      { pollSeconds: 60, timeZone: 'Europe/Berlin' },
      { headers: { 'if-match': '"1"' } },
    )
    expect(changed.body).toMatchObject({
      pollSeconds: 60,
      timeZone: 'Europe/Berlin',
      homeCurrency: 'USD',
      revision: 2,
    })
    const cleared = await bench.request('PATCH', `/connections/${id}`, { homeCurrency: null })
    expect(cleared.body).toMatchObject({ pollSeconds: 60, homeCurrency: null })
  })

  test('out of their range are refused', async () => {
    const id = await connect()
    for (const patch of [
      { pollSeconds: 4 },
      { pollSeconds: 3601 },
      { timeZone: 'Mars/Olympus' },
      { homeCurrency: 'usd' },
    ]) {
      expect((await bench.request('PATCH', `/connections/${id}`, patch)).status).toBe(422)
    }
  })
})

describe('a check', () => {
  test('pins the organisation and finds nothing wrong where all fields are there', async () => {
    const id = await connect()
    const report = await check(id)
    expect(report.problems.filter(({ severity }: { severity: string }) => severity === 'error')).toEqual([])
    expect(report).toMatchObject({ ok: true, organisationId: crm.organisationId, multiCurrency: false })
    expect(await get(id)).toMatchObject({
      organisationId: crm.organisationId,
      remoteUserId: crm.integrationUserId,
    })
  })

  test('says in plain words which fields are missing, of which mapping', async () => {
    crm.removeField('Opportunity', 'PRM_Partner__c')
    crm.removeField('Account', 'PRM_Partner_Id__c')
    const report = await check(await connect())
    const errors = report.problems.filter(({ severity }: { severity: string }) => severity === 'error')
    expect(errors).toEqual([
      {
        entity: 'deal',
        severity: 'error',
        path: '/fields/2/remote',
        code: 'missing_field',
        message: 'There is no field PRM_Partner__c in the CRM',
      },
      {
        entity: 'partner',
        severity: 'error',
        path: '/keyField',
        code: 'missing_field',
        message: 'There is no field PRM_Partner_Id__c in the CRM',
      },
    ])
    expect(report.ok).toBe(false)
  })

  test('asks for the home currency where the CRM has only one', async () => {
    const report = await check(await connect({ homeCurrency: null }))
    expect(report.problems).toContainEqual(
      expect.objectContaining({ entity: 'deal', code: 'no_currency', severity: 'warning' }),
    )
  })

  test('sees that an organisation has several currencies', async () => {
    const several = await startSalesforceSimulator({ multiCurrency: true })
    const id = await connect({ credentials: credentialsOf(several), homeCurrency: null })
    expect(await check(id)).toMatchObject({ ok: true, multiCurrency: true })
    expect((await get(id)).multiCurrency).toBe(true)
    await several.close()
  })

  test('finds another organisation behind the same credentials, stops the connection and says why', async () => {
    const id = await connect()
    await check(id)
    const mine = crm.organisationId
    crm.setOrganisationId('00D000000000777')
    const report = await check(id)
    expect(report).toMatchObject({ ok: false, organisationId: mine })
    expect(report.problems).toMatchObject([{ entity: null, code: 'other_organisation' }])
    const stopped = await get(id)
    expect(stopped.status).toBe('attention')
    expect(stopped.pauseReason).toContain(crm.organisationId)
    expect(bench.notices).toMatchObject([{ kind: 'connection_paused', subject: { kind: 'connection', id } }])
    const resumed = await bench.request('POST', `/connections/${id}/resume`)
    expect([resumed.status, resumed.body.code]).toEqual([409, 'other_organisation'])
  })

  test('of refused credentials stops the connection; new ones let it resume', async () => {
    const id = await connect({ credentials: { ...credentialsOf(crm), clientSecret: 'wrong' } })
    const report = await check(id)
    expect(report.problems).toMatchObject([{ entity: null, code: 'crm_unauthorised', severity: 'error' }])
    expect(report.problems[0].message).toContain('refuses our credentials')
    expect((await get(id)).status).toBe('attention')
    const tooEarly = await bench.request('POST', `/connections/${id}/resume`)
    expect([tooEarly.status, tooEarly.body.code]).toEqual([409, 'crm_unauthorised'])

    const replaced = await bench.request('PUT', `/connections/${id}/credentials`, {
      credentials: credentialsOf(crm),
    })
    expect([replaced.status, replaced.body.credentialsRevision]).toEqual([200, undefined])
    const resumed = await bench.request('POST', `/connections/${id}/resume`)
    expect([resumed.status, resumed.body.status]).toEqual([200, 'active'])
    const actions = await bench.rows<{ action: string; after: unknown }>(
      `select action, after from audit_entry where subject_id = '${id}' order by id`,
    )
    expect(actions.map(({ action }) => action)).toEqual([
      'connection.created',
      'connection.paused',
      'connection.credentials_replaced',
      'connection.identified',
      'connection.resumed',
    ])
    expect(actions[2]?.after).toEqual({ credentials: 'replaced' })
  })

  test('of a CRM that is down reports it and stops nothing', async () => {
    const id = await connect()
    crm.faults.add({ kind: 'server-error', status: 503, body: 'html' })
    const report = await check(id)
    expect(report.problems).toMatchObject([{ entity: null, code: 'crm_unavailable' }])
    expect((await get(id)).status).toBe('active')
  })

  test('lets fields go on that are back in order', async () => {
    const id = await connect()
    const quarantine = (entity: string, remoteField: string) =>
      bench.act(async (tx) => {
        const { quarantineField } = await import('#src/connections/quarantine-use-cases.ts')
        return quarantineField(tx, { kind: 'system', name: 'test' }, id, {
          entity,
          remoteField,
          reason: 'gone',
        })
      })
    expect(await quarantine('deal', 'Amount')).toBe(true)
    expect(await quarantine('deal', 'Amount')).toBe(false)
    await quarantine('deal', 'PRM_Partner__c')
    crm.removeField('Opportunity', 'PRM_Partner__c')
    const report = await check(id)
    expect(report.released).toEqual([{ entity: 'deal', remoteField: 'Amount' }])
    expect(bench.published).toEqual([{ connectionId: id, entity: 'deal' }])
    const { body } = await bench.request('GET', `/connections/${id}/mappings`)
    expect(body.items[0].quarantined).toMatchObject([{ remoteField: 'PRM_Partner__c', reason: 'gone' }])
  })
})

describe('pausing', () => {
  test('by a person lasts until somebody resumes; both leave a trace with the reason', async () => {
    const id = await connect()
    const paused = await bench.request('POST', `/connections/${id}/pause`, {
      reason: 'Maintenance on Sunday',
    })
    expect(paused.body).toMatchObject({
      status: 'paused',
      pausedUntil: null,
      pauseReason: 'Maintenance on Sunday',
    })
    expect(bench.notices).toMatchObject([{ data: { reason: 'Maintenance on Sunday', until: null } }])
    const resumed = await bench.request('POST', `/connections/${id}/resume`)
    expect(resumed.body).toMatchObject({ status: 'active', pauseReason: null })
    const trace = await bench.rows<{ action: string; reason: string | null; actorName: string }>(
      `select action, reason, actor_name from audit_entry where subject_id = '${id}' and action <> 'connection.created' order by id`,
    )
    expect(trace).toEqual([
      { action: 'connection.paused', reason: 'Maintenance on Sunday', actorName: 'The administrator' },
      { action: 'connection.resumed', reason: null, actorName: 'The administrator' },
    ])
  })

  test('by the CRM ends by itself, and people are told once', async () => {
    const id = await connect()
    const actor = { kind: 'system', name: 'test' } as const
    const pause = (ms: number) =>
      bench.act((tx) =>
        bench.standing.pauseConnection(tx, actor, id, {
          until: new Date(Date.now() + ms),
          reason: 'The CRM throttles',
          attention: false,
        }),
      )
    await pause(100)
    expect((await get(id)).status).toBe('paused')
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(await get(id)).toMatchObject({ status: 'active', pausedUntil: null, pauseReason: null })
    const active = await bench.act((tx) => bench.standing.activeConnections(tx))
    expect(active.map((one) => one.id)).toContain(id)
    await pause(60_000)
    expect(bench.notices).toHaveLength(1)
  })
})

describe('rotating the key', () => {
  test('seals everything anew, after which the old key is not needed', async () => {
    const id = await connect()
    const next = randomBytes(32)
    const rotated = await connectionsBench(db.database, {
      keys: { current: next, previous: [bench.keys.current] },
    })
    const report = await rotated.act((tx) => rotated.connections.resealSecrets(tx))
    expect(report.resealed).toBe(1)
    expect(report.unreadable).not.toContain(id)
    expect((await rotated.act((tx) => rotated.connections.resealSecrets(tx))).resealed).toBe(0)
    await rotated.close()
    const fresh = await connectionsBench(db.database, { keys: { current: next, previous: [] } })
    const answer = await fresh.request('POST', `/connections/${id}/check`)
    expect(answer.body.ok).toBe(true)
    await fresh.close()
  })

  test('without the old key says what to do, and stops the connection', async () => {
    const id = await connect()
    const other = await connectionsBench(db.database)
    const { body } = await other.request('POST', `/connections/${id}/check`)
    expect(body.problems[0].message).toContain('SECRET_KEY_PREVIOUS')
    expect((await get(id)).status).toBe('attention')
    await other.close()
  })
})

test("a partner's unit of work sees no connection at all", async () => {
  await connect()
  const { sql } = await import('kysely')
  const partnerId = crypto.randomUUID() as never
  const seen = await db.database.transact(
    { kind: 'partner', id: crypto.randomUUID(), name: 'Pat', roles: ['partner_administrator'], partnerId },
    async (tx) => (await sql`select 1 from connection`.execute(tx)).rows,
  )
  expect(seen).toEqual([])
})
