import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { SecretKeys } from './env.ts'

export const keyFileName = 'secret.key'
const keyBytes = 32

/**
 * The key of an installation without SECRET_KEY: a file in the data folder, made on first use, readable by us alone.
 * Losing it loses the secrets of all connections, so a backup takes it along.
 * @throws Error in plain words when it cannot be made, or is there and holds no key (a new one would not open what is stored)
 */
export function readKeyFile(folder: string): SecretKeys {
  const file = join(folder, keyFileName)
  const text = read(file) ?? createOrSay(file)
  const current = Buffer.from(text.trim(), 'base64')
  if (current.length !== keyBytes) {
    throw new Error(
      `${file} does not hold a key of ${keyBytes} bytes in base64. Put the right file back from a backup, or set SECRET_KEY.`,
    )
  }
  return { current, previous: [] }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

function createOrSay(file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true })
    return create(file)
  } catch (cause) {
    throw new Error(
      `The key file ${file} cannot be made (${cause instanceof Error ? cause.message : String(cause)}). ` +
        'Set SECRET_KEY (openssl rand -base64 32 makes one), or DATA_FOLDER to a folder that this account may write to.',
      { cause },
    )
  }
}

/** A link never replaces: of two processes at once one makes the key, the other reads it, and none reads half of it. */
function create(file: string): string {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${randomBytes(keyBytes).toString('base64')}\n`, { mode: 0o600 })
  try {
    linkSync(draft, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8')
}
