import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { FaultKind } from '#connectors/fault.ts'
import { salesforceAnswers } from '#connectors/salesforce/answers.ts'
import { faultTable, restCodes, soapBornCodes, tokenCodes } from '#connectors/salesforce/fault-table.ts'
import { faultOfErrors, type RemoteError, readErrors, type Subject } from '#connectors/salesforce/faults.ts'
import { type FailedCall, judgeFailedCall } from '#connectors/wire/failed-call.ts'

const now = new Date('2026-11-20T10:00:00Z')
const minute = 60_000
const error = (code: string, message = '', fields: readonly string[] = []): RemoteError => ({
  code,
  message,
  fields,
  matches: [],
})
const judge = (stated: RemoteError, subject: Subject = 'record') => faultOfErrors([stated], subject, now)
const waitOf = (fault: ReturnType<typeof judge>) =>
  (fault.details.retryAt?.getTime() ?? now.getTime()) - now.getTime()

/** The classes as an operator thinks of them: what we do about each code, stated about a record that we named by id. */
const expected: Readonly<Record<FaultKind, readonly string[]>> = {
  unavailable: [
    ...['UNABLE_TO_LOCK_ROW', 'SERVER_UNAVAILABLE', 'QUERY_TIMEOUT', 'UNKNOWN_EXCEPTION'],
    ...['REQUEST_RUNNING_TOO_LONG', 'ENTITY_IS_LOCKED', 'PROCESSING_HALTED'],
    ...['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'server_error', 'temporarily_unavailable', 'unknown_error'],
  ],
  throttled: [
    'REQUEST_LIMIT_EXCEEDED',
    'API_CURRENTLY_DISABLED',
    'STORAGE_LIMIT_EXCEEDED',
    'rate_limit_exceeded',
  ],
  unauthorised: [
    ...['INVALID_SESSION_ID', 'INVALID_AUTH_HEADER', 'INVALID_LOGIN', 'LOGIN_DURING_RESTRICTED_DOMAIN'],
    ...['LOGIN_DURING_RESTRICTED_TIME', 'LOGIN_MUST_USE_SECURITY_TOKEN', 'PASSWORD_LOCKOUT', 'ORG_LOCKED'],
    ...[
      'TRIAL_EXPIRED',
      'invalid_client',
      'invalid_client_id',
      'invalid_client_credentials',
      'invalid_grant',
    ],
    ...['invalid_request', 'invalid_scope', 'invalid_assertion', 'invalid_app_access', 'inactive_user'],
    ...['inactive_org', 'access_denied', 'unauthorized_client', 'unsupported_grant_type'],
  ],
  configuration: [
    ...['INVALID_FIELD', 'INVALID_FIELD_FOR_INSERT_UPDATE', 'INVALID_TYPE', 'INVALID_QUERY_FILTER_OPERATOR'],
    ...['MALFORMED_QUERY', 'INSUFFICIENT_ACCESS', 'INSUFFICIENT_ACCESS_OR_READONLY'],
    ...['INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY', 'API_DISABLED_FOR_ORG', 'FUNCTIONALITY_NOT_ENABLED'],
    ...['METHOD_NOT_ALLOWED', 'UNSUPPORTED_API_VERSION'],
  ],
  rejected: [
    ...[
      'FIELD_CUSTOM_VALIDATION_EXCEPTION',
      'FIELD_FILTER_VALIDATION_EXCEPTION',
      'FIELD_INTEGRITY_EXCEPTION',
    ],
    ...['REQUIRED_FIELD_MISSING', 'STRING_TOO_LONG', 'NUMBER_OUTSIDE_VALID_RANGE', 'INVALID_EMAIL_ADDRESS'],
    ...['INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', 'INVALID_CURRENCY_ISO', 'INVALID_TYPE_ON_FIELD_IN_RECORD'],
    ...['INACTIVE_OWNER_OR_USER', 'MALFORMED_ID', 'INVALID_ID_FIELD', 'JSON_PARSER_ERROR'],
    ...['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'CANNOT_UPDATE_CONVERTED_LEAD', 'TXN_SECURITY_APEX_ERROR'],
    ...['TXN_SECURITY_END_A_SESSION', 'TXN_SECURITY_FAIL_CLOSE', 'TXN_SECURITY_METERING_ERROR'],
    ...['TXN_SECURITY_NO_ACCESS', 'TXN_SECURITY_RUNTIME_ERROR', 'TXN_SECURITY_TWO_FA_REQUIRED'],
  ],
  duplicate: ['DUPLICATES_DETECTED', 'DUPLICATE_VALUE', 'DUPLICATE_EXTERNAL_ID', 'MULTIPLE_CHOICES'],
  gone: ['ENTITY_IS_DELETED', 'INVALID_CROSS_REFERENCE_KEY', 'NOT_FOUND'],
  changed: ['PRECONDITION_FAILED'],
  ambiguous: [],
}
const pairs = Object.entries(expected).flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const))

describe('the table of error codes', () => {
  it.each(pairs)('%s is %s', (code, kind) => {
    expect(judge(error(code))).toMatchObject({ kind, details: { code } })
  })

  it('holds no code that is not tried here', () => {
    expect([...faultTable.keys()].toSorted()).toEqual(pairs.map(([code]) => code).toSorted())
  })

  it('holds only codes that the partner WSDL or the REST and OAuth documents know', () => {
    const home = dirname(createRequire(import.meta.url).resolve('jsforce/package.json'))
    const wsdl = readFileSync(join(home, 'src/api/soap/wsdl.xml'), 'utf8')
    const closedLists = ['StatusCode', 'ExceptionCode'].flatMap((name) => {
      const list = wsdl.split(`<simpleType name="${name}">`)[1]?.split('</simpleType>')[0] ?? ''
      return [...list.matchAll(/enumeration value="(\w+)"/g)].map(([, code]) => code)
    })
    expect(closedLists.length).toBeGreaterThan(500)
    expect(Object.keys(soapBornCodes).filter((code) => !closedLists.includes(code))).toEqual([])
    expect(Object.keys(restCodes).filter((code) => closedLists.includes(code))).toEqual([])
    expect(Object.keys(tokenCodes).every((code) => /^[a-z_]+$/.test(code))).toBe(true)
  })

  it('takes an unknown code for a fault of the record, and one of the token endpoint for one of the credentials', () => {
    expect(judge(error('SOMETHING_NEW')).kind).toBe('rejected')
    expect(judge(error('something_new')).kind).toBe('unauthorised')
    expect(judge(error('constructor')).kind).toBe('unauthorised')
    expect(faultOfErrors([], 'record', now)).toMatchObject({
      kind: 'rejected',
      details: { code: 'NO_REASON' },
    })
  })
})

describe('one code with several meanings', () => {
  it('is told apart by the message of the limit', () => {
    const total = judge(error('REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'))
    const busy = judge(
      error('REQUEST_LIMIT_EXCEEDED', 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.'),
    )
    expect(waitOf(total)).toBe(60 * minute)
    expect(waitOf(busy)).toBeGreaterThan(0)
    expect(waitOf(busy)).toBeLessThan(minute)
  })

  it.each([
    [
      'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
      'T: execution of BeforeUpdate caused by: UNABLE_TO_LOCK_ROW',
      'unavailable',
    ],
    [
      'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
      'T: execution of BeforeUpdate caused by: NullPointer',
      'rejected',
    ],
    ['invalid_grant', 'login rate exceeded', 'throttled'],
    ['invalid_grant', "user hasn't approved this consumer", 'unauthorised'],
    ['INVALID_FIELD', "No such column 'X__c' on entity 'Opportunity'", 'configuration'],
    ['INVALID_FIELD', 'Cannot deserialize instance of date from VALUE_STRING value soon', 'rejected'],
  ] as const)('%s with "%s" is %s', (code, message, kind) => {
    expect(judge(error(code, message)).kind).toBe(kind)
  })

  it('says of a whole call that a type is missing, and of a record that it is', () => {
    expect(judge(error('NOT_FOUND'), 'call').kind).toBe('configuration')
    expect(judge(error('NOT_FOUND'), 'record').kind).toBe('gone')
  })

  it.each(['INVALID_CROSS_REFERENCE_KEY', 'ENTITY_IS_DELETED'])(
    '%s blames a lookup when it names one, or when we named no record',
    (code) => {
      expect(judge(error(code), 'record').kind).toBe('gone')
      expect(judge(error(code, '', ['AccountId']), 'record').kind).toBe('rejected')
      expect(judge(error(code), 'keyed record').kind).toBe('rejected')
    },
  )

  it('gives a record in an approval process time', () => {
    expect(waitOf(judge(error('ENTITY_IS_LOCKED')))).toBeGreaterThanOrEqual(5 * minute)
  })
})

describe('what an error names', () => {
  it.each([
    [
      "\nSELECT Id, X__c FROM\n ^\nERROR at Row:1:Column:12\nNo such column 'X__c' on entity 'Opportunity'. If you",
      ['X__c'],
    ],
    ["No such column 'X__c' on sobject of type Opportunity", ['X__c']],
    [
      'Unable to create/update fields: IsWon, IsClosed. Please check the security settings',
      ['IsWon', 'IsClosed'],
    ],
    ['Required fields are missing: [StageName, CloseDate]', ['StageName', 'CloseDate']],
  ])('fields, in "%s"', (message, fields) => {
    expect(judge(error('INVALID_FIELD', message)).details.fields).toEqual(fields)
  })

  it('prefers the fields that are stated as such', () => {
    expect(judge(error('STRING_TOO_LONG', 'Name: data value too large', ['Name'])).details.fields).toEqual([
      'Name',
    ])
  })

  it('an existing record, in the message of a unique field', () => {
    const fault = judge(
      error(
        'DUPLICATE_VALUE',
        'duplicate value found: PRM_Deal_Id__c duplicates value on record with id: 006gL0000012345',
      ),
    )
    expect(fault.details).toMatchObject({ duplicates: ['006gL0000012345'], fields: ['PRM_Deal_Id__c'] })
    const unknown = judge(error('DUPLICATE_VALUE', '<unknown> duplicates value on record with id: <unknown>'))
    expect(unknown.details.duplicates).toBeUndefined()
  })

  it.each(['duplicateResult', 'duplicateResut'])(
    'the records that a duplicate rule matched, in %s',
    (name) => {
      const matchResults = [
        { matchRecords: [{ record: { Id: '001A' } }, { record: { Id: '001B' } }] },
        { matchRecords: [{ record: { Id: '001B' } }] },
      ]
      const errors = readErrors([
        { statusCode: 'DUPLICATES_DETECTED', message: 'Use one of these?', [name]: { matchResults } },
      ])
      expect(faultOfErrors(errors, 'record', now).details.duplicates).toEqual(['001A', '001B'])
    },
  )

  it('survives shapes that nobody announced', () => {
    expect(readErrors(null)).toEqual([])
    expect(readErrors(['text', 7, {}, { errorCode: 7 }])).toEqual([])
    expect(readErrors([{ errorCode: 'X', message: null, fields: null, duplicateResut: 'odd' }])).toEqual([
      { code: 'X', message: '', fields: [], matches: [] },
    ])
  })

  it('collects all errors of a record, and lets the one that repeating cannot cure decide', () => {
    const fault = faultOfErrors(
      [
        error('UNABLE_TO_LOCK_ROW'),
        error('STRING_TOO_LONG', 'too long', ['Name']),
        error('REQUIRED_FIELD_MISSING', '', ['Stage']),
      ],
      'record',
      now,
    )
    expect(fault).toMatchObject({
      kind: 'rejected',
      details: { code: 'STRING_TOO_LONG', fields: ['Name', 'Stage'] },
    })
  })
})

/** As jsforce throws it. */
class SdkError extends Error {
  readonly errorCode: string
  readonly data: unknown
  constructor(message: string, errorCode: string, data: unknown) {
    super(message)
    this.name = errorCode
    this.errorCode = errorCode
    this.data = data
  }
}
const faultOfFailure = (failed: FailedCall) => judgeFailedCall(salesforceAnswers, failed)
const failed = (part: Partial<FailedCall>): FailedCall => ({
  error: new TypeError('fetch failed'),
  sent: true,
  status: null,
  retryAfter: null,
  text: null,
  changesData: true,
  abandoned: null,
  now,
  ...part,
})

describe('a call without a usable answer', () => {
  const reset = new TypeError('fetch failed', {
    cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
  })

  it('is in doubt only if it changes data and may have been received', () => {
    expect(faultOfFailure(failed({ error: reset }))).toMatchObject({
      kind: 'ambiguous',
      details: { code: 'ECONNRESET' },
    })
    expect(faultOfFailure(failed({ error: reset, sent: false })).kind).toBe('unavailable')
    expect(faultOfFailure(failed({ error: reset, changesData: false })).kind).toBe('unavailable')
    expect(faultOfFailure(failed({ abandoned: 'TIMEOUT' }))).toMatchObject({
      kind: 'ambiguous',
      details: { code: 'TIMEOUT' },
    })
  })

  it.each([
    [200, 'ambiguous', 'unavailable'],
    [302, 'unavailable', 'unavailable'],
    [400, 'rejected', 'rejected'],
    [401, 'unauthorised', 'unauthorised'],
    [403, 'unauthorised', 'unauthorised'],
    [404, 'configuration', 'configuration'],
    [408, 'ambiguous', 'unavailable'],
    [420, 'ambiguous', 'unavailable'],
    [429, 'throttled', 'throttled'],
    [500, 'ambiguous', 'unavailable'],
    [502, 'ambiguous', 'unavailable'],
    [503, 'ambiguous', 'unavailable'],
    [504, 'ambiguous', 'unavailable'],
  ] as const)('with status %i and no code is %s for a write and %s for a read', (status, write, read) => {
    const page = new SdkError('<html>', `ERROR_HTTP_${status}`, '<html>')
    const fault = faultOfFailure(failed({ error: page, status }))
    expect(fault).toMatchObject({ kind: write, details: { httpStatus: status } })
    expect(fault.message).not.toContain('<html>')
    expect(faultOfFailure(failed({ error: page, status, changesData: false })).kind).toBe(read)
  })

  it('is in doubt at 5xx also with a code, but for the one that says nothing was done', () => {
    const coded = (code: string) =>
      faultOfFailure(
        failed({ error: new SdkError('m', code, { errorCode: code, message: 'm' }), status: 500 }),
      )
    expect(coded('UNKNOWN_EXCEPTION').kind).toBe('ambiguous')
    expect(coded('SERVER_UNAVAILABLE').kind).toBe('unavailable')
    expect(coded('REQUEST_LIMIT_EXCEEDED').kind).toBe('throttled')
  })

  it('names the records of a 300', () => {
    const data = [
      '/services/data/v62.0/sobjects/Opportunity/006A',
      '/services/data/v62.0/sobjects/Opportunity/006B',
    ]
    const fault = faultOfFailure(
      failed({ error: new SdkError('Multiple records found', 'MULTIPLE_CHOICES', data), status: 300 }),
    )
    expect(fault).toMatchObject({ kind: 'duplicate', details: { duplicates: ['006A', '006B'] } })
  })

  it('reads several errors out of one', () => {
    const data = [
      { errorCode: 'REQUIRED_FIELD_MISSING', message: 'm', fields: ['Name'] },
      { errorCode: 'STRING_TOO_LONG', message: 'm', fields: ['Type'] },
    ]
    const fault = faultOfFailure(
      failed({ error: new SdkError('several', 'MULTIPLE_API_ERRORS', data), status: 400 }),
    )
    expect(fault).toMatchObject({ kind: 'rejected', details: { fields: ['Name', 'Type'], httpStatus: 400 } })
  })

  it.each([
    ['30', 30_000],
    ['Fri, 20 Nov 2026 10:05:00 GMT', 5 * minute],
    ['Fri, 20 Nov 2020 10:05:00 GMT', minute],
    ['soon', minute],
    [null, minute],
  ])('comes back at the time named in Retry-After: %s', (retryAfter, waitMs) => {
    const fault = faultOfFailure(failed({ status: 429, retryAfter }))
    expect(waitOf(fault)).toBe(waitMs)
  })
})
