/** What releasing and trying mappings asks of the links; see the connections capability. */
import type { ReferenceLookup, SampleLinks } from '#src/connections/mapping-trial-use-cases.ts'
import { linksOfRecords, linksToRemotes, newestLinks } from '../memory/link-store.ts'

export { markLinked } from '../memory/mark-store.ts'

/** Active links, the newest first; of these records if `ids` is given. */
export const sampleLinks: SampleLinks = (tx, connectionId, entity, { limit, ids }) =>
  newestLinks(tx, connectionId, entity, limit, ids ?? null)

/** Everything at once that values of tried records name, answered as the mapping expects it. */
export const referenceLookup: ReferenceLookup = async (tx, connectionId, { locals, remotes }) => {
  const remoteIds = new Map<string, string | null>()
  for (const entity of new Set(locals.map((local) => local.entity))) {
    const ids = locals.filter((local) => local.entity === entity).map(({ id }) => id)
    for (const link of (await linksOfRecords(tx, connectionId, entity, ids)).values()) {
      remoteIds.set(`${entity}:${link.recordId}`, link.state === 'active' ? link.remoteId : null)
    }
  }
  const links = await linksToRemotes(
    tx,
    connectionId,
    remotes.map(({ remoteId }) => remoteId),
  )
  const recordIds = new Map<string, string>()
  for (const { entity, remoteId, recordId } of links) {
    const key = `${entity}:${remoteId}`
    if (!recordIds.has(key)) recordIds.set(key, recordId)
  }
  return {
    toRemoteId: (entity, id) => remoteIds.get(`${entity}:${id}`) ?? null,
    toLocalId: (entity, remoteId) => recordIds.get(`${entity}:${remoteId}`),
  }
}
