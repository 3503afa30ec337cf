/**
 * What every connector must do, whatever the CRM: a harness opens a fresh organisation with a connector on it and acts as
 * the people and the network over there. The suite knows the port only; a vendor's own file tests what is peculiar to it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChangePage, Connector, RemoteRecord, RemoteValue, WriteCommand } from '#connectors/connector.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import type { RecordingGate } from './recording-gate.ts'

type Fields = Readonly<Record<string, RemoteValue>>

/** One organisation with one object in it that stands for a deal. */
export interface ConnectorBench {
  readonly connector: Connector
  readonly gate: RecordingGate
  readonly organisationId: string
  /** Whom the connector signs in as, and who edits over there. */
  readonly userId: string
  readonly personId: string
  readonly object: string
  /** Our external id over there: text, unique. */
  readonly keyField: string
  /** A text field and a number field without rules. */
  readonly textField: string
  readonly numberField: string
  /** What a creation needs beside the key, with the text given. */
  fieldsOf(text: string): Fields
  /** Fields that this CRM refuses in a record, for a reason in the data. */
  readonly refusedFields: Fields
  /** A well-formed id that no record has. */
  readonly unknownId: string
  /** A person's doing. */
  insert(texts: readonly string[]): Promise<readonly string[]>
  edit(id: string, fields: Fields): Promise<void>
  remove(id: string): Promise<void>
  get(id: string): Fields | null
  count(): number
  /** HTTP requests served so far, sign-ins included. */
  requests(): number
  /** Each strikes once, at the next call that it fits, unless it says otherwise. */
  readonly mishaps: {
    /** The write takes effect; its answer never comes. */
    loseAnswerOfWrite(how: 'cut' | 'silence'): void
    answerWithPage(status: number): void
    lockOneRecord(): void
    throttle(): void
    expireToken(): void
    /** From now on, every token is refused. */
    refuseTokens(): void
    /** From now on, reads are answered only after so long. */
    delayReads(delayMs: number): void
  }
  close(): Promise<void>
}

export interface ConnectorHarness {
  readonly vendor: string
  open(options?: { readonly requestTimeoutMs?: number }): Promise<ConnectorBench>
}

const never = new AbortController().signal

async function faultOf(work: Promise<unknown>): Promise<ConnectorFault> {
  const error = await work.then(
    () => new Error('expected a fault'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof ConnectorFault) return error
  throw error
}

export function describeConnector(harness: ConnectorHarness): void {
  let bench: ConnectorBench
  let connector: Connector
  const open = async (options?: { readonly requestTimeoutMs?: number }) => {
    bench = await harness.open(options)
    connector = bench.connector
  }
  const create = (key: string, text = key): WriteCommand => ({
    object: bench.object,
    target: { kind: 'key', field: bench.keyField, value: key },
    fields: bench.fieldsOf(text),
  })
  const update = (id: string, fields: Fields): WriteCommand => ({
    object: bench.object,
    target: { kind: 'id', id },
    fields,
  })
  const write = (...commands: readonly WriteCommand[]) => connector.write(commands, never)
  const read = (ids: readonly string[]) => connector.read(bench.object, ids, [bench.textField], never)
  const insertOne = async (text = 'Acme'): Promise<string> => (await bench.insert([text]))[0]!
  const textOf = (id: string) => bench.get(id)?.[bench.textField]

  async function poll(cursor: string | null): Promise<readonly ChangePage[]> {
    const pages: ChangePage[] = []
    for await (const page of connector.changes(bench.object, cursor, [bench.textField], never))
      pages.push(page)
    return pages
  }
  const recordsOf = (pages: readonly ChangePage[]): readonly RemoteRecord[] => pages.flatMap((p) => p.records)

  describe(`the ${harness.vendor} connector`, () => {
    beforeEach(() => open())
    afterEach(async () => {
      await connector.close()
      await bench.close()
    })

    describe('about the organisation', () => {
      it('names it and the user that we are in it', async () => {
        expect(await connector.probe(never)).toMatchObject({
          organisationId: bench.organisationId,
          userId: bench.userId,
        })
      })

      it('states its traits in whole batches', () => {
        const { vendor, batch } = connector.traits
        expect(vendor).toBe(harness.vendor)
        for (const size of Object.values(batch)) expect(Number.isInteger(size) && size > 0).toBe(true)
      })

      it('describes fields with type, length and our key', async () => {
        const fields = await connector.describe(bench.object, never)
        const byName = new Map(fields.map((field) => [field.name, field]))
        expect(byName.get(bench.keyField)).toMatchObject({ type: 'text', unique: true, creatable: true })
        expect(byName.get(bench.textField)).toMatchObject({ type: 'text', writable: true })
        expect(byName.get(bench.textField)?.maxLength).toBeGreaterThan(0)
        expect(['number', 'currency']).toContain(byName.get(bench.numberField)?.type)
        for (const field of fields.filter(({ type }) => type === 'choice')) {
          expect(Array.isArray(field.choices)).toBe(true)
        }
      })

      it('says of an object or a name that does not exist that the configuration is wrong', async () => {
        expect((await faultOf(connector.describe('no_such_object', never))).kind).toBe('configuration')
        expect((await faultOf(connector.describe("x' OR 1=1 --", never))).kind).toBe('configuration')
      })
    })

    describe('reading', () => {
      it('answers in the order of the ids, also for repeated and missing ones', async () => {
        const [a, b] = (await bench.insert(['a', 'b'])) as [string, string]
        const answers = await read([b, bench.unknownId, a, b, 'not an id'])
        expect(
          answers.map((answer) => ('missing' in answer ? null : answer.fields[bench.textField])),
        ).toEqual(['b', null, 'a', 'b', null])
        expect(answers.map(({ id }) => id)).toEqual([b, bench.unknownId, a, b, 'not an id'])
      })

      it('brings the fields asked for, when the record changed and who changed it', async () => {
        const id = await insertOne()
        const [record] = (await read([id])) as [RemoteRecord]
        expect(Object.keys(record.fields)).toEqual([bench.textField])
        expect(record.modifiedBy).toBe(bench.personId)
        expect(Number.isNaN(Date.parse(record.modifiedAt ?? ''))).toBe(false)
      })

      it('names the field that the CRM does not have', async () => {
        const id = await insertOne()
        const fault = await faultOf(
          connector.read(bench.object, [id], [bench.textField, 'no_such_field'], never),
        )
        expect(fault.kind).toBe('configuration')
        expect(fault.details.fields).toEqual(['no_such_field'])
      })

      it('needs no call for nothing', async () => {
        expect(await read([])).toEqual([])
        expect(await connector.find(bench.object, bench.keyField, [], [], never)).toEqual([])
        expect(await write()).toEqual([])
        expect(bench.requests()).toBe(0)
      })

      it('says that a removed record is missing', async () => {
        const id = await insertOne()
        await bench.remove(id)
        expect(await read([id])).toEqual([{ object: bench.object, id, missing: true }])
      })
    })

    describe('finding', () => {
      it('finds by key, and by nothing that a key might inject', async () => {
        await write(create('k-1', 'one'), create('k-2', 'two'))
        const find = (values: readonly string[]) =>
          connector.find(bench.object, bench.keyField, values, [bench.textField], never)
        const found = await find(['k-2', 'k-9', "x' OR Id != '", '\\', "k-1\\', '", 'a\nb'])
        expect(found.map(({ fields }) => fields)).toEqual([{ [bench.textField]: 'two' }])
      })

      it('answers two records at most for one value', async () => {
        await bench.insert(['same', 'same', 'same', 'other'])
        const found = await connector.find(
          bench.object,
          bench.textField,
          ['same', 'other'],
          [bench.textField],
          never,
        )
        const texts = found.map(({ fields }) => fields[bench.textField])
        expect(texts.toSorted()).toEqual(['other', 'same', 'same'])
      })
    })

    describe('writing', () => {
      it('creates by key once, however often it is repeated', async () => {
        const [first] = await write(create('k-1', 'one'))
        const [second] = await write(create('k-1', 'two'))
        expect(first).toMatchObject({ ok: true, created: true })
        expect(second).toMatchObject({ ok: true, created: false })
        expect(first?.ok && second?.ok && first.id === second.id).toBe(true)
        expect(bench.count()).toBe(1)
        expect(first?.ok && textOf(first.id)).toBe('two')
      })

      it('updates by id what the command names, and nothing else', async () => {
        const id = await insertOne()
        await bench.edit(id, { [bench.numberField]: 7 })
        expect(await write(update(id, { [bench.textField]: 'new' }))).toEqual([
          { ok: true, id, created: false },
        ])
        expect(bench.get(id)).toMatchObject({ [bench.textField]: 'new', [bench.numberField]: 7 })
      })

      it('settles each record on its own, in the order of the commands', async () => {
        const [a, b] = (await bench.insert(['a', 'b'])) as [string, string]
        const outcomes = await write(
          update(a, { [bench.textField]: 'a2' }),
          { ...create('k-1', 'bad'), fields: { ...bench.fieldsOf('bad'), ...bench.refusedFields } },
          create('k-2', 'good'),
          update(bench.unknownId, { [bench.textField]: 'nobody' }),
          update(b, bench.refusedFields),
          create('k-3', 'good'),
        )
        expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.fault.kind))).toEqual([
          'ok',
          'rejected',
          'ok',
          'gone',
          'rejected',
          'ok',
        ])
        const ids = outcomes.map((outcome) => (outcome.ok ? outcome.id : null))
        expect([textOf(ids[0]!), textOf(ids[2]!), textOf(ids[5]!)]).toEqual(['a2', 'good', 'good'])
        expect(textOf(b)).toBe('b')
        expect(bench.count()).toBe(4)
      })

      it('lets the later of two commands for one record stand', async () => {
        const id = await insertOne()
        const outcomes = await write(
          update(id, { [bench.textField]: 'first' }),
          create('k-1', 'first'),
          update(id, { [bench.textField]: 'second' }),
          create('k-1', 'second'),
        )
        expect(outcomes.every(({ ok }) => ok)).toBe(true)
        expect(textOf(id)).toBe('second')
        expect(outcomes[3]?.ok && textOf(outcomes[3].id)).toBe('second')
        expect(bench.count()).toBe(2)
      })

      it('blames only the records that carry a field which the CRM does not have', async () => {
        const [a, b] = (await bench.insert(['a', 'b'])) as [string, string]
        const [good, bad] = await write(
          update(a, { [bench.textField]: 'a2' }),
          update(b, { [bench.textField]: 'b2', no_such_field: 'x' }),
        )
        expect(good).toMatchObject({ ok: true })
        expect(bad).toMatchObject({
          ok: false,
          fault: { kind: 'configuration', details: { fields: ['no_such_field'] } },
        })
      })

      it('lets a lock hold up its own record alone', async () => {
        const ids = await bench.insert(['a', 'b', 'c'])
        bench.mishaps.lockOneRecord()
        const outcomes = await write(...ids.map((id) => update(id, { [bench.textField]: 'new' })))
        const kinds = outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.fault.kind))
        expect(kinds.toSorted()).toEqual(['ok', 'ok', 'unavailable'])
      })

      it.each(['cut', 'silence'] as const)(
        'is in doubt when the answer is lost (%s), and safe to repeat',
        async (how) => {
          await bench.close()
          await open({ requestTimeoutMs: 1000 })
          bench.mishaps.loseAnswerOfWrite(how)
          const [outcome] = await write(create('k-1'))
          expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous' } })
          expect(bench.count()).toBe(1)
          expect(await write(create('k-1'))).toMatchObject([{ ok: true, created: false }])
          expect(bench.count()).toBe(1)
        },
      )
    })

    describe('under mishaps', () => {
      it.each([500, 502, 503, 504])(
        'a page with status %i is a reason to repeat a read and leaves a write in doubt',
        async (status) => {
          const id = await insertOne()
          await read([id])
          bench.mishaps.answerWithPage(status)
          expect((await faultOf(read([id]))).kind).toBe('unavailable')
          bench.mishaps.answerWithPage(status)
          const [outcome] = await write(update(id, { [bench.textField]: 'new' }))
          expect(outcome).toMatchObject({ ok: false, fault: { kind: 'ambiguous' } })
        },
      )

      it('a throttle names the time to come back, and nothing counts as sent', async () => {
        const id = await insertOne()
        await read([id])
        bench.mishaps.throttle()
        const fault = await faultOf(write(update(id, { [bench.textField]: 'new' })))
        expect(fault.kind).toBe('throttled')
        expect(fault.details.retryAt?.getTime()).toBeGreaterThan(Date.now())
        expect(textOf(id)).toBe('Acme')
      })

      it('an expired token is replaced unseen', async () => {
        const id = await insertOne()
        await read([id])
        bench.mishaps.expireToken()
        expect(await write(update(id, { [bench.textField]: 'new' }))).toMatchObject([{ ok: true }])
        expect(bench.gate.count('auth')).toBe(2)
      })

      it('tokens that are refused for ever end in a fault after two of them', async () => {
        const id = await insertOne()
        bench.mishaps.refuseTokens()
        for (let round = 0; round < 5; round += 1) {
          expect((await faultOf(read([id]))).kind).toBe('unauthorised')
          expect((await faultOf(write(update(id, {})))).kind).toBe('unauthorised')
        }
        expect(bench.gate.count('auth')).toBe(2)
        expect(bench.requests()).toBeLessThan(10)
      })

      it('an abort ends the call at once', async () => {
        const id = await insertOne()
        await read([id])
        bench.mishaps.delayReads(20_000)
        const started = performance.now()
        const signal = AbortSignal.timeout(100)
        const fault = await faultOf(connector.read(bench.object, [id], [], signal))
        expect(fault.kind).toBe('unavailable')
        expect(performance.now() - started).toBeLessThan(5000)
      })

      it('a closed connector ends what is under way and makes no call any more', async () => {
        const id = await insertOne()
        await read([id])
        bench.mishaps.delayReads(20_000)
        const reading = faultOf(read([id]))
        await connector.close()
        expect((await reading).kind).toBe('unavailable')
        const before = bench.requests()
        expect((await faultOf(read([id]))).kind).toBe('unavailable')
        expect(bench.requests()).toBe(before)
      })

      it('passes every HTTP request through the gate once', async () => {
        const ids = await bench.insert(['a', 'b', 'c'])
        await connector.probe(never)
        await connector.describe(bench.object, never)
        await read([...ids, bench.unknownId])
        await connector.find(bench.object, bench.keyField, ['x'], [], never)
        await write(create('k-1'), update(ids[0]!, { [bench.textField]: 'new' }), create('k-1'))
        await poll(null)
        bench.mishaps.expireToken()
        await read(ids)
        bench.mishaps.answerWithPage(503)
        await faultOf(read(ids))
        expect(bench.gate.calls).toHaveLength(bench.requests())
        expect(bench.gate.usages.every(({ used, limit }) => used > 0 && limit > used)).toBe(true)
      })
    })

    describe('changes', () => {
      it('from the beginning are all records, in pages within the batch, the last one done', async () => {
        const texts = Array.from({ length: 120 }, (_, index) => `r${index}`)
        const ids = await bench.insert(texts)
        const pages = await poll(null)
        expect(
          recordsOf(pages)
            .map(({ id }) => id)
            .toSorted(),
        ).toEqual([...ids].toSorted())
        expect(pages.every(({ records }) => records.length <= connector.traits.batch.changes)).toBe(true)
        expect(pages.map(({ done }) => done)).toEqual([...pages.slice(1).map(() => false), true])
        const record = recordsOf(pages).find(({ id }) => id === ids[7])
        expect(record).toMatchObject({ fields: { [bench.textField]: 'r7' }, modifiedBy: bench.personId })
      })

      it('of an empty object leave a cursor that sees the first record', async () => {
        const [page] = await poll(null)
        expect(page).toMatchObject({ records: [], deletions: [], done: true })
        const id = await insertOne()
        expect(recordsOf(await poll(page!.cursor)).map((record) => record.id)).toEqual([id])
      })

      it('after a cursor hold what was edited, created and removed since', async () => {
        const [a, b, c] = (await bench.insert(['a', 'b', 'c'])) as [string, string, string]
        const cursor = (await poll(null)).at(-1)!.cursor
        await bench.edit(a, { [bench.textField]: 'a2' })
        await bench.remove(b)
        const d = await insertOne('d')
        const pages = await poll(cursor)
        const texts = new Map(recordsOf(pages).map(({ id, fields }) => [id, fields[bench.textField]]))
        expect(texts.get(a)).toBe('a2')
        expect(texts.get(d)).toBe('d')
        expect(texts.has(b)).toBe(false)
        expect([undefined, 'c']).toContain(texts.get(c))
        expect(pages.flatMap(({ deletions }) => deletions)).toMatchObject([{ object: bench.object, id: b }])
      })

      it('bring a record back that was removed and restored by its own edit', async () => {
        const id = await insertOne()
        let cursor = (await poll(null)).at(-1)!.cursor
        for (const text of ['one', 'two', 'three']) {
          await bench.edit(id, { [bench.textField]: text })
          const pages = await poll(cursor)
          expect(recordsOf(pages).at(-1)?.fields[bench.textField]).toBe(text)
          cursor = pages.at(-1)!.cursor
        }
      })

      it('refuse a cursor that is not theirs instead of starting over', async () => {
        expect((await faultOf(poll('{"surprise":true}'))).kind).toBe('configuration')
        expect((await faultOf(poll('nonsense'))).kind).toBe('configuration')
      })
    })

    it('refuses a webhook that nobody signed', () => {
      const received = connector.receive({
        method: 'POST',
        path: '/',
        headers: {},
        body: new TextEncoder().encode('[]'),
        receivedAt: new Date(),
      })
      expect(received).toMatchObject({ kind: 'refused' })
    })
  })
}
