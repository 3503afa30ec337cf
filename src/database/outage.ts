import pg from 'pg'
import { LostRace } from './database.ts'

/** `away`: nobody answers, or not to us; `busy`: it gave up waiting for others and undid the unit of work. */
export type Outage = 'away' | 'busy'

/** Of a connection that was there; whatever goes wrong while making one counts anyway. */
const socketErrors: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])
const connecting: ReadonlySet<unknown> = new Set(['connect', 'getaddrinfo'])
/** How the driver says that a connection ended or never came to be; it gives these errors no code. */
const lostConnection =
  /^(Connection terminated|timeout exceeded when trying to connect|Client (was closed|has encountered a connection error))/

/** Connection, sign-in, resources, shutting down, its files, or a copy that only reads. */
const codesOfAway = /^(08|28|3D|53|57P|58|25006)/
/** Serialisation, deadlock, and the time limits of locks, statements and idle transactions. */
const codesOfBusy = /^(40001|40P01|55P03|57014|25P03)$/

/**
 * Whether a unit of work failed because the database was not there or too busy. That passes, and nothing was changed,
 * unless the connection broke during the commit itself. null: any other error.
 */
export function outageOf(error: unknown): Outage | null {
  if (!(error instanceof Error)) return null
  if (error instanceof LostRace) return 'busy'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error instanceof pg.DatabaseError) {
    if (codesOfBusy.test(code)) return 'busy'
    return codesOfAway.test(code) ? 'away' : null
  }
  if (error instanceof AggregateError) return error.errors.some(outageOf) ? 'away' : null
  if ('syscall' in error && connecting.has(error.syscall)) return 'away'
  return socketErrors.has(code) || lostConnection.test(error.message) ? 'away' : null
}
