import { describe, expect, it } from 'vitest'
import { dynamicsAnswers } from '#connectors/dynamics/answers.ts'
import { faultTable } from '#connectors/dynamics/fault-table.ts'
import { faultOfError, readError, type Subject } from '#connectors/dynamics/faults.ts'
import type { FaultKind } from '#connectors/fault.ts'
import { type FailedCall, judgeFailedCall } from '#connectors/wire/failed-call.ts'

const now = new Date('2026-11-20T10:00:00Z')
const id = '00000000-0000-4000-8000-000000000001'
const other = '00000000-0000-4000-8000-000000000002'
const record = { kind: 'record', id } as const
const judge = (code: string, message = '', subject: Subject = record, status = 400) =>
  faultOfError({ code, message }, { subject, status, retryAfter: null, now })

/** The classes as an operator thinks of them: what we do about each code, stated about a record that we named by id. */
const expected: Readonly<Record<FaultKind, readonly string[]>> = {
  throttled: ['0x80072322', '0x80072321', '0x80072326', '0x80072327'],
  unavailable: [
    '0x80044339',
    '0x80044151',
    '0x80044150',
    '0x80040216',
    'temporarily_unavailable',
    'server_error',
  ],
  changed: ['0x80060882', '0x80040515', '0x8004051a'],
  configuration: [
    ...['0x80060883', '0x8006088d', '0x80060890', '0x80041103', '0x80041102', '0x80060888', '0x80048d19'],
    ...['0x80040220', '0x80048306', '0x80044352'],
  ],
  unauthorised: [
    ...['0x80072560', '0x80040225', '0x80042f09', 'invalid_request', 'invalid_client', 'invalid_grant'],
    ...[
      'invalid_scope',
      'invalid_resource',
      'unauthorized_client',
      'unsupported_grant_type',
      'access_denied',
    ],
    'interaction_required',
  ],
  gone: ['0x80040217', '0x80060891'],
  duplicate: ['0x80040237', '0x80060892', '0x80040333'],
  rejected: [
    ...['0x80044331', '0x80044330', '0x8004431a', '0x80040203', '0x80040265', '0x80100005', '0x80040516'],
    ...['0x80048408', '0x80048cef'],
  ],
  ambiguous: [],
}
const pairs = Object.entries(expected).flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const))

describe('the table of error codes', () => {
  it.each(pairs)('%s is %s', (code, kind) => {
    expect(judge(code)).toMatchObject({ kind, details: { code } })
  })

  it('holds no code that is not tried here', () => {
    expect([...faultTable.keys()].toSorted()).toEqual(pairs.map(([code]) => code).toSorted())
  })

  it.each([
    [400, 'rejected'],
    [401, 'unauthorised'],
    [403, 'unauthorised'],
    [404, 'configuration'],
    [412, 'changed'],
    [429, 'throttled'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ] as const)('leaves an unknown code with status %i to the status: %s', (status, kind) => {
    expect(judge('0x89999999', '', record, status).kind).toBe(kind)
    expect(judge('constructor', '', record, status).kind).toBe(kind)
  })
})

describe('one code with several meanings', () => {
  it('"does not exist" speaks of the record, or of one that it was to point to', () => {
    const missing = (named: string) => `account With Id = ${named} Does Not Exist`
    expect(judge('0x80040217', missing(id.toUpperCase())).kind).toBe('gone')
    expect(judge('0x80040217').kind).toBe('gone')
    expect(judge('0x80040217', missing(other)).kind).toBe('rejected')
    expect(judge('0x80040217', missing(other), { kind: 'keyed record' }).kind).toBe('rejected')
  })

  it('the sign-in is down, or has had too many of us', () => {
    expect(judge('temporarily_unavailable', 'AADSTS90033: A transient error has occurred.').kind).toBe(
      'unavailable',
    )
    expect(judge('temporarily_unavailable', 'AADSTS90055: The server is throttling requests.').kind).toBe(
      'throttled',
    )
    expect(judge('invalid_request', '', record, 429).kind).toBe('throttled')
  })

  it('a body that cannot be read has a column too many, or a value that does not fit', () => {
    const unknown = "The property 'prm_x' does not exist on type 'Microsoft.Dynamics.CRM.opportunity'."
    expect(judge('0x80048d19', unknown)).toMatchObject({
      kind: 'configuration',
      details: { fields: ['prm_x'] },
    })
    expect(
      judge('0x80048d19', "Cannot convert the literal 'soon' to the expected type 'Edm.Date'").kind,
    ).toBe('rejected')
  })

  it.each([
    [
      "Could not find a property named '_prm_partner_value' on type 'Microsoft.Dynamics.CRM.opportunity'.",
      'prm_partner',
    ],
    [
      "'Opportunity' entity doesn't contain attribute with Name = 'prm_x' and NameMapping = 'Logical'.",
      'prm_x',
    ],
    [
      "The length of the 'name' attribute of the 'opportunity' entity exceeded the maximum allowed length of '300'.",
      'name',
    ],
    ["The value 9 of 'statuscode' on record of type 'opportunity' is outside the valid range.", 'statuscode'],
  ])('names the column of: %s', (message, field) => {
    expect(judge('0x80044331', message).details.fields).toEqual([field])
  })
})

describe('a call that failed', () => {
  const failed = (part: Partial<FailedCall>) =>
    judgeFailedCall(dynamicsAnswers, {
      error: new Error('failed'),
      sent: true,
      status: null,
      retryAfter: null,
      text: null,
      changesData: false,
      abandoned: null,
      now,
      ...part,
    })
  const stated = (code: string) => JSON.stringify({ error: { code, message: 'no' } })

  it('waits as long as Dataverse says, and a minute where it says nothing', () => {
    const text = stated('0x80072322')
    const wait = (retryAfter: string | null) =>
      (failed({ status: 429, text, retryAfter }).details.retryAt?.getTime() ?? 0) - now.getTime()
    expect(wait('300')).toBe(300_000)
    expect(wait(null)).toBe(60_000)
    expect(wait('soon')).toBe(60_000)
    expect(wait('Fri, 20 Nov 2026 10:05:00 GMT')).toBe(300_000)
  })

  it('is in doubt when a write was sent and not refused', () => {
    for (const part of [{}, { status: 502 }, { status: 504, text: '<html></html>' }, { status: 200 }]) {
      expect(failed({ ...part, changesData: true }).kind).toBe('ambiguous')
      expect(failed(part).kind).toBe('unavailable')
    }
    expect(failed({ changesData: true, sent: false }).kind).toBe('unavailable')
    expect(failed({ changesData: true, abandoned: 'TIMEOUT' }).kind).toBe('ambiguous')
    expect(failed({ changesData: true, status: 500, text: stated('0x80040216') }).kind).toBe('ambiguous')
    expect(failed({ changesData: true, status: 400, text: stated('0x80044339') }).kind).toBe('unavailable')
  })

  it('reads what the sign-in says, and no gateway page', () => {
    const text = JSON.stringify({
      error: 'invalid_client',
      error_description: 'AADSTS7000215: Invalid client secret',
    })
    expect(failed({ status: 401, text })).toMatchObject({
      kind: 'unauthorised',
      details: { code: 'invalid_client' },
    })
    expect(failed({ status: 401, text }).message).toContain('AADSTS7000215')
    expect(readError('<html></html>')).toBeNull()
    expect(readError('null')).toBeNull()
    expect(readError('{"statusCode":500,"error":"Internal Server Error"}')).toBeNull()
  })
})
