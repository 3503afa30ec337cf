import type { RemoteRecord } from '#connectors/connector.ts'
import type { Mapping } from '#mappings/apply.ts'
import type { MappingContext } from '#mappings/transforms/transform.ts'
import type { LocalRecord } from '#src/kernel/synced-entity.ts'
import type { Connection } from './connection.ts'

/** Records that values name: ours whose remote id is asked for, and theirs whose id of ours is. */
export interface ReferencePairs {
  readonly locals: readonly { readonly entity: string; readonly id: string }[]
  readonly remotes: readonly { readonly entity: string; readonly remoteId: string }[]
}

/** Answers as `MappingContext` states: null is not linked yet, undefined never will be. */
export type References = Pick<MappingContext, 'toRemoteId' | 'toLocalId'>

/** What a connection knows and a mapping cannot say. */
export const mappingContext = (
  { multiCurrency, homeCurrency, timeZone }: Pick<Connection, 'multiCurrency' | 'homeCurrency' | 'timeZone'>,
  references: References,
): MappingContext => ({ multiCurrency, homeCurrency, timeZone, ...references })

/** Everything that translating these records will ask for, so that it is looked up at once. */
export function collectReferences(
  mappings: readonly Mapping[],
  records: readonly {
    readonly here: Pick<LocalRecord, 'fields'>
    readonly there: Pick<RemoteRecord, 'fields'>
  }[],
): ReferencePairs {
  const lines = mappings.flatMap((mapping) =>
    mapping.lines.flatMap(({ name, names, transform }) =>
      transform.refersTo === undefined ? [] : [{ name, remote: names.remote[0], entity: transform.refersTo }],
    ),
  )
  const asked = records.flatMap(({ here, there }) =>
    lines.map(({ name, remote, entity }) => ({
      entity,
      id: here.fields[name],
      remoteId: there.fields[remote],
    })),
  )
  return {
    locals: asked.flatMap(({ entity, id }) => (typeof id === 'string' && id ? [{ entity, id }] : [])),
    remotes: asked.flatMap(({ entity, remoteId }) =>
      typeof remoteId === 'string' && remoteId ? [{ entity, remoteId }] : [],
    ),
  }
}
