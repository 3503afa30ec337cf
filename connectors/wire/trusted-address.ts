import { z } from 'zod'

/** A simulator on this machine. */
export const isLoopback = (address: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(new URL(address).hostname)

/** Tokens and secrets travel by https only, except to a loopback address. */
export const isTrustedAddress = (address: string): boolean =>
  URL.canParse(address) && (new URL(address).protocol === 'https:' || isLoopback(address))

/** An address that credentials are sent to; what follows its host is cut off. */
export const originSchema = z
  .string()
  .refine(isTrustedAddress, 'must be an https address')
  .transform((address) => new URL(address).origin)
