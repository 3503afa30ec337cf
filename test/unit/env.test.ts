import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ConfigError, readConfig } from '#config/env.ts'
import { readKeyFile } from '#config/secret-keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'counterpart-settings-'))
afterAll(() => rmSync(folder, { recursive: true }))

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')

function problems(env: Record<string, string>): Record<string, string> {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError)
      return Object.fromEntries(error.issues.map((issue) => [issue.name, issue.message]))
    throw error
  }
  return {}
}

test('nothing set runs everything in one process on this machine only', () => {
  expect(readConfig({})).toEqual({
    role: 'all',
    host: '127.0.0.1',
    port: 3000,
    publicUrl: 'http://127.0.0.1:3000',
    trustProxy: false,
    rateLimitPerMinute: 600,
    databaseUrl: null,
    dataFolder: null,
    redisUrl: null,
    logLevel: 'info',
    secretKeys: null,
    mail: null,
    shutdownMs: 20_000,
  })
})

test('every setting arrives in its own type', () => {
  const config = readConfig({
    ROLE: 'worker',
    HOST: '::',
    PORT: '8080',
    PUBLIC_URL: 'https://partners.example.com/',
    TRUST_PROXY: '10.0.0.0/8, 127.0.0.1',
    RATE_LIMIT_PER_MINUTE: '0',
    DATABASE_URL: 'postgres://app:pass@db:5432/counterpart',
    DATA_FOLDER: '/srv/counterpart',
    REDIS_URL: 'rediss://cache:6380',
    LOG_LEVEL: 'debug',
    SECRET_KEY: key(1),
    SECRET_KEY_PREVIOUS: `${key(2)},${key(3)}`,
    SMTP_URL: 'smtp://user:pass@mail:587',
    MAIL_FROM: 'Partner team <partners@example.com>',
    SHUTDOWN_SECONDS: '45',
  })
  expect(config).toMatchObject({
    role: 'worker',
    port: 8080,
    publicUrl: 'https://partners.example.com',
    trustProxy: ['10.0.0.0/8', '127.0.0.1'],
    rateLimitPerMinute: 0,
    secretKeys: { current: Buffer.alloc(32, 1), previous: [Buffer.alloc(32, 2), Buffer.alloc(32, 3)] },
    mail: { smtpUrl: 'smtp://user:pass@mail:587', from: 'Partner team <partners@example.com>' },
    shutdownMs: 45_000,
  })
})

test.each([
  ['true', true],
  ['false', false],
  ['2', 2],
])('TRUST_PROXY=%s is understood', (given, expected) => {
  expect(readConfig({ TRUST_PROXY: given }).trustProxy).toBe(expected)
})

test('a URL of the database may name a socket folder', () => {
  const url = 'postgres:///counterpart?host=%2Frun%2Fpostgresql&user=counterpart'
  expect(readConfig({ DATABASE_URL: url }).databaseUrl).toBe(url)
})

test('an address of version 6 stands in brackets in the public address', () => {
  expect(readConfig({ HOST: '::1' }).publicUrl).toBe('http://[::1]:3000')
})

test('an empty or blank setting counts as not set', () => {
  expect(readConfig({ PORT: '', DATABASE_URL: '  ', REDIS_URL: '' })).toEqual(readConfig({}))
})

test('all problems are told at once, each with its name', () => {
  const found = problems({
    ROLE: 'wroker',
    HOST: 'not a host',
    PORT: '70000',
    PUBLIC_URL: 'partners.example.com',
    TRUST_PROXY: 'some',
    RATE_LIMIT_PER_MINUTE: '-1',
    DATABASE_URL: 'mysql://db/x',
    REDIS_URL: 'http://cache',
    LOG_LEVEL: 'loud',
    SECRET_KEY: 'c2hvcnQ=',
    SECRET_KEY_PREVIOUS: 'zzz',
    SMTP_URL: 'mail.example.com',
    SHUTDOWN_SECONDS: '0',
  })
  expect(Object.keys(found).sort()).toEqual([
    'DATABASE_URL',
    'HOST',
    'LOG_LEVEL',
    'MAIL_FROM',
    'PORT',
    'PUBLIC_URL',
    'RATE_LIMIT_PER_MINUTE',
    'REDIS_URL',
    'ROLE',
    'SECRET_KEY',
    'SECRET_KEY_PREVIOUS',
    'SHUTDOWN_SECONDS',
    'SMTP_URL',
    'TRUST_PROXY',
  ])
  expect(found['PORT']).toBe('is "70000". Set a whole number from 0 (any free port) to 65535.')
  expect(found['ROLE']).toBe('is "wroker". Set all, api or worker.')
})

test('a problem with a secret does not print it', () => {
  const secret = 'hunter2'
  const found = problems({
    DATABASE_URL: `mysql://user:${secret}@db/x`,
    REDIS_URL: `http://:${secret}@cache`,
    SMTP_URL: `${secret}@mail`,
    SECRET_KEY: secret,
    SECRET_KEY_PREVIOUS: secret,
  })
  expect(Object.keys(found)).toHaveLength(6)
  expect(JSON.stringify(found)).not.toContain(secret)
})

test.each(['api', 'worker'])('a %s alone needs a shared database and a shared key', (role) => {
  expect(Object.keys(problems({ ROLE: role }))).toEqual(['DATABASE_URL', 'SECRET_KEY'])
  expect(problems({ ROLE: role, DATABASE_URL: 'postgres://db/x', SECRET_KEY: key(1) })).toEqual({})
})

test('a mail server needs a sender, former keys need a present one', () => {
  expect(Object.keys(problems({ SMTP_URL: 'smtp://mail' }))).toEqual(['MAIL_FROM'])
  expect(Object.keys(problems({ SECRET_KEY_PREVIOUS: key(1) }))).toEqual(['SECRET_KEY_PREVIOUS'])
})

test('the key file is made once, for us alone, and read again', () => {
  const home = join(folder, 'fresh')
  const made = readKeyFile(home)
  expect(made.current).toHaveLength(32)
  expect(readKeyFile(home)).toEqual(made)
  expect(statSync(join(home, 'secret.key')).mode & 0o777).toBe(0o600)
})

test('a damaged key file is refused and left as it is', () => {
  const home = join(folder, 'damaged')
  readKeyFile(home)
  writeFileSync(join(home, 'secret.key'), 'half')
  expect(() => readKeyFile(home)).toThrow('does not hold a key')
  expect(readFileSync(join(home, 'secret.key'), 'utf8')).toBe('half')
})
