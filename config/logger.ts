import { type DestinationStream, type Logger, type LoggerOptions, pino, stdSerializers } from 'pino'

export type { Logger } from 'pino'

const hidden = '[hidden]'
const secretName =
  /^(.*(authorization|password|passwd|secret|privatekey|apikey|cookie|credential)s?(pem|hash)?|.*(token|tokens|secretkey)|jwt|assertion|smtpurl|databaseurl|redisurl)$/
const deepest = 8

/** Words that give a secret away wherever they stand in a line: passwords in URLs, bearer tokens, our own tokens. */
const secretText: readonly (readonly [RegExp, string])[] = [
  [/(:\/\/[^\s:@/"]*):[^\s@/"]+@/g, `$1:${hidden}@`],
  [/\b(Bearer|Basic)\s+[\w.~+/-]+=*/gi, `$1 ${hidden}`],
  [/\bcp_[\w-]{16,}/g, `cp_${hidden}`],
  [/([?&](?:access_token|refresh_token|token|code|client_secret|signature)=)[^&\s"]+/gi, `$1${hidden}`],
]

const isSecretName = (name: string) => secretName.test(name.replaceAll(/[^a-z]/gi, '').toLowerCase())
const hideText = (line: string) =>
  secretText.reduce((text, [pattern, shown]) => text.replace(pattern, shown), line)

/** A copy of what is logged in which values under a secret's name are hidden, at any depth. */
function hideSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (depth > deepest) return '[too deep]'
  if (Buffer.isBuffer(value)) return `[${value.length} bytes]`
  if (Array.isArray(value)) return value.map((part) => hideSecrets(part, depth + 1))
  if (value instanceof Error) return hideSecrets(tellError(value), depth + 1)
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      isSecretName(name) && part !== null && part !== undefined && typeof part !== 'boolean'
        ? hidden
        : hideSecrets(part, depth + 1),
    ]),
  )
}

/** What an error says of itself. Drivers hang whole connections on theirs; those are left out. */
function tellError(error: Error): object {
  const told = Object.entries(stdSerializers.err(error)).filter(
    ([name, part]) =>
      typeof part !== 'object' || part === null || Array.isArray(part) || errorParts.includes(name),
  )
  return Object.fromEntries(told)
}
const errorParts = ['cause', 'details', 'data', 'aggregateErrors']

const asFields = (fields: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      isSecretName(name) ? hidden : isLive(value) ? value : hideSecrets(value),
    ]),
  )

/** Requests and answers of the HTTP server are left whole for the server's own serializers. */
const isLive = (value: unknown) =>
  typeof value === 'object' && value !== null && ('raw' in value || 'socket' in value)

export interface LoggerSettings {
  readonly level: LoggerOptions['level']
  /** Where lines go; the standard output when left out. */
  readonly destination?: DestinationStream
  /** Short lines for people instead of JSON. */
  readonly readable?: boolean
}

/** One JSON line per event, or short lines where a person looks on. What looks like a secret does not get out. */
export function createLogger({ level, destination, readable }: LoggerSettings): Logger {
  const forPeople = readable ?? (destination === undefined && process.stdout.isTTY === true)
  const out = destination ?? process.stdout
  return pino(
    {
      level: level ?? 'info',
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: asFields, bindings: asFields },
      serializers: {
        err: (error: unknown) => hideSecrets(error),
        error: (error: unknown) => hideSecrets(error),
      },
      hooks: { streamWrite: hideText },
    },
    forPeople ? { write: (line: string) => out.write(readableLine(line)) } : out,
  )
}

/** `12:30:05 warn  The text (name=value)`; a line that is not JSON passes as it is. */
export function readableLine(line: string): string {
  const entry = parseEntry(line)
  if (!entry) return line
  const { level, time, msg, err, ...rest } = entry
  const clock = typeof time === 'string' ? time.slice(11, 19) : ''
  const details = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const more = details.length > 0 ? ` (${details.join(', ')})` : ''
  const text = `${clock} ${String(level).padEnd(5)} ${msg === undefined ? '' : String(msg)}${more}\n`
  const stack =
    typeof err === 'object' && err !== null && 'stack' in err
      ? String(err.stack).replaceAll(/^/gm, '    ')
      : null
  return stack ? `${text}${stack}\n` : text
}

function parseEntry(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    return null
  }
}
