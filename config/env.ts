/**
 * The settings of a process: the only reader of the environment. Read once at the start, checked as a whole, so that
 * whoever runs the service sees every mistake at once and in plain words. Must not start or connect anything.
 */
import { z } from 'zod'

export const processRoles = ['all', 'api', 'worker'] as const
/** `all`: one process does everything; `api` answers requests; `worker` does what happens behind them. */
export type ProcessRole = (typeof processRoles)[number]

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export interface Config {
  readonly role: ProcessRole
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Where people and webhooks reach us, without a slash at the end. */
  readonly publicUrl: string
  /** Whose X-Forwarded-For is believed: nobody, everybody, so many hops, or these addresses. */
  readonly trustProxy: boolean | number | readonly string[]
  /** Requests per minute and caller; 0 sets no limit. */
  readonly rateLimitPerMinute: number
  /** null starts the embedded PostgreSQL. */
  readonly databaseUrl: string | null
  /** null takes the default folder of the embedded PostgreSQL. */
  readonly dataFolder: string | null
  /** null rings the bell through PostgreSQL. */
  readonly redisUrl: string | null
  readonly logLevel: (typeof logLevels)[number]
  /** null keeps a key file in the data folder (see secret-keys.ts). */
  readonly secretKeys: SecretKeys | null
  /** null writes mails to the log. */
  readonly mail: { readonly smtpUrl: string; readonly from: string } | null
  /** How long a stop waits for what is in hand. */
  readonly shutdownMs: number
}

/** Keys of 32 bytes: `current` encrypts, all of them decrypt. */
export interface SecretKeys {
  readonly current: Buffer
  readonly previous: readonly Buffer[]
}

export interface ConfigIssue {
  readonly name: string
  /** What is wrong and what to set. Never holds the value of a secret. */
  readonly message: string
}

/** Thrown with all problems; the message lists them, one per line. */
export class ConfigError extends Error {
  readonly issues: readonly ConfigIssue[]
  constructor(issues: readonly ConfigIssue[]) {
    const lines = issues.map(({ name, message }) => `  ${name}: ${message}`)
    super(`The settings of this process are not usable:\n${lines.join('\n')}`)
    this.name = 'ConfigError'
    this.issues = issues
  }
}

/** A setting that cannot be used says `message`; what was given is quoted unless it may be a secret. */
const described = <T>(schema: z.ZodType<T, string>, message: string, secret = false) =>
  z
    .string()
    .optional()
    .transform((given, context): T | undefined => {
      if (given === undefined) return undefined
      const result = schema.safeParse(given)
      if (result.success) return result.data
      context.addIssue(secret ? message : `is "${given}". ${message}`)
      return z.NEVER
    })

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .pipe(z.int().min(least).max(most))

const keyBytes = 32
const secretKey = z
  .base64()
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((key) => key.length === keyBytes)

const list = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

const address = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])
const trustProxy = z.union([
  z.enum(['true', 'false']).transform((text) => text === 'true'),
  wholeNumber(1, 10),
  z.string().transform(list).pipe(z.array(address).min(1)),
])

const makeKey = 'Make one with: openssl rand -base64 32'
const settings = z.object({
  ROLE: described(z.enum(processRoles), 'Set all, api or worker.'),
  HOST: described(
    z.union([z.hostname(), z.ipv4(), z.ipv6()]),
    'Set the address to listen on: 127.0.0.1 for this machine only, 0.0.0.0 for all networks.',
  ),
  PORT: described(wholeNumber(0, 65_535), 'Set a whole number from 0 (any free port) to 65535.'),
  PUBLIC_URL: described(
    z
      .url({ protocol: /^https?$/ })
      .refine((text) => !/[?#]/.test(text))
      .transform((text) => text.replace(/\/+$/, '')),
    'Set the address under which people reach the service, for example https://partners.example.com.',
  ),
  TRUST_PROXY: described(
    trustProxy,
    'Set true, false, the number of proxies in front (1 to 10), or their addresses with commas between.',
  ),
  RATE_LIMIT_PER_MINUTE: described(
    wholeNumber(0, 1_000_000),
    'Set how many requests a caller may make per minute, 0 for no limit.',
  ),
  DATABASE_URL: described(
    z.url({ protocol: /^postgres(ql)?$/ }),
    'is not the URL of a PostgreSQL. Set postgres://user:password@host:5432/database, or leave it out for the embedded one.',
    true,
  ),
  DATA_FOLDER: described(
    z.string().refine((text) => !text.includes('\0')),
    'Set the path of a folder.',
  ),
  REDIS_URL: described(
    z.url({ protocol: /^rediss?$/ }),
    'is not the URL of a Redis. Set redis://host:6379, or leave it out to ring through PostgreSQL.',
    true,
  ),
  LOG_LEVEL: described(z.enum(logLevels), `Set one of: ${logLevels.join(', ')}.`),
  SECRET_KEY: described(secretKey, `is not ${keyBytes} bytes in base64. ${makeKey}`, true),
  SECRET_KEY_PREVIOUS: described(
    z.string().transform(list).pipe(z.array(secretKey)),
    `is not a list of keys of ${keyBytes} bytes in base64 with commas between. Set the keys that were in use before.`,
    true,
  ),
  SMTP_URL: described(
    z.url({ protocol: /^smtps?$/ }),
    'is not the URL of a mail server. Set smtp://user:password@host:587, or leave it out to write mails to the log.',
    true,
  ),
  MAIL_FROM: described(
    z.string().regex(/^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$/),
    'Set the sender of mails, for example "Partner team <partners@example.com>".',
  ),
  SHUTDOWN_SECONDS: described(
    wholeNumber(1, 3_600),
    'Set how many seconds (1 to 3600) a stop may wait for work in hand.',
  ),
})

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads and checks all settings; an empty one counts as not set.
 * @throws ConfigError with every problem
 */
export function readConfig(env: Environment = process.env): Config {
  const given = Object.fromEntries(
    Object.keys(settings.shape).flatMap((name) => {
      const value = env[name]?.trim()
      return value ? [[name, value]] : []
    }),
  )
  const result = settings.safeParse(given)
  const issues = [
    ...(result.error?.issues ?? []).map(({ path, message }) => ({ name: String(path[0]), message })),
    ...contradictions(given),
  ]
  if (!result.success || issues.length > 0) throw new ConfigError(issues)
  const read = result.data
  const host = read.HOST ?? '127.0.0.1'
  const port = read.PORT ?? 3000
  return {
    role: read.ROLE ?? 'all',
    host,
    port,
    publicUrl: read.PUBLIC_URL ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    trustProxy: read.TRUST_PROXY ?? false,
    rateLimitPerMinute: read.RATE_LIMIT_PER_MINUTE ?? 600,
    databaseUrl: read.DATABASE_URL ?? null,
    dataFolder: read.DATA_FOLDER ?? null,
    redisUrl: read.REDIS_URL ?? null,
    logLevel: read.LOG_LEVEL ?? 'info',
    secretKeys: read.SECRET_KEY
      ? { current: read.SECRET_KEY, previous: read.SECRET_KEY_PREVIOUS ?? [] }
      : null,
    mail: read.SMTP_URL && read.MAIL_FROM ? { smtpUrl: read.SMTP_URL, from: read.MAIL_FROM } : null,
    shutdownMs: (read.SHUTDOWN_SECONDS ?? 20) * 1_000,
  }
}

/** What a command needs to talk to a running service. */
export interface CommandConfig {
  readonly url: string
  readonly token: string | null
}

/** Reads COUNTERPART_URL (or this machine's default) and COUNTERPART_TOKEN, which no list of processes shows. */
export function readCommandConfig(env: Environment = process.env): CommandConfig {
  return {
    url: env['COUNTERPART_URL']?.trim() || 'http://127.0.0.1:3000',
    token: env['COUNTERPART_TOKEN']?.trim() || null,
  }
}

/** What is wrong between settings, whatever is wrong inside of them. */
function contradictions(given: Environment): ConfigIssue[] {
  const issues: ConfigIssue[] = []
  const split = given['ROLE'] === 'api' || given['ROLE'] === 'worker'
  if (split && !given['DATABASE_URL']) {
    issues.push({
      name: 'DATABASE_URL',
      message: `is needed with ROLE=${given['ROLE']}: the embedded PostgreSQL belongs to one process. Set it, or set ROLE=all.`,
    })
  }
  if (split && !given['SECRET_KEY']) {
    issues.push({
      name: 'SECRET_KEY',
      message: `is needed with ROLE=${given['ROLE']}: all processes must share one key. ${makeKey}`,
    })
  }
  if (given['SECRET_KEY_PREVIOUS'] && !given['SECRET_KEY']) {
    issues.push({
      name: 'SECRET_KEY_PREVIOUS',
      message: 'is of use only beside SECRET_KEY. Set the key in use now as SECRET_KEY.',
    })
  }
  if (given['SMTP_URL'] && !given['MAIL_FROM']) {
    issues.push({
      name: 'MAIL_FROM',
      message: 'is needed with SMTP_URL. Set the sender of mails, for example partners@example.com.',
    })
  }
  return issues
}
