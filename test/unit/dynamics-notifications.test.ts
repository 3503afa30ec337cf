import { describe, expect, it } from 'vitest'
import { receiveNotification, webhookKeyHeader } from '#connectors/dynamics/webhook.ts'

const key = 'k'.repeat(40)
const opportunity = '1B2C3D4E-0000-4000-8000-000000000001'
const account = '1b2c3d4e-0000-4000-8000-000000000002'
const operation = 'AAAAAAAA-0000-4000-8000-000000000009'
const context = (part: object = {}) => ({
  MessageName: 'Update',
  PrimaryEntityName: 'opportunity',
  PrimaryEntityId: opportunity,
  OperationId: operation,
  Depth: 1,
  InputParameters: [{ key: 'Target', value: { LogicalName: 'opportunity', Attributes: [] } }],
  ...part,
})
const receive = (
  body: unknown,
  part: { headers?: Record<string, string>; url?: string; method?: string; key?: string | undefined } = {},
) =>
  receiveNotification(
    {
      method: part.method ?? 'POST',
      url: part.url ?? 'https://partners.example.com/hooks/1',
      headers: part.headers ?? { [webhookKeyHeader]: key },
      body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
      receivedAt: new Date(),
    },
    'key' in part ? part.key : key,
  )
const hints = (body: unknown) => {
  const received = receive(body)
  return received.kind === 'accepted' ? received.hints.map(({ object, id }) => `${object} ${id}`) : received
}

describe('a notification', () => {
  it('is taken with the key, in the header or as code in the address', () => {
    const id = opportunity.toLowerCase()
    const hint = {
      object: 'opportunity',
      id,
      deduplicationKey: `${operation.toLowerCase()}/opportunity/${id}`,
    }
    expect(receive(context())).toMatchObject({ kind: 'accepted', hints: [hint], reply: { status: 200 } })
    const url = `https://partners.example.com/hooks/1?code=${key}`
    expect(receive(context(), { headers: {}, url })).toMatchObject({ kind: 'accepted', hints: [hint] })
  })

  it.each([
    ['no key', { headers: {} }, 401],
    ['a wrong key', { headers: { [webhookKeyHeader]: `${key}x` } }, 401],
    ['an empty key', { headers: { [webhookKeyHeader]: '' } }, 401],
    [
      'a wrong key beside a right code',
      { headers: { [webhookKeyHeader]: 'x' }, url: `https://a/?code=${key}` },
      401,
    ],
    ['no key set', { key: undefined }, 404],
    ['another method', { method: 'GET' }, 405],
  ])('with %s is refused', (_, part, status) => {
    expect(receive(context(), part)).toMatchObject({ kind: 'refused', status })
  })

  it.each(['nonsense', '[]', '{}', 'null', { PrimaryEntityName: 'opportunity' }])(
    'that says %j is refused',
    (body) => {
      expect(receive(body)).toMatchObject({ kind: 'refused', status: 400 })
    },
  )

  it('tells the same for a repeated delivery and for two steps of one operation', () => {
    const [first, second] = [receive(context()), receive(context({ MessageName: 'Win', Depth: 2 }))]
    expect(first).toEqual(second)
    expect(receive(context({ OperationId: account }))).not.toEqual(first)
  })

  it('above the size limit still names the record', () => {
    const { InputParameters: _, ...small } = context()
    expect(hints(small)).toEqual([`opportunity ${opportunity.toLowerCase()}`])
  })

  it('of a merge names the record that was merged away, too', () => {
    const merge = context({
      MessageName: 'Merge',
      PrimaryEntityName: 'account',
      PrimaryEntityId: account,
      InputParameters: [{ key: 'SubordinateId', value: opportunity }],
    })
    expect(hints(merge)).toEqual([`account ${account}`, `account ${opportunity.toLowerCase()}`])
  })

  it('of a closing names the opportunity that was closed', () => {
    const closed = {
      LogicalName: 'opportunityclose',
      Attributes: [{ key: 'opportunityid', value: { Id: opportunity, LogicalName: 'opportunity' } }],
    }
    for (const PrimaryEntityName of ['opportunity', 'opportunityclose']) {
      const win = context({
        MessageName: 'Win',
        PrimaryEntityName,
        PrimaryEntityId: '00000000-0000-0000-0000-000000000000',
        InputParameters: [{ key: 'OpportunityClose', value: closed }],
      })
      expect(hints(win)).toEqual([`opportunity ${opportunity.toLowerCase()}`])
    }
  })
})
