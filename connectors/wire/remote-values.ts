import type { RemoteValue } from '../connector.ts'

/** A single value; what holds several (an address, a location) is none. */
export const isRemoteValue = (value: unknown): value is RemoteValue =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value)
