import { expect, test } from 'vitest'
import { createLogger, readableLine } from '#config/logger.ts'

function capture() {
  const lines: string[] = []
  const logger = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } })
  return { logger, text: () => lines.join(''), entry: () => JSON.parse(lines.at(-1) ?? '{}') }
}

test('a secret is hidden wherever it stands in what is logged', () => {
  const { logger, text, entry } = capture()
  logger.info(
    {
      connection: {
        clientSecret: 'S1',
        deep: [{ headers: { Authorization: 'S2', 'Set-Cookie': 'S3', accept: 'json' } }],
        privateKeyPem: 'S4',
        accessToken: 'S5',
        refresh_token: 'S6',
        password: 'S7',
        'x-api-key': 'S8',
      },
      token: 'S9',
    },
    'Connected',
  )
  expect(text()).not.toMatch(/S\d/)
  expect(entry()).toMatchObject({
    level: 'info',
    msg: 'Connected',
    token: '[hidden]',
    connection: { clientSecret: '[hidden]', deep: [{ headers: { accept: 'json' } }] },
  })
})

test('an error hides what it carries and keeps its stack', () => {
  const { logger, text, entry } = capture()
  const error = Object.assign(new Error('call to postgres://app:S1@db failed with Bearer S2abc'), {
    config: { headers: { authorization: 'S3' } },
    code: 'ECONNRESET',
  })
  logger.error(error)
  logger.child({ bell: 'mail' }).warn({ err: error }, 'again with cp_S5S5S5S5S5S5S5S5S5S5')
  expect(text()).not.toMatch(/S\d/)
  expect(entry().err).toMatchObject({ code: 'ECONNRESET', type: 'Error' })
  expect(entry().err.stack).toContain('logger.test.ts')
})

test('an amount in minor units can be logged', () => {
  const { logger, entry } = capture()
  logger.info({ amountMinor: 12n }, 'Posted')
  expect(entry().amountMinor).toBe('12')
})

test('people see a short line with its details and the stack of an error', () => {
  const line = JSON.stringify({
    level: 'warn',
    time: '2026-01-02T03:04:05.678Z',
    msg: 'Bell is silent',
    bell: 'mail',
    tries: 3,
    err: { stack: 'Error: x\n  at y' },
  })
  expect(readableLine(line)).toBe(
    '03:04:05 warn  Bell is silent (bell=mail, tries=3)\n    Error: x\n      at y\n',
  )
  expect(readableLine('plain\n')).toBe('plain\n')
})

test('an error is logged with what it says, not with the connection that hangs on it', () => {
  const lines: string[] = []
  const logger = createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } })
  const error = Object.assign(new Error('gone'), {
    code: '57P01',
    client: { socket: { port: 5432 } },
    details: { kind: 'idle' },
  })
  logger.warn({ err: error }, 'a connection failed')
  const { err } = JSON.parse(lines[0] ?? '{}')
  expect(err).toMatchObject({ message: 'gone', code: '57P01', details: { kind: 'idle' } })
  expect(err.client).toBeUndefined()
})
