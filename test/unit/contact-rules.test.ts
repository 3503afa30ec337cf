import { describe, expect, test } from 'vitest'
import type { RemoteRecord } from '#connectors/connector.ts'
import { emailKey, splitName } from '#src/customers/contact.ts'
import { judgePerson } from '#src/sync/records/known-contacts.ts'

test.each([
  ['Cora Contact', 'Cora', 'Contact'],
  ['Cora van der Contact', 'Cora van der', 'Contact'],
  ['Contact, Cora', 'Cora', 'Contact'],
  ['  Cora   Contact ', 'Cora', 'Contact'],
  ['Madonna', null, 'Madonna'],
])('%s is called %s %s', (name, firstName, lastName) => {
  expect(splitName(name)).toEqual({ firstName, lastName })
})

test('an e-mail address is the same in any case', () => {
  expect(emailKey(' Cora@Contoso.COM ')).toBe('cora@contoso.com')
})

describe('a person who may be in the CRM already', () => {
  const record = (id: string, account: string | null): RemoteRecord => ({
    object: 'Contact',
    id,
    fields: { Email: 'cora@contoso.com', AccountId: account },
    modifiedAt: null,
    modifiedBy: null,
  })
  const judge = (...records: RemoteRecord[]) => judgePerson('001A', 'AccountId', records)

  test('is nobody without the address', () => {
    expect(judge()).toEqual({ kind: 'none' })
  })
  test('is the one with the address at the same company, whoever else has it elsewhere', () => {
    expect(judge(record('003B', '001B'), record('003A', '001A'))).toMatchObject({
      kind: 'same',
      record: { id: '003A' },
    })
  })
  test('is doubtful at another company, and twice at the same', () => {
    expect(judge(record('003B', '001B'))).toEqual({ kind: 'doubtful', remoteIds: ['003B'] })
    expect(judge(record('003A', '001A'), record('003C', '001A'))).toMatchObject({ kind: 'doubtful' })
  })
})
