import { beforeEach, describe, expect, test } from 'vitest'
import { newId } from '#src/kernel/ids.ts'
import { api, on, simulator, sync, useSyncApi } from '#test/support/sync-world.ts'
import { addDeals, opportunityOf } from '#test/support/toy-deals.ts'

useSyncApi()

describe('the state of a connection', () => {
  test('is told in figures: mirror, lag, what waits, what is parked, what rests', async () => {
    const { deal } = addDeals(sync)
    await sync.mark('deal', [deal])
    const health = await api.get(`/connections/${sync.connection.id}/health`)
    expect(health).toMatchObject({
      status: 'active',
      dirty: 1,
      waiting: 0,
      parked: 0,
      openReviews: 0,
      quarantined: [],
    })
    expect(health.objects).toMatchObject([
      { object: 'Contact', entities: ['contact'], complete: true },
      {
        object: 'Account',
        entities: ['customer', 'partner'],
        complete: true,
        mirrorAgeSeconds: expect.any(Number),
      },
      { object: 'Opportunity', entities: ['deal'], complete: true },
    ])
    expect((await api.request('GET', `/connections/${newId()}/health`)).status).toBe(404)
  })

  test('may be refreshed at once by those who act, and the answer counts what came', async () => {
    simulator.insertMany('Account', [{ Name: 'One' }, { Name: 'Two' }])
    const path = `/connections/${sync.connection.id}/poll`
    expect((await api.request('POST', path, {}, 'auditor')).status).toBe(403)
    const polled = await api.request('POST', path)
    expect(polled.body.objects).toContainEqual({ object: 'Account', records: 2, changed: 2, deletions: 0 })
    const pauseReason = 'maintenance in the CRM'
    sync.showStanding({ status: 'paused', pausedUntil: null, pauseReason })
    const refused = await api.request('POST', path)
    expect([refused.status, refused.body.code]).toEqual([409, 'connection_paused'])
    expect(await api.get(`/connections/${sync.connection.id}/health`)).toMatchObject({
      status: 'paused',
      pauseReason,
    })
    sync.showStanding({ status: 'paused', pausedUntil: new Date(0), pauseReason })
    expect((await api.request('POST', path)).status).toBe(200)
    expect(await api.get(`/connections/${sync.connection.id}/health`)).toMatchObject({
      status: 'active',
      pauseReason: null,
    })
    simulator.faults.add({ kind: 'server-error', status: 503, count: 1, operation: 'query' })
    const failed = await api.request('POST', path)
    expect([failed.status, failed.body.code]).toEqual([409, 'poll_failed'])
  })
})

describe('parked records', () => {
  beforeEach(async () => {
    simulator.addValidationRule({
      object: 'Opportunity',
      check: (row) =>
        String(row['Name']).startsWith('Acme') && !row['NextStep'] ? 'Tell the next step' : null,
    })
  })

  test('say why and since when, page by page, with the oldest first if asked', async () => {
    const { deals } = addDeals(sync, 7)
    await sync.mark('deal', deals)
    await sync.settle()
    const seen: string[] = []
    let cursor = ''
    for (let page = 0; page < 4; page += 1) {
      const answer = await api.get(`/parked-records?${on()}&limit=2&sort=since${cursor}`)
      seen.push(...answer.items.map(({ recordId }: { recordId: string }) => recordId))
      expect(answer.items[0]).toMatchObject({
        entity: 'deal',
        code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
        message: expect.stringContaining('Tell the next step'),
        linkState: 'creating',
      })
      if (answer.nextCursor === null) break
      cursor = `&cursor=${answer.nextCursor}`
    }
    expect(seen.toSorted()).toEqual(deals.toSorted())
    expect((await api.get(`/parked-records?${on()}&code=OTHER`)).items).toEqual([])
  })

  test('are tried again one by one or all together, once what was wrong is mended', async () => {
    const { deals } = addDeals(sync, 7)
    await sync.mark('deal', deals)
    await sync.settle()
    const nothing = await api.request('POST', '/parked-records/replay', { ids: [newId()] })
    expect(nothing.body).toEqual({ replayed: 0, remaining: 0 })
    await sync.changeLine('deal', 'need', {
      remote: 'NextStep',
      via: { kind: 'text', maxLength: 255, overflow: 'cut' },
    })
    const one = await api.request('POST', '/parked-records/replay', { ids: [deals[3]] })
    expect(one.body).toEqual({ replayed: 1, remaining: 0 })
    await sync.settle()
    expect(simulator.list('Opportunity').map((row) => row['PRM_Deal_Id__c'])).toEqual([deals[3]])
    const reader = await api.request('POST', '/parked-records/replay', { all: true }, 'auditor')
    expect(reader.status).toBe(403)
    const rest = await api.request('POST', '/parked-records/replay', {
      all: true,
      connectionId: sync.connection.id,
      entity: 'deal',
    })
    expect(rest.body).toEqual({ replayed: 6, remaining: 0 })
    await sync.settle()
    expect(simulator.list('Opportunity')).toHaveLength(7)
    expect((await api.get(`/parked-records?${on()}`)).items).toEqual([])
  })
})

describe('lists', () => {
  test('of the log and of links page through everything once, newest first', async () => {
    const { deals } = addDeals(sync, 5)
    await sync.mark('deal', deals)
    await sync.settle()
    for (const path of [`/sync-attempts?${on()}`, `/links?${on()}`]) {
      const ids: string[] = []
      let cursor = ''
      do {
        const page = await api.get(`${path}&limit=3${cursor}`)
        ids.push(...page.items.map(({ id }: { id: string }) => id))
        cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`
      } while (cursor !== '')
      expect(ids).toHaveLength(7)
      expect(ids).toEqual(ids.toSorted().reverse())
      expect(new Set(ids).size).toBe(7)
    }
    const [link] = (
      await api.get(`/links?${on()}&remoteId=${opportunityOf(simulator, deals[0] ?? '')?.['Id']}`)
    ).items
    expect(link).toMatchObject({ recordId: deals[0], state: 'active' })
    expect(await api.get(`/links/${link.id}`)).toEqual(link)
    expect((await api.get(`/sync-attempts?${on()}&direction=in`)).items).toEqual([])
  })
})
