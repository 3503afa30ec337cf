import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MappingDocument, MappingLine } from '#mappings/document.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { newId } from '#src/kernel/ids.ts'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'
import { type ConnectionsBench, connectionsBench, credentialsOf } from '#test/support/connections.ts'
import { useDatabase } from '#test/support/database.ts'

const db = useDatabase()
let crm: SalesforceSimulator
let bench: ConnectionsBench
let id: ConnectionId
let deal: string
let count = 0

beforeEach(async () => {
  crm = await startSalesforceSimulator()
  bench = await connectionsBench(db.database)
  const answer = await bench.request('POST', '/connections', {
    name: `Mapped ${count++}`,
    vendor: 'salesforce',
    credentials: credentialsOf(crm),
    homeCurrency: 'USD',
  })
  id = answer.body.id
  deal = `/connections/${id}/mappings/deal`
})
afterEach(async () => {
  await bench.close()
  await crm.close()
})

const published = async (version?: number): Promise<MappingDocument> => {
  if (version !== undefined) return (await bench.request('GET', `${deal}/versions/${version}`)).body.document
  const { body } = await bench.request('GET', `/connections/${id}/mappings`)
  return body.items[0].published.document
}
const changeLine = (
  document: MappingDocument,
  local: string,
  change: Partial<MappingLine>,
): MappingDocument => ({
  ...document,
  fields: document.fields.map((line) => (line.local === local ? { ...line, ...change } : line)),
})
const save = (document: object, over: object = {}, headers: Record<string, string> = {}) =>
  bench.request('PUT', `${deal}/draft`, { document, ...over }, { headers, role: 'revenue_operations' })
const publish = (note = 'as agreed') => bench.request('POST', `${deal}/draft/publish`, { note })
const place = (document: MappingDocument, local: string) =>
  document.fields.findIndex((line) => line.local === local)

describe('a draft', () => {
  test('is kept with its errors, which name their places, and cannot be published', async () => {
    const document = changeLine(await published(), 'title', { local: 'titel' })
    const saved = await save(document)
    expect([saved.status, saved.etag]).toEqual([200, '"1"'])
    expect(saved.body).toMatchObject({ basedOn: 1, createdBy: 'The revenue_operations' })
    expect(saved.body.issues).toMatchObject([
      {
        path: '/fields/0/local',
        code: 'unknown_field',
        severity: 'error',
        message: '"titel" is not a field of ours',
      },
    ])
    const refused = await publish()
    expect([refused.status, refused.body.code]).toEqual([409, 'mapping_not_publishable'])
    expect(refused.body.issues).toMatchObject([{ path: '/fields/0/local', code: 'unknown_field' }])
    expect(await published()).toEqual(await published(1))
  })

  test('of a wrong shape or another entity is not kept', async () => {
    const document = await published()
    const shape = await save({
      ...document,
      fields: [{ ...document.fields[0], flow: 'sideways' }],
      code: 'x()',
    })
    expect(shape.status).toBe(422)
    expect(shape.body.issues.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(['/body/document/fields/0/flow', '/body/document/code']),
    )
    expect((await save({ ...document, entity: 'customer' })).body.issues[0].path).toBe(
      '/body/document/entity',
    )
    expect(
      (await bench.request('PUT', `/connections/${id}/mappings/nothing/draft`, { document })).status,
    ).toBe(404)
  })

  test('is saved over only by who read it last', async () => {
    const document = await published()
    await save(document)
    expect((await save(document, {}, { 'if-match': '"1"' })).etag).toBe('"2"')
    expect((await save(document, {}, { 'if-match': '"1"' })).status).toBe(412)
    const stale = await bench.request('DELETE', `${deal}/draft`, undefined, {
      headers: { 'if-match': '"1"' },
    })
    expect(stale.status).toBe(412)
    expect((await bench.request('DELETE', `${deal}/draft`)).status).toBe(204)
    expect((await save(document, {}, { 'if-match': '"2"' })).status).toBe(412)
    expect((await publish()).body.code).toBe('no_draft')
  })

  test('by many at once stays one draft', async () => {
    const document = await published()
    const answers = await Promise.all(Array.from({ length: 8 }, () => save(document)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(answers.map(({ body }) => body.revision).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })
})

describe('checking a draft', () => {
  test('compares it with the CRM as it is now, errors and warnings by their places', async () => {
    crm.removeField('Opportunity', 'PRM_Protection_End__c')
    crm.addField('Opportunity', { name: 'Region__c', type: 'string', nillable: false })
    const document = await published()
    await save(changeLine(document, 'expectedCloseDate', { remote: 'Amount' }))
    const { body } = await bench.request('POST', `${deal}/draft/check`)
    expect(body.publishable).toBe(false)
    const errors = body.issues.filter(({ severity }: { severity: string }) => severity === 'error')
    expect(errors.map(({ path, code }: { path: string; code: string }) => [path, code])).toEqual(
      expect.arrayContaining([
        [`/fields/${place(document, 'protectionEnd')}/remote`, 'missing_field'],
        [`/fields/${place(document, 'expectedCloseDate')}/remote`, 'wrong_type'],
        [`/fields/${place(document, 'expectedCloseDate')}/remote`, 'two_writers'],
        ['/fields', 'required_field'],
      ]),
    )
  })

  test('says that an object is not there', async () => {
    await save({ ...(await published()), object: 'Oportunity' })
    const { body } = await bench.request('POST', `${deal}/draft/check`)
    expect(body.issues).toContainEqual(expect.objectContaining({ path: '/object', code: 'missing_object' }))
  })

  test('is refused in plain words while the CRM does not answer', async () => {
    await save(await published())
    crm.faults.add({ kind: 'server-error', status: 503, body: 'html' })
    const answer = await bench.request('POST', `${deal}/draft/check`)
    expect([answer.status, answer.body.code]).toEqual([409, 'crm_unavailable'])
    expect(answer.body.detail).toContain('does not answer')
  })

  test('works while a person has paused the connection', async () => {
    await save(await published())
    await bench.request('POST', `/connections/${id}/pause`, { reason: 'setting up' })
    expect((await bench.request('POST', `${deal}/draft/check`)).body.publishable).toBe(true)
  })
})

test('the fields of an object come as the CRM describes them', async () => {
  const { body } = await bench.request('GET', `/connections/${id}/objects/Opportunity/fields`)
  const stage = body.items.find(({ name }: { name: string }) => name === 'StageName')
  expect(stage).toMatchObject({ type: 'choice', required: true, writable: true })
  expect(stage.choices).toContainEqual({ value: 'Closed Won', label: 'Closed Won', active: true })
  const none = await bench.request('GET', `/connections/${id}/objects/Nothing__c/fields`)
  expect([none.status, none.body.code]).toEqual([409, 'no_object'])
  expect((await bench.request('GET', `/connections/${id}/objects/x'y/fields`)).status).toBe(422)
})

describe('publishing', () => {
  test('makes the next version, tells the engine, and leaves the old one as it was', async () => {
    const first = await published()
    await save(changeLine(first, 'stage', { label: 'Phase' }))
    const answer = await publish('Sales calls it phase')
    expect(answer.body).toMatchObject({
      version: 2,
      state: 'published',
      basedOn: 1,
      note: 'Sales calls it phase',
      publishedBy: 'The administrator',
    })
    expect(bench.published).toEqual([{ connectionId: id, entity: 'deal' }])
    expect(await published(1)).toEqual(first)
    const versions = await bench.request('GET', `${deal}/versions?limit=1`)
    expect(versions.body.items).toMatchObject([{ version: 2, state: 'published' }])
    const older = await bench.request('GET', `${deal}/versions?cursor=${versions.body.nextCursor}`)
    expect(older.body).toMatchObject({ items: [{ version: 1, state: 'superseded' }], nextCursor: null })
    const { body } = await bench.request('GET', `${deal}/diff?from=1&to=2`)
    expect(body.changes).toEqual([
      {
        path: '/fields/stage/label',
        kind: 'changed',
        subject: 'field stage: label',
        before: 'Stage',
        after: 'Phase',
      },
    ])
    const [trace] = await bench.rows<{ reason: string; after: object }>(
      `select reason, after from audit_entry where action = 'mapping.published' and subject_id = '${id}'`,
    )
    expect(trace).toMatchObject({
      reason: 'Sales calls it phase',
      after: { entity: 'deal', version: 2, changes: body.changes },
    })
  })

  test('is refused when the CRM lost a field since the draft was checked', async () => {
    await save(changeLine(await published(), 'stage', { label: 'Phase' }))
    expect((await bench.request('POST', `${deal}/draft/check`)).body.publishable).toBe(true)
    crm.removeField('Opportunity', 'PRM_Partner__c')
    const answer = await publish()
    expect([answer.status, answer.body.code]).toEqual([409, 'mapping_not_publishable'])
    expect(answer.body.issues).toMatchObject([{ path: '/fields/2/remote', code: 'missing_field' }])
    expect(bench.published).toEqual([])
  })

  test('twice at once publishes once', async () => {
    await save(changeLine(await published(), 'stage', { label: 'Phase' }))
    const answers = await Promise.all([publish(), publish(), publish()])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const answer of answers) expect([200, 409, 412]).toContain(answer.status)
    expect((await bench.request('GET', `${deal}/versions`)).body.items).toHaveLength(2)
  })

  test('a draft of an older version is refused until it was looked at again', async () => {
    const first = await published()
    await save(changeLine(first, 'stage', { label: 'Phase' }))
    await publish()
    await bench.request('POST', `${deal}/rollback`, { version: 1, note: 'undo' })
    await save(changeLine(first, 'stage', { label: 'Step' }), { basedOn: 1 })
    const refused = await publish()
    expect([refused.status, refused.body.code]).toEqual([409, 'draft_outdated'])
    await save(changeLine(first, 'stage', { label: 'Step' }), { basedOn: 3 })
    expect((await publish()).body.version).toBe(4)
  })

  test('needs a note, and an administrator', async () => {
    await save(await published())
    expect((await publish('  ')).status).toBe(422)
    const small = await bench.request(
      'POST',
      `${deal}/draft/publish`,
      { note: 'x' },
      { role: 'revenue_operations' },
    )
    expect(small.status).toBe(403)
  })

  test('may not move linked records to another object', async () => {
    const document = { ...(await published()), object: 'Account' }
    bench.links.push({ entity: 'deal', recordId: newId(), remoteId: '006000000000001AAA' })
    await save(document)
    const { body } = await publish()
    expect(body.issues).toContainEqual(expect.objectContaining({ path: '/object', code: 'object_changed' }))
  })

  test('lets resting fields go on, now that the whole mapping was checked', async () => {
    const { quarantineField } = await import('#src/connections/quarantine-use-cases.ts')
    const field = { entity: 'deal', remoteField: 'Amount', reason: 'refused' }
    await bench.act((tx) => quarantineField(tx, { kind: 'system', name: 'test' }, id, field))
    await save(changeLine(await published(), 'stage', { label: 'Phase' }))
    await publish()
    const { body } = await bench.request('GET', `/connections/${id}/mappings`)
    expect(body.items[0].quarantined).toEqual([])
  })
})

describe('rolling back', () => {
  test('publishes the old document anew as the next version', async () => {
    const first = await published()
    await save(changeLine(first, 'stage', { label: 'Phase' }))
    await publish()
    const answer = await bench.request('POST', `${deal}/rollback`, { version: 1, note: 'Nobody liked it' })
    expect(answer.body).toMatchObject({ version: 3, basedOn: 1, note: 'Nobody liked it' })
    expect(await published()).toEqual(first)
    const [trace] = await bench.rows<{ reason: string }>(
      `select reason from audit_entry where action = 'mapping.rolled_back' and subject_id = '${id}'`,
    )
    expect(trace?.reason).toBe('Nobody liked it')
  })

  test('keeps the draft, and is checked like any other', async () => {
    const first = await published()
    await save(changeLine(first, 'stage', { label: 'Phase' }))
    await publish()
    await save(changeLine(first, 'stage', { label: 'Step' }))
    crm.removeField('Opportunity', 'PRM_Partner__c')
    const refused = await bench.request('POST', `${deal}/rollback`, { version: 1, note: 'undo' })
    expect([refused.status, refused.body.code]).toEqual([409, 'mapping_not_publishable'])
    const same = await bench.request('POST', `${deal}/rollback`, { version: 2, note: 'undo' })
    expect(same.body.code).toBe('already_published')
    const none = await bench.request('POST', `${deal}/rollback`, { version: 9, note: 'undo' })
    expect(none.status).toBe(404)
    const { body } = await bench.request('GET', `/connections/${id}/mappings`)
    expect(body.items[0].draft.document.fields[8].label).toBe('Step')
  })
})

describe('trying a draft', () => {
  const linkDeal = (title: string, over: Record<string, string> = {}) => {
    const partnerId = newId()
    const accountId = crm.insert('Account', { Name: 'Partner' })
    const remoteId = crm.insert('Opportunity', {
      Name: title,
      StageName: 'Prospecting',
      CloseDate: '2026-12-31',
      Amount: 5,
      ...over,
    })
    const recordId = bench.deals.put({
      title: `${title} here`,
      partner: partnerId,
      status: 'approved',
      amount: { amount: '12.00', currency: 'USD' },
      expectedCloseDate: '2026-11-30',
      customer: null,
    })
    bench.links.push({ entity: 'partner', recordId: partnerId, remoteId: accountId })
    bench.links.push({ entity: 'deal', recordId, remoteId })
    return { recordId, remoteId, partnerId, accountId }
  }
  const attempt = async (body: object = {}) => (await bench.request('POST', `${deal}/draft/try`, body)).body
  const field = (record: { fields: Record<string, unknown>[] }, name: string) =>
    record.fields.find((one) => one['field'] === name)!

  test('shows for each field what is here, what is there, and what each version makes of it', async () => {
    const { recordId, remoteId, partnerId, accountId } = linkDeal('Big deal')
    const draft = changeLine(await published(), 'title', {
      via: { kind: 'text', maxLength: 3, overflow: 'cut' },
    })
    await save({ ...draft, fields: draft.fields.filter(({ local }) => local !== 'stage') })
    const writes = crm.history('Opportunity', remoteId).length
    const { issues, records } = await attempt()
    expect(issues.filter(({ severity }: { severity: string }) => severity === 'error')).toEqual([])
    expect(records).toMatchObject([{ recordId, remoteId, missing: null }])
    expect(field(records[0], 'title')).toMatchObject({
      ours: 'Big deal here',
      theirs: { Name: 'Big deal' },
      before: { flow: 'out', writes: { Name: 'Big deal here' }, applies: null },
      after: { flow: 'out', applies: null },
      changed: true,
    })
    expect(field(records[0], 'title')).toHaveProperty('after.writes.Name.length', 3)
    expect(field(records[0], 'amount')).toMatchObject({
      ours: { amount: '12.00', currency: 'USD' },
      theirs: { Amount: 5 },
      after: { writes: { Amount: 12 }, applies: { value: { amount: '5.00', currency: 'USD' } } },
      changed: false,
    })
    expect(field(records[0], 'partner')).toMatchObject({
      ours: partnerId,
      after: { writes: { PRM_Partner__c: accountId } },
    })
    expect(field(records[0], 'stage')).toMatchObject({
      before: { applies: { value: 'Prospecting' } },
      after: null,
    })
    expect(crm.history('Opportunity', remoteId)).toHaveLength(writes)
  })

  test('names per field what cannot be translated, and what waits for a link', async () => {
    const { recordId } = linkDeal('Odd')
    bench.deals.put(
      { title: 'Odd', partner: newId(), status: 'approved', amount: { amount: '1.00', currency: 'EUR' } },
      recordId,
    )
    await save(await published())
    const { records } = await attempt()
    expect(field(records[0], 'amount')['after']).toMatchObject({
      writes: null,
      issues: [{ code: 'wrong_currency' }],
    })
    expect(field(records[0], 'partner')).toHaveProperty(
      'after.waitingFor',
      expect.stringMatching(/^partner:/),
    )
  })

  test('takes the records that are named, and says which are gone', async () => {
    linkDeal('Other')
    const wanted = linkDeal('Wanted')
    const gone = linkDeal('Gone')
    crm.remove('Opportunity', gone.remoteId)
    await save(await published())
    const { records } = await attempt({ recordIds: [wanted.recordId, gone.recordId] })
    expect(
      records.map(({ recordId, missing }: { recordId: string; missing: string | null }) => [
        recordId,
        missing,
      ]),
    ).toEqual([
      [wanted.recordId, null],
      [gone.recordId, 'there'],
    ])
    expect((await bench.request('POST', `${deal}/draft/try`, { limit: 21 })).status).toBe(422)
  })

  test('still works when the draft names a field that the CRM does not have', async () => {
    linkDeal('Partly')
    await save(changeLine(await published(), 'title', { remote: 'Nowhere__c' }))
    const { issues, records } = await attempt()
    expect(issues).toContainEqual(
      expect.objectContaining({ path: '/fields/0/remote', code: 'missing_field' }),
    )
    expect(field(records[0], 'amount')['theirs']).toEqual({ Amount: 5 })
  })
})
