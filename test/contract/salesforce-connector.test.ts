import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChangePage, Connector, WriteCommand } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import { createSalesforceConnector } from '#connectors/salesforce/salesforce-connector.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { type ConnectorBench, describeConnector } from './connector-suite.ts'
import { createRecordingGate, type RecordingGate } from './recording-gate.ts'

const never = new AbortController().signal
const hour = 3_600_000
const reads = ['collections-read', 'query', 'query-more', 'describe'] as const
const writes = ['collections-update', 'collections-upsert'] as const

const dealFields = (name: string) => ({ Name: name, StageName: 'Prospecting', CloseDate: '2026-12-31' })

function connect(
  simulator: SalesforceSimulator,
  gate: RecordingGate,
  options: { requestTimeoutMs?: number; overlapMs?: number; now?: () => Date } = {},
): Connector {
  const { clientId, clientSecret } = simulator.credentials
  return createSalesforceConnector({
    credentials: { grant: 'client_credentials', loginUrl: simulator.url, clientId, clientSecret },
    gate,
    requestTimeoutMs: 20_000,
    now: () => new Date(),
    ...options,
  })
}

describeConnector({
  vendor: 'salesforce',
  async open(options = {}): Promise<ConnectorBench> {
    const simulator = await startSalesforceSimulator()
    const gate = createRecordingGate()
    return {
      connector: connect(simulator, gate, options),
      gate,
      organisationId: simulator.organisationId,
      userId: simulator.integrationUserId,
      personId: simulator.personId,
      object: 'Opportunity',
      keyField: 'PRM_Deal_Id__c',
      textField: 'Name',
      numberField: 'Amount',
      fieldsOf: dealFields,
      refusedFields: { Name: 'x'.repeat(200) },
      unknownId: '006000000000999AAA',
      insert: async (texts) => simulator.insertMany('Opportunity', texts.map(dealFields)),
      edit: async (id, fields) => simulator.update('Opportunity', id, fields),
      remove: async (id) => simulator.remove('Opportunity', id),
      get: (id) => (simulator.get('Opportunity', id) as ReturnType<ConnectorBench['get']>) ?? null,
      count: () => simulator.list('Opportunity').length,
      requests: () => simulator.calls.log.length,
      mishaps: {
        loseAnswerOfWrite: (how) => {
          simulator.faults.add({ kind: 'lost-answer', how, operation: writes, count: 1 })
        },
        answerWithPage: (status) => {
          const known = status as 500 | 502 | 503 | 504
          simulator.faults.add({ kind: 'server-error', status: known, body: 'html', count: 1 })
        },
        lockOneRecord: () => {
          simulator.faults.add({ kind: 'record-error', nth: 2 })
        },
        throttle: () => {
          simulator.faults.add({ kind: 'throttled', limit: 'TotalRequests', count: 1 })
        },
        expireToken: () => simulator.expireSessions(),
        refuseTokens: () => {
          simulator.faults.add({ kind: 'expired-session' })
        },
        delayReads: (delayMs) => {
          simulator.faults.add({ kind: 'slow', delayMs, operation: reads })
        },
      },
      close: () => simulator.close(),
    }
  },
})

describe('Salesforce', () => {
  let simulator: SalesforceSimulator
  let gate: RecordingGate
  let connector: Connector
  let clock: Date
  const opened: Connector[] = []
  const open = (options: Parameters<typeof connect>[2] = {}): Connector => {
    gate = createRecordingGate()
    const made = connect(simulator, gate, options)
    opened.push(made)
    return made
  }
  const restart = async (options: Parameters<typeof startSalesforceSimulator>[0]) => {
    await simulator.close()
    simulator = await startSalesforceSimulator(options)
    connector = open()
  }

  beforeEach(async () => {
    clock = new Date('2026-11-20T10:00:00Z')
    simulator = await startSalesforceSimulator()
    connector = open()
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((made) => made.close()))
    await simulator.close()
  })

  const insertDeals = (count: number): string[] =>
    simulator.insertMany(
      'Opportunity',
      Array.from({ length: count }, (_, index) => dealFields(`d${index}`)),
    )
  const rename = (id: string, name = 'new'): WriteCommand => ({
    object: 'Opportunity',
    target: { kind: 'id', id },
    fields: { Name: name },
  })
  const create = (key: string, fields: WriteCommand['fields'] = dealFields(key)): WriteCommand => ({
    object: 'Opportunity',
    target: { kind: 'key', field: 'PRM_Deal_Id__c', value: key },
    fields,
  })
  const kinds = async (commands: readonly WriteCommand[]) =>
    (await connector.write(commands, never)).map((outcome) => (outcome.ok ? 'ok' : outcome.fault.kind))
  const poll = async (cursor: string | null, object = 'Opportunity', through = connector) => {
    const pages: ChangePage[] = []
    for await (const page of through.changes(object, cursor, ['Name'], never)) pages.push(page)
    return pages
  }
  const idsOf = (pages: readonly ChangePage[]) =>
    pages.flatMap(({ records }) => records.map((record) => record.id))
  const faultOf = (work: Promise<unknown>): Promise<ConnectorFault> =>
    work.then(
      () => Promise.reject(new Error('expected a fault')),
      (error: unknown) => (error instanceof ConnectorFault ? error : Promise.reject(error)),
    )

  describe('calls', () => {
    it('carry 1,000 updates in five', async () => {
      const ids = insertDeals(1000)
      const outcomes = await connector.write(
        ids.map((id) => rename(id)),
        never,
      )
      expect(outcomes.every(({ ok }) => ok)).toBe(true)
      expect(
        gate.calls.filter(({ operation }) => operation === 'write').map(({ records }) => records),
      ).toEqual([200, 200, 200, 200, 200])
      expect(simulator.list('Opportunity').every(({ Name }) => Name === 'new')).toBe(true)
    })

    it('carry 1,000 creations in five, and 4,100 reads in three', async () => {
      const keys = Array.from({ length: 1000 }, (_, index) => `d-${index}`)
      const outcomes = await connector.write(
        keys.map((key) => create(key)),
        never,
      )
      expect(
        outcomes.map((outcome) => outcome.ok && simulator.get('Opportunity', outcome.id)?.['Name']),
      ).toEqual(keys)
      expect(gate.count('write')).toBe(5)
      const ids = [...simulator.list('Opportunity').map(({ Id }) => String(Id)), ...insertDeals(3100)]
      const answers = await connector.read('Opportunity', ids, ['Name'], never)
      expect(answers.map(({ id }) => id)).toEqual(ids)
      expect(gate.count('read')).toBe(3)
    })

    it('find 2,000 keys within addresses of 14 kB', async () => {
      const keys = Array.from(
        { length: 2000 },
        (_, index) => `0192f0c4-7b1a-7000-8000-${index.toString().padStart(12, '0')}`,
      )
      await connector.write(
        keys.slice(0, 5).map((key) => create(key)),
        never,
      )
      const found = await connector.find('Opportunity', 'PRM_Deal_Id__c', keys, ['PRM_Deal_Id__c'], never)
      expect(found.map(({ fields }) => fields['PRM_Deal_Id__c']).toSorted()).toEqual(keys.slice(0, 5))
      const queries = simulator.calls.log.filter(({ operation }) => operation === 'query')
      expect(queries).toHaveLength(gate.count('read'))
      expect(queries.length).toBeLessThan(10)
    })
  })

  describe('signing in', () => {
    it('works with a signed assertion for a named user', async () => {
      const { clientId, username, privateKeyPem } = simulator.credentials
      const signed = createSalesforceConnector({
        credentials: { grant: 'jwt_bearer', loginUrl: simulator.url, clientId, username, privateKeyPem },
        gate,
        requestTimeoutMs: 5000,
        now: () => new Date(),
      })
      opened.push(signed)
      expect(await signed.probe(never)).toEqual({
        organisationId: simulator.organisationId,
        userId: simulator.integrationUserId,
        instanceUrl: simulator.url,
        multiCurrency: false,
        apiUsage: { used: 1, limit: 100_000 },
      })
    })

    it('says why it was refused, and tries twice a minute at most', async () => {
      connector = open({ now: () => clock })
      simulator.faults.add({
        kind: 'refused-login',
        error: 'invalid_grant',
        description: "user hasn't approved this consumer",
      })
      for (let round = 0; round < 5; round += 1) {
        const fault = await faultOf(connector.probe(never))
        expect(fault.kind).toBe('unauthorised')
        expect(fault.message).toContain("user hasn't approved this consumer")
      }
      expect(simulator.calls.log).toHaveLength(2)
      simulator.faults.clear()
      clock = new Date(clock.getTime() + 60_000)
      expect((await connector.probe(never)).organisationId).toBe(simulator.organisationId)
    })

    it('reports another organisation after a sandbox refresh', async () => {
      await connector.probe(never)
      simulator.setOrganisationId('00D000000000999EAA')
      expect((await connector.probe(never)).organisationId).toBe('00D000000000999EAA')
    })

    it('finds several currencies by looking at the opportunity', async () => {
      await restart({ multiCurrency: true })
      expect((await connector.probe(never)).multiCurrency).toBe(true)
    })
  })

  describe('writing', () => {
    it('goes on past a call whose answer was lost', async () => {
      const ids = insertDeals(500)
      simulator.faults.add({ kind: 'lost-answer', how: 'cut', operation: 'collections-update', nth: 2 })
      const outcomes = await kinds(ids.map((id) => rename(id)))
      expect(outcomes).toEqual([
        ...Array.from({ length: 200 }, () => 'ok'),
        ...Array.from({ length: 200 }, () => 'ambiguous'),
        ...Array.from({ length: 100 }, () => 'ok'),
      ])
      expect(simulator.list('Opportunity').every(({ Name }) => Name === 'new')).toBe(true)
    })

    it('holds back a later command for a record whose earlier one is in doubt', async () => {
      const [id] = insertDeals(1) as [string]
      simulator.faults.add({ kind: 'lost-answer', how: 'cut', operation: 'collections-update', count: 1 })
      expect(await kinds([rename(id, 'first'), rename(id, 'second')])).toEqual(['ambiguous', 'unavailable'])
      expect(simulator.get('Opportunity', id)?.['Name']).toBe('first')
    })

    it('reports what was settled before a throttle, and the throttle for the rest', async () => {
      const ids = insertDeals(450)
      simulator.faults.add({
        kind: 'throttled',
        limit: 'ConcurrentRequests',
        operation: 'collections-update',
        nth: 2,
      })
      const outcomes = await kinds(ids.map((id) => rename(id)))
      expect(outcomes.slice(0, 200).every((kind) => kind === 'ok')).toBe(true)
      expect(outcomes.slice(200).every((kind) => kind === 'throttled')).toBe(true)
      expect(gate.count('write')).toBe(2)
    })

    it('waits an hour for the daily allowance and seconds for concurrent calls', async () => {
      connector = open({ now: () => clock })
      const [id] = insertDeals(1) as [string]
      const waits: number[] = []
      for (const limit of ['TotalRequests', 'ConcurrentRequests'] as const) {
        simulator.faults.add({ kind: 'throttled', limit, operation: 'collections-update', count: 1 })
        const fault = await faultOf(connector.write([rename(id)], never))
        waits.push((fault.details.retryAt?.getTime() ?? 0) - clock.getTime())
      }
      expect(waits[0]).toBe(hour)
      expect(waits[1]).toBeLessThanOrEqual(60_000)
    })

    it('blames the one record whose value does not fit its field', async () => {
      const commands = Array.from({ length: 40 }, (_, index) => create(`d-${index}`))
      commands[17] = create('d-17', { ...dealFields('d-17'), CloseDate: 'not a date' })
      const outcomes = await kinds(commands)
      expect(
        outcomes.map((kind, index) => (kind === 'ok' ? null : index)).filter((at) => at !== null),
      ).toEqual([17])
      expect(outcomes[17]).toBe('rejected')
    })

    it('names the existing record when a key or a duplicate rule points to it', async () => {
      const [first, second] = insertDeals(2) as [string, string]
      await connector.write([{ ...rename(first), fields: { PRM_Deal_Id__c: 'd-1' } }], never)
      const [taken] = await connector.write([{ ...rename(second), fields: { PRM_Deal_Id__c: 'D-1' } }], never)
      expect(taken).toMatchObject({
        ok: false,
        fault: {
          kind: 'duplicate',
          details: { code: 'DUPLICATE_VALUE', duplicates: [expect.stringContaining(first.slice(0, 15))] },
        },
      })
    })

    it('says that a record was deleted only of the record itself, not of what it points to', async () => {
      const [id] = insertDeals(1) as [string]
      const account = simulator.insert('Account', { Name: 'Acme' })
      simulator.remove('Account', account)
      const [outcome] = await kinds([{ ...rename(id), fields: { AccountId: '001000000000999AAA' } }])
      expect(outcome).toBe('rejected')
      simulator.remove('Opportunity', id)
      expect(await kinds([rename(id)])).toEqual(['gone'])
    })

    it('names the fields of a validation rule and of a field that was taken away', async () => {
      const [id] = insertDeals(1) as [string]
      simulator.removeField('Opportunity', 'NextStep')
      const [outcome] = await connector.write([{ ...rename(id), fields: { NextStep: 'call' } }], never)
      expect(outcome).toMatchObject({
        ok: false,
        fault: { kind: 'configuration', details: { fields: ['NextStep'] } },
      })
    })
  })

  describe('reading', () => {
    it('says into which record a missing one was merged', async () => {
      const [kept, lost, deleted] = ['kept', 'lost', 'deleted'].map((Name) =>
        simulator.insert('Account', { Name }),
      ) as [string, string, string]
      simulator.merge('Account', kept, [lost])
      simulator.remove('Account', deleted)
      expect(await connector.read('Account', [lost, kept, deleted], ['Name'], never)).toMatchObject([
        { id: lost, missing: true, mergedInto: kept },
        { id: kept, fields: { Name: 'kept' } },
        { id: deleted, missing: true },
      ])
    })
  })

  describe('changes', () => {
    it('deliver 10,000 records with one SystemModstamp, across pages and across polls', async () => {
      const ids = insertDeals(10_000)
      simulator.touch('Opportunity', ids, new Date('2026-11-19T10:00:00Z'))
      const pages = await poll(null)
      expect(pages.length).toBeGreaterThanOrEqual(5)
      expect(idsOf(pages)).toHaveLength(10_000)
      expect(new Set(idsOf(pages)).size).toBe(10_000)
      expect(idsOf(await poll(pages.at(-1)!.cursor))).toEqual([])

      const resumed = idsOf(await poll(pages[1]!.cursor))
      expect(new Set([...idsOf(pages.slice(0, 2)), ...resumed]).size).toBe(10_000)
      expect(resumed).toHaveLength(10_000 - idsOf(pages.slice(0, 2)).length)

      const now = new Date()
      simulator.touch('Opportunity', ids, now)
      const second = await poll(pages.at(-1)!.cursor)
      expect(new Set(idsOf(second)).size).toBe(10_000)
      const third = await poll(second.at(-1)!.cursor)
      expect(new Set(idsOf(third)).size).toBe(10_000)
    })

    it('include a row that was saved before the last poll and committed after it', async () => {
      const [early, late] = insertDeals(2) as [string, string]
      simulator.touch('Opportunity', [late], new Date('2020-01-01T00:00:00Z'))
      simulator.touch('Opportunity', [early], new Date())
      const cursor = (await poll(null)).at(-1)!.cursor
      simulator.touch('Opportunity', [late], new Date(Date.now() - 3 * 60_000))
      expect(idsOf(await poll(cursor))).toContain(late)
    })

    it('follow the clock of Salesforce, not ours', async () => {
      clock = new Date('2031-01-01T00:00:00Z')
      await restart({ now: () => new Date() })
      connector = open({ now: () => clock })
      const [first] = insertDeals(1) as [string]
      const cursor = (await poll(null)).at(-1)!.cursor
      const [second] = insertDeals(1) as [string]
      expect(idsOf(await poll(cursor))).toEqual(expect.arrayContaining([second]))
      expect(idsOf(await poll(cursor))).toContain(first)
    })

    it('fall silent once the newest row is older than the overlap', async () => {
      const ids = insertDeals(3)
      simulator.touch('Opportunity', ids, new Date(Date.now() - 10 * 60_000))
      const cursor = (await poll(null)).at(-1)!.cursor
      const quiet = await poll(cursor)
      expect(quiet).toMatchObject([{ records: [], deletions: [], done: true, cursor }])
      expect(gate.count('changes')).toBe(2)
    })

    it('tell a merge from a deletion, and name the survivor', async () => {
      const [kept, lost, deleted] = ['kept', 'lost', 'deleted'].map((Name) =>
        simulator.insert('Account', { Name }),
      ) as [string, string, string]
      const cursor = (await poll(null, 'Account')).at(-1)!.cursor
      simulator.merge('Account', kept, [lost])
      simulator.remove('Account', deleted)
      const deletions = (await poll(cursor, 'Account')).flatMap((page) => page.deletions)
      expect(deletions).toHaveLength(2)
      expect(deletions).toEqual(
        expect.arrayContaining([
          { object: 'Account', id: lost, mergedInto: kept, deletedAt: expect.any(String) },
          { object: 'Account', id: deleted, deletedAt: expect.any(String) },
        ]),
      )
    })

    it('of an object without deletion cost one refused query once', async () => {
      const pages = await poll(null, 'User')
      expect(idsOf(pages)).toContain(simulator.integrationUserId)
      await poll(pages.at(-1)!.cursor, 'User')
      expect(gate.calls.filter(({ operation, ok }) => operation === 'changes' && !ok)).toHaveLength(1)
    })
  })
})
