import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SalesforceSimulator, startSalesforceSimulator } from '#test/simulators/salesforce/simulator.ts'

let clockMs = 0
let simulator: SalesforceSimulator

beforeEach(async () => {
  clockMs = Date.UTC(2026, 10, 20, 10, 0, 0, 700)
  simulator = await startSalesforceSimulator({ now: () => new Date(clockMs) })
})

afterEach(() => simulator.close())

const deal = (fields: Record<string, unknown> = {}) => ({
  Name: 'Deal',
  StageName: 'Prospecting',
  CloseDate: '2026-12-31',
  ...fields,
})
const at = (seconds: number) => `2026-11-20T10:00:0${seconds}.000+0000`

describe('a person in the CRM', () => {
  it('leaves name and whole-second stamps on what they change', () => {
    const id = simulator.insert('Opportunity', deal())
    expect(id).toMatch(/^006[0-9A-Za-z]{12}[A-Z0-5]{3}$/)
    clockMs += 2000
    simulator.update('Opportunity', id, { Amount: 5 })
    expect(simulator.get('Opportunity', id)).toMatchObject({
      CreatedDate: at(0),
      LastModifiedDate: at(2),
      SystemModstamp: at(2),
      LastModifiedById: simulator.personId,
    })
    expect(simulator.history('Opportunity', id).at(-1)).toEqual({
      at: at(2),
      by: simulator.personId,
      fields: { Amount: 5 },
    })
  })

  it('is told why the CRM refuses a change', () => {
    expect(() => simulator.insert('Opportunity', deal({ StageName: null }))).toThrow('REQUIRED_FIELD_MISSING')
  })

  it('moves won, closed, forecast and probability with the stage, and their own probability stays', () => {
    const id = simulator.insert('Opportunity', deal({ Amount: 200 }))
    simulator.update('Opportunity', id, { Probability: 33 })
    simulator.update('Opportunity', id, { NextStep: 'call' })
    expect(simulator.get('Opportunity', id)).toMatchObject({ Probability: 33, ExpectedRevenue: 66 })
    simulator.update('Opportunity', id, { StageName: 'Closed Lost' })
    expect(simulator.get('Opportunity', id)).toMatchObject({
      IsClosed: true,
      IsWon: false,
      ForecastCategory: 'Omitted',
      Probability: 0,
    })
  })

  it('cannot set the amount of an opportunity with line items, and is not told', () => {
    const id = simulator.insert('Opportunity', deal({ Amount: 100 }))
    simulator.setLineItems(id, true)
    simulator.update('Opportunity', id, { Amount: 7, NextStep: 'call' })
    expect(simulator.get('Opportunity', id)).toMatchObject({ Amount: 100, NextStep: 'call' })
  })

  it('has stages of their own, mapped by what they mean', () => {
    simulator.setStages([
      { label: 'Neu', probability: 10, apiName: 'New' },
      { label: 'Gewonnen', probability: 100, apiName: 'Won', closed: true, won: true },
    ])
    const id = simulator.insert('Opportunity', deal({ StageName: 'Won' }))
    expect(simulator.get('Opportunity', id)).toMatchObject({ IsWon: true, ForecastCategory: 'Closed' })
    expect(simulator.list('OpportunityStage').map((stage) => stage['ApiName'])).toEqual(['New', 'Won'])
  })
})

describe('the platform', () => {
  it('moves SystemModstamp alone when it changes a record by itself', () => {
    const id = simulator.insert('Opportunity', deal())
    clockMs += 3000
    simulator.touch('Opportunity', [id])
    expect(simulator.get('Opportunity', id)).toMatchObject({ LastModifiedDate: at(0), SystemModstamp: at(3) })
  })

  it('merges accounts: losers name the master, their children move without being modified', () => {
    const [master = '', loser = '', third = ''] = simulator.insertMany('Account', [
      { Name: 'Master' },
      { Name: 'Loser', PRM_Customer_Id__c: 'c-2' },
      { Name: 'Third' },
    ])
    const child = simulator.insert('Opportunity', deal({ AccountId: loser, PRM_Partner__c: loser }))
    const other = simulator.insert('Contact', { LastName: 'Doe', AccountId: third })
    clockMs += 4000
    simulator.merge('Account', master, [loser, third])
    expect(simulator.get('Account', loser)).toMatchObject({ IsDeleted: true, MasterRecordId: master })
    expect(simulator.get('Opportunity', child)).toMatchObject({
      AccountId: master,
      PRM_Partner__c: master,
      LastModifiedDate: at(0),
      SystemModstamp: at(4),
    })
    expect(simulator.get('Contact', other)).toMatchObject({ AccountId: master })
    expect(simulator.get('Account', master)).toMatchObject({ IsDeleted: false, LastModifiedDate: at(4) })
    const heir = simulator.insert('Account', { Name: 'Heir', PRM_Customer_Id__c: 'C-2' })
    expect(simulator.get('Account', heir)).toMatchObject({ PRM_Customer_Id__c: 'C-2' })
    expect(() => simulator.undelete('Account', loser)).toThrow('UNDELETE_FAILED')
    expect(() => simulator.merge('Opportunity', child, [])).toThrow('cannot merge')
  })

  it('deletes an account with its contacts and opportunities, clears lookups to it, and brings them back', () => {
    const account = simulator.insert('Account', { Name: 'Acme' })
    const contact = simulator.insert('Contact', { LastName: 'Doe', AccountId: account })
    const open = simulator.insert('Opportunity', deal({ AccountId: account }))
    const brought = simulator.insert('Opportunity', deal({ PRM_Partner__c: account }))
    const earlier = simulator.insert('Contact', { LastName: 'Roe', AccountId: account })
    simulator.remove('Contact', earlier)
    clockMs += 1000
    simulator.remove('Account', account)
    expect(simulator.get('Contact', contact)).toMatchObject({ IsDeleted: true, AccountId: account })
    expect(simulator.get('Opportunity', open)).toMatchObject({ IsDeleted: true })
    expect(simulator.get('Opportunity', brought)).toMatchObject({ IsDeleted: false, PRM_Partner__c: null })
    clockMs += 1000
    simulator.undelete('Account', account)
    expect(simulator.get('Contact', contact)).toMatchObject({ IsDeleted: false, SystemModstamp: at(2) })
    expect(simulator.get('Contact', earlier)).toMatchObject({ IsDeleted: true })
  })

  it('keeps an account whose opportunity is won', () => {
    const account = simulator.insert('Account', { Name: 'Acme' })
    simulator.insert('Opportunity', deal({ AccountId: account, StageName: 'Closed Won' }))
    expect(() => simulator.remove('Account', account)).toThrow('closed won')
    expect(simulator.get('Account', account)).toMatchObject({ IsDeleted: false })
  })

  it('does not bring back a record whose unique key is taken again', () => {
    const id = simulator.insert('Opportunity', deal({ PRM_Deal_Id__c: 'd-1' }))
    simulator.remove('Opportunity', id)
    simulator.insert('Opportunity', deal({ PRM_Deal_Id__c: 'd-1' }))
    expect(() => simulator.undelete('Opportunity', id)).toThrow('DUPLICATE_VALUE')
  })

  it('knows currencies only where the organisation has several', async () => {
    expect(() => simulator.insert('Account', { Name: 'A', CurrencyIsoCode: 'EUR' })).toThrow('No such column')
    const several = await startSalesforceSimulator({ multiCurrency: true })
    const id = several.insert('Account', { Name: 'A' })
    expect(several.get('Account', id)).toMatchObject({ CurrencyIsoCode: 'EUR' })
    expect(() => several.insert('Account', { Name: 'A', CurrencyIsoCode: 'XXX' })).toThrow(
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    )
    expect(several.list('CurrencyType').filter((row) => row['IsCorporate'])).toMatchObject([
      { IsoCode: 'EUR' },
    ])
    await several.close()
  })
})

describe('the pages', () => {
  it('show the newest records first, with names for ids, and nothing unescaped', async () => {
    const account = simulator.insert('Account', { Name: '<script>alert(1)</script>' })
    simulator.insert('Opportunity', deal({ Name: 'Older', AccountId: account }))
    clockMs += 1000
    const id = simulator.insert('Opportunity', deal({ Name: 'Newer', Amount: 1234.5 }))
    const list = await (await fetch(simulator.url)).text()
    expect(list.indexOf('Newer')).toBeGreaterThan(0)
    expect(list.indexOf('Newer')).toBeLessThan(list.indexOf('Older'))
    expect(list).toContain('&lt;script&gt;')
    expect(list).not.toContain('<script>')
    const record = await (await fetch(`${simulator.url}/lightning/r/Opportunity/${id}/view`)).text()
    expect(record).toContain('1,234.50')
    expect(record).toContain('Rita Sales')
    expect((await fetch(`${simulator.url}/records/Opportunity/nothing`)).status).toBe(404)
  })

  it('page a long list', async () => {
    simulator.insertMany(
      'Account',
      Array.from({ length: 120 }, (_, index) => ({ Name: `Account ${index}` })),
    )
    const page = async (query: string) => (await fetch(`${simulator.url}/records/Account${query}`)).text()
    expect(await page('')).toContain('Page 1 of 3')
    expect(await page('?page=3')).toContain('Account 0<')
  })
})

describe('a process of its own', () => {
  it('prints where it listens and how to log in, and lets another process play the person', async () => {
    const child = spawn(process.execPath, ['test/simulators/salesforce/main.ts'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [line] = await once(createInterface(child.stdout), 'line')
      const { url, credentials } = JSON.parse(String(line))
      expect(credentials).toMatchObject({ clientId: expect.any(String), clientSecret: expect.any(String) })
      const send = (method: string, path: string, body?: unknown) =>
        fetch(`${url}/__simulator${path}`, {
          method,
          ...(body === undefined
            ? {}
            : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
        })
      const created = await send('POST', '/records', { object: 'Account', fields: { Name: 'Acme' } })
      const { id } = (await created.json()) as { id: string }
      const changed = await send('PATCH', '/records', { object: 'Account', id, fields: { Phone: '1' } })
      expect([created.status, changed.status]).toEqual([201, 204])
      const read = await (await send('GET', `/records/Account/${id}`)).json()
      expect(read).toMatchObject({ record: { Name: 'Acme', Phone: '1' }, history: [{}, {}] })
      const refused = await send('POST', '/records', { object: 'Account', fields: {} })
      expect([refused.status, await refused.text()]).toEqual([
        400,
        expect.stringContaining('REQUIRED_FIELD_MISSING'),
      ])
      await send('POST', '/faults', { kind: 'refused-login', error: 'invalid_client' })
      const login = await fetch(`${url}/services/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams(),
      })
      expect(login.status).toBe(400)
      expect(await (await send('GET', '/calls')).json()).toMatchObject([{ operation: 'auth', status: 400 }])
    } finally {
      child.kill()
      await once(child, 'exit')
    }
  })
})
