/** Links that continue an answer: opaque to whoever receives them, a cookie of names and values to us. */
import { errors } from './errors.ts'

export type Cookie = Readonly<Record<string, string>>

export function writeCookie(cookie: Readonly<Record<string, string | number>>): string {
  const values = Object.entries(cookie).map(([name, value]) => `${name}="${value}"`)
  return `<cookie ${values.join(' ')} />`
}

export function readCookie(token: string): Cookie {
  const [, inner] = /^<cookie (.*) \/>$/s.exec(token) ?? []
  if (inner === undefined) throw errors.badRequest('Malformed XML in the paging cookie.')
  return Object.fromEntries([...inner.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]))
}

/** The address of a further page: the options of the call, with the given ones in place of its tokens. */
export function writeLink(
  address: string,
  query: ReadonlyMap<string, string>,
  tokens: Readonly<Record<string, string>>,
): string {
  const options = [...query].filter(([name]) => name !== '$skiptoken' && name !== '$deltatoken')
  const encode = ([name, value]: readonly [string, string]) => `${name}=${encodeURIComponent(value)}`
  return `${address}?${[...options, ...Object.entries(tokens)].map(encode).join('&')}`
}
