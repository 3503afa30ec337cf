import { describe, expect, it, test } from 'vitest'
import type { FaultKind } from '#connectors/fault.ts'
import { hubspotAnswers } from '#connectors/hubspot/answers.ts'
import {
  categories,
  detailCodes,
  faultTable,
  policyWaitMs,
  statusTable,
  tokenCodes,
} from '#connectors/hubspot/fault-table.ts'
import { faultOfError, readError } from '#connectors/hubspot/faults.ts'
import { type FailedCall, judgeFailedCall } from '#connectors/wire/failed-call.ts'

const now = new Date('2026-11-20T10:00:00Z')

/** The classes as an operator thinks of them: what we do about each code. */
const expected: Readonly<Record<string, readonly string[]>> = {
  throttled: ['RATE_LIMIT', 'RATE_LIMITS', 'MIGRATION_IN_PROGRESS'],
  unauthorised: [
    ...['INVALID_AUTHENTICATION', 'EXPIRED_AUTHENTICATION', 'REVOKED_AUTHENTICATION', 'BANNED'],
    ...['BAD_REFRESH_TOKEN', 'BAD_CLIENT_ID', 'BAD_CLIENT_SECRET', 'BAD_GRANT_TYPE', 'BAD_HUB'],
    ...['EXPIRED_AUTH_CODE', 'MISSING_OR_INVALID_PARAMETER', 'invalid_client', 'invalid_grant'],
    ...['invalid_request', 'invalid_scope', 'unauthorized_client', 'unsupported_grant_type'],
  ],
  configuration: [
    ...['MISSING_SCOPES', 'USER_DOES_NOT_HAVE_PERMISSIONS', 'METHOD_NOT_ALLOWED'],
    ...['PROPERTY_DOESNT_EXIST', 'PROPERTY_NOT_FOUND', 'READ_ONLY_VALUE', 'INVALID_OBJECT_TYPE'],
    ...['UNABLE_TO_INFER_OBJECT_TYPE', 'NON_UNIQUE_ID_PROPERTY'],
  ],
  gone: ['OBJECT_NOT_FOUND'],
  duplicate: ['CONFLICT', 'OBJECT_ALREADY_EXISTS', 'CONFLICTING_UNIQUE_VALUE'],
  rejected: [
    ...['VALIDATION_ERROR', 'INVALID_PARAMETER', 'REQUEST_VALIDATION', 'INVALID_OPTION', 'INVALID_INTEGER'],
    ...['INVALID_LONG', 'INVALID_NUMBER', 'INVALID_BOOLEAN', 'INVALID_DATE', 'INVALID_EMAIL', 'INVALID_URL'],
    ...['INVALID_PHONE_NUMBER', 'INVALID_ALPHA', 'INVALID_NUMERIC', 'INVALID_OWNER_ID'],
    ...['INVALID_PIPELINE_STAGE_ID', 'PROPERTY_VALUE_TOO_LONG', 'VALUE_TOO_LONG', 'REQUIRED_FIELD'],
    ...['REQUIRED_PROPERTY', 'MISSING_REQUIRED_PROPERTY'],
  ],
  unavailable: [
    ...[
      'LOCKED',
      'INTERNAL_ERROR',
      'SERVICE_UNAVAILABLE',
      'TIMEOUT',
      'temporarily_unavailable',
      'server_error',
    ],
  ],
}
const rows = Object.entries(expected).flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const))

const judge = (body: unknown, httpStatus?: number) => {
  const error = readError(body)
  if (!error) throw new Error('not read as an error')
  return faultOfError(error, { now, ...(httpStatus === undefined ? {} : { httpStatus }) })
}

describe('a code of HubSpot', () => {
  test('is in one class, and all of the table are known here', () => {
    expect(rows.map(([code]) => code).toSorted()).toEqual([...faultTable.keys()].toSorted())
    const size = [categories, detailCodes, tokenCodes].reduce(
      (sum, part) => sum + Object.keys(part).length,
      0,
    )
    expect(faultTable.size).toBe(size)
  })

  test.each(rows.filter(([code]) => code in categories))('as a category: %s is %s', (category, kind) => {
    expect(judge({ status: 'error', category, message: 'm' })).toMatchObject({
      kind,
      details: { code: category },
    })
  })

  test.each(rows.filter(([code]) => code in detailCodes))('as a detail: %s is %s', (code, kind) => {
    const errors = [{ message: 'm', code, context: { propertyName: ['amount'] } }]
    expect(judge({ status: 'error', category: 'VALIDATION_ERROR', message: 'm', errors })).toMatchObject({
      kind,
      details: { code, fields: ['amount'] },
    })
  })

  test.each(rows.filter(([code]) => code in tokenCodes))('of the token endpoint: %s is %s', (code, kind) => {
    const body = /^[a-z]/.test(code)
      ? { error: code, error_description: 'm' }
      : { status: code, message: 'm' }
    expect(judge(body, 400).kind).toBe(kind)
  })

  test('that is not known parks the record', () => {
    expect(judge({ status: 'error', category: 'SOMETHING_NEW', message: 'm' })).toMatchObject({
      kind: 'rejected',
      details: { code: 'SOMETHING_NEW' },
    })
  })
})

describe('the message of a refusal', () => {
  const inside = (list: unknown) => ({
    status: 'error',
    category: 'VALIDATION_ERROR',
    message: `Property values were not valid: ${JSON.stringify(list)}`,
  })

  test('tells the properties that it holds as text', () => {
    const fault = judge(
      inside([
        { isValid: false, error: 'INVALID_OPTION', name: 'dealstage', message: 'm' },
        { isValid: false, error: 'INVALID_DATE', name: 'closedate', message: 'm' },
      ]),
    )
    expect(fault).toMatchObject({
      kind: 'rejected',
      details: { code: 'INVALID_OPTION', fields: ['dealstage', 'closedate'] },
    })
  })

  test('tells a property that is not there before one that is wrong', () => {
    const fault = judge(
      inside([
        { error: 'INVALID_OPTION', name: 'dealstage', message: 'm' },
        { error: 'PROPERTY_DOESNT_EXIST', name: 'prm_x', message: 'm' },
      ]),
    )
    expect(fault).toMatchObject({ kind: 'configuration', details: { code: 'PROPERTY_DOESNT_EXIST' } })
  })

  test('tells a missing property in words alone', () => {
    const fault = judge({
      status: 'error',
      category: 'VALIDATION_ERROR',
      message: 'Property "prm_x" does not exist',
    })
    expect(fault).toMatchObject({ kind: 'configuration', details: { fields: ['prm_x'] } })
  })

  test('tells a property that cannot be a key', () => {
    const message = 'Unable to perform update/upsert by non-unique 0-3 property prm_x in portal ID 1'
    expect(judge({ status: 'error', category: 'VALIDATION_ERROR', message })).toMatchObject({
      kind: 'configuration',
      details: { code: 'NON_UNIQUE_ID_PROPERTY' },
    })
  })

  test('names the record that stands in the way', () => {
    const fault = judge({ category: 'CONFLICT', message: 'Contact already exists. Existing ID: 4711' }, 409)
    expect(fault).toMatchObject({ kind: 'duplicate', details: { duplicates: ['4711'] } })
  })

  test.each([
    'Property values were not valid: [',
    'Property values were not valid: [1,null,{"name":7}]',
    'Property values were not valid: {}',
  ])('that is broken is taken as it stands: %s', (message) => {
    expect(judge({ category: 'VALIDATION_ERROR', message }).kind).toBe('rejected')
  })

  test.each([null, 'x', 7, [], {}, { status: 'error' }])('is not read out of %j', (body) => {
    expect(readError(body)).toBeNull()
  })
})

describe('a call that failed', () => {
  const failed = (rest: Partial<FailedCall>): FailedCall => ({
    error: new Error('x'),
    sent: true,
    status: null,
    retryAfter: null,
    text: null,
    changesData: true,
    abandoned: null,
    now,
    ...rest,
  })
  const answered = (status: number, text: string, rest: Partial<FailedCall> = {}) =>
    judgeFailedCall(hubspotAnswers, failed({ status, text, ...rest }))
  const page = '<html><body>Bad gateway</body></html>'

  it.each([...statusTable])('with status %i and a page instead of a reason is %s', (status, kind) => {
    expect(answered(status, page)).toMatchObject({
      kind,
      details: { httpStatus: status, code: `HTTP_${status}` },
    })
  })

  it.each([500, 502, 503, 504, 521])(
    'with status %i leaves a write in doubt, and a read to be repeated',
    (status) => {
      const stated = JSON.stringify({ status: 'error', category: 'INTERNAL_ERROR', message: 'm' })
      for (const text of [page, stated, '']) {
        expect(answered(status, text).kind).toBe('ambiguous')
        expect(answered(status, text, { changesData: false }).kind).toBe('unavailable')
      }
    },
  )

  it.each([...policyWaitMs])('for the limit %s comes back in time', (policyName, waitMs) => {
    const text = JSON.stringify({ status: 'error', errorType: 'RATE_LIMIT', message: 'm', policyName })
    const { kind, details } = answered(429, text)
    expect([kind, details.retryAt?.getTime()]).toEqual(['throttled', now.getTime() + waitMs])
  })

  it.each([
    ['30', 30_000],
    ['Fri, 20 Nov 2026 10:05:00 GMT', 300_000],
    ['soon', 10_000],
    ['-5', 10_000],
    ['', 10_000],
  ])('that says when to come back is believed, if it makes sense: "%s"', (retryAfter, waitMs) => {
    expect(answered(429, page, { retryAfter }).details.retryAt?.getTime()).toBe(now.getTime() + waitMs)
  })

  it('because of a lock or a move waits as long as those last', () => {
    expect(answered(423, page).details.retryAt?.getTime()).toBe(now.getTime() + 2000)
    expect(answered(477, page).details.retryAt?.getTime()).toBe(now.getTime() + 3_600_000)
  })

  it.each([
    ['cut before it was sent', { sent: false }, 'unavailable'],
    ['cut after it was sent', {}, 'ambiguous'],
    ['cut while it read', { changesData: false }, 'unavailable'],
    ['answered by something unreadable', { status: 200 }, 'ambiguous'],
    ['sent elsewhere', { status: 302 }, 'unavailable'],
    ['timed out', { abandoned: 'TIMEOUT' }, 'ambiguous'],
    ['closed before it was sent', { abandoned: 'CLOSED', sent: false }, 'unavailable'],
  ] satisfies [string, Partial<FailedCall>, FaultKind][])('%s', (_, rest, kind) => {
    expect(judgeFailedCall(hubspotAnswers, failed(rest)).kind).toBe(kind)
  })
})
