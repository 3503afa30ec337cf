/** The connector against an organisation of which nothing exists but the answers that a test lays out. */
import nock from 'nock'
import { afterEach, beforeEach, expect } from 'vitest'
import type { CallGate, Connector, WriteCommand } from '#connectors/connector.ts'
import { createSalesforceConnector } from '#connectors/salesforce/salesforce-connector.ts'
import { createRecordingGate, type RecordingGate } from '#test/contract/recording-gate.ts'

export const host = 'https://counterpart.my.salesforce.invalid'
export const base = '/services/data/v62.0'
export const opportunityId = '006000000000001AAA'
export const never = new AbortController().signal

export const tokenReply = {
  access_token: 'token-1',
  instance_url: host,
  id: `${host}/id/00D000000000001EAA/005000000000001AAA`,
  token_type: 'Bearer',
  issued_at: '1',
  signature: 's',
}
export const update = (id = opportunityId): WriteCommand => ({
  object: 'Opportunity',
  target: { kind: 'id', id },
  fields: { Name: 'Acme' },
})
export const create = (value: string): WriteCommand => ({
  object: 'Opportunity',
  target: { kind: 'key', field: 'PRM_Deal_Id__c', value },
  fields: { Name: 'Acme' },
})
export const row = {
  Id: opportunityId,
  Name: 'Acme',
  SystemModstamp: '2026-11-20T10:00:00.000+0000',
  LastModifiedById: '005000000000002AAA',
}

export let gate: RecordingGate
export let connector: Connector
let clock: Date

export function passTime(ms: number): void {
  clock = new Date(clock.getTime() + ms)
}

/** Another connector for the test: elsewhere, less patient or behind another gate. */
export function connect(
  options: { loginUrl?: string; requestTimeoutMs?: number; call?: CallGate['call'] } = {},
): void {
  connector = createSalesforceConnector({
    credentials: {
      grant: 'client_credentials',
      loginUrl: options.loginUrl ?? host,
      clientId: 'key',
      clientSecret: 'secret',
    },
    gate: options.call ? { call: options.call, observeUsage: () => undefined } : gate,
    requestTimeoutMs: options.requestTimeoutMs ?? 5000,
    now: () => clock,
  })
}

export const salesforce = () => nock(host)
export const allowSignIn = () => salesforce().post('/services/oauth2/token').reply(200, tokenReply)
export const read = () => connector.read('Opportunity', [opportunityId], ['Name'], never)

/** Gives every test of the file a connector; answers laid out and not fetched fail the test. */
export function useSalesforceWire(): void {
  beforeEach(() => {
    nock.disableNetConnect()
    clock = new Date('2026-11-20T10:00:00Z')
    gate = createRecordingGate()
    connect()
  })
  afterEach(async () => {
    await connector.close()
    const left = nock.pendingMocks()
    nock.cleanAll()
    nock.enableNetConnect()
    expect(left).toEqual([])
  })
}
