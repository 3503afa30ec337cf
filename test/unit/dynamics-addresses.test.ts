import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { WriteCommand } from '#connectors/connector.ts'
import { dynamicsCredentialsSchema, tokenRequest } from '#connectors/dynamics/credentials.ts'
import { readCursor, writeCursor } from '#connectors/dynamics/cursor.ts'
import {
  checkName,
  isRecordId,
  keyPath,
  maxAddressBytes,
  pathOfLink,
  sliceConditions,
  textLiteral,
} from '#connectors/dynamics/odata.ts'
import { addressOf, recordKey, splitCall } from '#connectors/dynamics/write-plan.ts'
import { ConnectorFault } from '#connectors/fault.ts'
import { planCalls } from '#connectors/wire/write-plan.ts'

const organisation = 'https://vendor.crm.dynamics.com'
const given = {
  grant: 'client_credentials',
  organisationUrl: `${organisation}/main.aspx?x=1`,
  tenantId: 'vendor.onmicrosoft.com',
  clientId: 'app',
  clientSecret: 's e&cret',
}

describe('credentials', () => {
  it('mark what is secret, for forms and for the store', () => {
    const schema = z.toJSONSchema(dynamicsCredentialsSchema, { io: 'input' })
    const [option] = schema.oneOf ?? schema.anyOf ?? []
    const secrets = Object.entries(option?.properties ?? {}).filter(
      ([, field]) => typeof field === 'object' && field['secret'] === true,
    )
    expect(secrets.map(([name]) => name)).toEqual(['clientSecret', 'webhookKey'])
  })

  it('keep the origins, fill in the usual, and leave closed records alone', () => {
    expect(dynamicsCredentialsSchema.parse(given)).toMatchObject({
      organisationUrl: organisation,
      loginUrl: 'https://login.microsoftonline.com',
      closedRecords: 'leave',
    })
  })

  it.each([
    { organisationUrl: 'http://vendor.crm.dynamics.com' },
    { loginUrl: 'http://login.microsoftonline.com' },
    { tenantId: 'a/b' },
    { tenantId: '../common' },
    { webhookKey: 'short' },
    { closedRecords: 'delete' },
    { surprise: 1 },
  ])('do not take %j', (part) => {
    expect(dynamicsCredentialsSchema.safeParse({ ...given, ...part }).success).toBe(false)
  })

  it('ask for a token of the organisation alone', () => {
    const { url, form } = tokenRequest(dynamicsCredentialsSchema.parse(given))
    expect(url).toBe('https://login.microsoftonline.com/vendor.onmicrosoft.com/oauth2/v2.0/token')
    expect(Object.fromEntries(new URLSearchParams(form))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'app',
      client_secret: 's e&cret',
      scope: `${organisation}/.default`,
    })
  })
})

describe('an address', () => {
  it('holds no character of a value that has a meaning of its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const literal = textLiteral(value)
        expect(literal).toMatch(/^'[A-Za-z0-9\-_.!~*'()%]*'$/)
        expect(decodeURIComponent(literal.slice(1, -1)).replaceAll("''", "'")).toBe(value.toWellFormed())
        expect(literal.slice(1, -1).replaceAll("''", '')).not.toContain("'")
      }),
    )
    expect(keyPath('opportunities', 'prm_dealid', "o'1")).toBe("opportunities(prm_dealid='o''1')")
  })

  it('takes names and ids for what they are only', () => {
    for (const name of ["x' or 1", 'a b', '', 'a.b', '1a'])
      expect(() => checkName(name)).toThrow(ConnectorFault)
    expect(isRecordId('1B2C3D4E-0000-4000-8000-000000000001')).toBe(true)
    expect(isRecordId('1B2C3D4E-0000-4000-8000-000000000001)')).toBe(false)
  })

  it('never leaves the organisation by a link', () => {
    const root = `${organisation}/api/data/v9.2/`
    expect(pathOfLink(`${root}opportunities?$skiptoken=%3Ccookie%20a=%221%22/%3E`, organisation)).toBe(
      'opportunities?$skiptoken=%3Ccookie%20a=%221%22/%3E',
    )
    for (const link of [
      'https://evil.example/api/data/v9.2/x',
      `${organisation}.evil.example/api/data/v9.2/x`,
      'x',
    ]) {
      expect(() => pathOfLink(link, organisation)).toThrow(ConnectorFault)
    }
  })

  it('stays within bounds, with every value in one slice', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ maxLength: 400 }), { maxLength: 120 }), (values) => {
        const query = { entitySet: 'accounts', select: ['name'] }
        const slices = sliceConditions(query, values, (value) => `name%20eq%20${textLiteral(value)}`, 50)
        expect(slices.flatMap((slice) => slice.values)).toEqual(values)
        for (const { path, values: some } of slices) {
          expect(path.length).toBeLessThanOrEqual(maxAddressBytes)
          expect(some.length).toBeLessThanOrEqual(50)
        }
      }),
    )
  })
})

describe('a cursor', () => {
  const table = { name: 'opportunity', entitySet: 'opportunities' }

  it('comes back as it was stored', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (rest, fields) => {
        const link = `opportunities?${rest}`
        expect(readCursor(writeCursor({ link, fields }), table)).toEqual({ link, fields })
      }),
    )
    expect(readCursor(null, table).link).toBeNull()
  })

  it.each(['nonsense', '{}', 'null', '{"version":2,"link":"opportunities?x","fields":[]}'])(
    'is not %s',
    (text) => {
      expect(() => readCursor(text, table)).toThrow(ConnectorFault)
    },
  )

  it('of one table is refused by another', () => {
    const text = writeCursor({ link: 'accounts?$deltatoken=1', fields: [] })
    expect(() => readCursor(text, table)).toThrow(ConnectorFault)
  })
})

describe('batches of commands', () => {
  const commandsOf = fc.array(
    fc.record({
      object: fc.constantFrom('opportunity', 'account'),
      key: fc.constantFrom('a', 'A', 'b', 'c', 'd'),
    }),
    { maxLength: 40 },
  )

  it('hold each command once, of one table, no record twice and in order', () => {
    fc.assert(
      fc.property(commandsOf, (pairs) => {
        const commands = pairs.map(
          ({ object, key }): WriteCommand => ({
            object,
            target: { kind: 'key', field: 'prm_id', value: key },
            fields: {},
          }),
        )
        const calls = planCalls(commands, { size: 3, addressOf, recordKey })
        const order = calls.flatMap(({ items }) => items.map(({ index }) => index))
        expect(order.toSorted((a, b) => a - b)).toEqual(commands.map((_, index) => index))
        for (const { object, items } of calls) {
          expect(items.length).toBeLessThanOrEqual(3)
          const keys = items.map(({ command }) =>
            command.target.kind === 'key' ? command.target.value.toLowerCase() : '',
          )
          expect(new Set(keys).size).toBe(keys.length)
          expect(items.every(({ command }) => command.object === object)).toBe(true)
        }
        for (const name of ['opportunity/a', 'account/b']) {
          const same = order.filter((index) => {
            const { object, target } = commands[index]!
            return `${object}/${target.kind === 'key' ? target.value.toLowerCase() : ''}` === name
          })
          expect(same).toEqual(same.toSorted((a, b) => a - b))
        }
      }),
    )
  })

  it('are halved down to the one that cannot be read', () => {
    const command: WriteCommand = { object: 'account', target: { kind: 'id', id: 'x' }, fields: {} }
    const items = [0, 1, 2].map((index) => ({ index, command }))
    const unreadable = new ConnectorFault('rejected', 'm', { code: 'X', httpStatus: 400 })
    const split = splitCall({ object: 'account', items }, unreadable)
    expect(split?.again.map((half) => half.items.length)).toEqual([2, 1])
    expect(splitCall({ object: 'account', items: items.slice(0, 1) }, unreadable)).toBeNull()
  })
})
