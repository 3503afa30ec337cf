/** A call to the Web API and its answer, as handlers see them: no HTTP, no faults, and the parts of a batch alike. */
import { DataverseError, errors } from './errors.ts'
import type { Operation } from './faults.ts'
import { readPath, type Segment } from './odata-path.ts'
import type { SaveContext } from './saves.ts'

export interface ApiCall {
  readonly method: string
  readonly segments: readonly Segment[]
  /** Query options by name, decoded. */
  readonly query: ReadonlyMap<string, string>
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly prefer: ReadonlyMap<string, string>
  readonly body: unknown
  readonly save: SaveContext
  /** Throws where a fault strikes this record of the call. */
  strikeRecord(operation: Operation, object: string): void
  /** Whether this is a part of a change set, which may not read. */
  readonly inChangeSet: boolean
}

export interface ApiAnswer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Records carried, for the call log. */
  readonly records?: number
}

/** What a call is about, for faults and the log, and how it is answered. */
export interface Plan {
  readonly operation: Operation
  readonly object: string | null
  readonly handle: (call: ApiCall) => ApiAnswer
}

export const apiPath = '/api/data/v9.2'

/** `return=representation, odata.maxpagesize=500, odata.include-annotations="*"` */
export function readPrefer(header: string | undefined): ReadonlyMap<string, string> {
  const prefer = new Map<string, string>()
  const pattern = /\s*([\w.-]+)\s*(?:=\s*(?:"([^"]*)"|([^,;\s]*)))?\s*(?:[,;]|$)/gy
  for (const [, name = '', quoted, bare] of (header ?? '').matchAll(pattern)) {
    prefer.set(name.toLowerCase(), quoted ?? bare ?? '')
  }
  return prefer
}

export function readQueryOptions(query: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  for (const part of query.split('&')) {
    if (part === '') continue
    const [name = '', ...value] = part.split('=')
    const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
    try {
      options.set(decode(name), decode(value.join('=')))
    } catch {
      throw errors.badRequest('Bad Request - Error in query syntax.')
    }
  }
  return options
}

/** Splits an address below the version; parameter aliases of functions stand in the query. */
export function readAddress(url: string): {
  readonly segments: readonly Segment[]
  readonly query: ReadonlyMap<string, string>
} {
  const [path = '', ...rest] = url.split('?')
  const query = readQueryOptions(rest.join('?'))
  const aliases = new Map([...query].filter(([name]) => name.startsWith('@')))
  return { segments: readPath(path, aliases), query }
}

export function refuseUnknownOptions(query: ReadonlyMap<string, string>, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (!name.startsWith('$') || known.includes(name)) continue
    throw new DataverseError(400, '0x80060888', `The query parameter ${name} is not supported.`)
  }
}
