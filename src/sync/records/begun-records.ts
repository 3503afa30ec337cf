import { syncActor } from '../ground/engine.ts'
import { urlOf } from '../ground/workspace.ts'
import { type Link, type LinkChange, updateLinks } from '../memory/link-store.ts'
import { releaseChildren } from '../memory/mark-store.ts'
import { type FieldMemory, settleWritten } from '../memory/merge.ts'
import { assertLease } from '../memory/slot-store.ts'
import type { Item, Round } from './round.ts'

/** An item whose creation was begun before. */
export interface BegunItem extends Item {
  readonly link: Link
}

/**
 * What was begun may be over there already: its answer was lost, or the process that waited for it has died. Writing it
 * again would be harmless only if nobody had worked on it meanwhile. So it is looked for by our key first; what is there
 * is linked with the values that it was created with, and its mark stays, so that the next round reads and merges it.
 * @returns the items that are not there
 */
export async function linkBegun(round: Round, items: readonly BegunItem[]): Promise<readonly Item[]> {
  const { workspace, mapped, lease, signal } = round
  const { connector, connection, engine } = workspace
  const { object, keyField } = mapped.mapping.document
  const unsettled = items.filter(({ link }) => Object.values(link.fields).some(isUnsettled))
  if (unsettled.length === 0) return items
  const keys = unsettled.map(({ mark }) => mark.recordId)
  const records = await connector.find(object, keyField, keys, [keyField], signal)
  // These are looked at once more: nobody will ever write them again.
  const isOfCreation = (name: string) => mapped.mapping.byName.get(name)?.line.flow === 'create'
  const remoteIds = new Map(records.map(({ id, fields }) => [String(fields[keyField]), id]))
  const found = unsettled.flatMap(({ mark, link }) => {
    const remoteId = remoteIds.get(mark.recordId)
    return remoteId === undefined ? [] : [{ recordId: mark.recordId, link, remoteId }]
  })
  if (found.length === 0) return items
  await engine.database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    await updateLinks(
      tx,
      found.map(
        ({ link, remoteId }): LinkChange => ({
          id: link.id,
          state: 'active',
          remoteId,
          keyWritten: true,
          fields: Object.fromEntries(
            Object.entries(link.fields).map(([name, memory]) => [
              name,
              isOfCreation(name) ? memory : settleLast(memory),
            ]),
          ),
        }),
      ),
    )
    await engine.linksChanged(
      tx,
      syncActor,
      found.map(({ recordId, remoteId }) => ({
        entity: mapped.name,
        recordId,
        connectionId: connection.id,
        state: 'active' as const,
        remoteId,
        url: urlOf(workspace, object, remoteId),
      })),
    )
    const parents = found.map(({ recordId }) => `${mapped.name}:${recordId}`)
    await releaseChildren(tx, connection.id, parents)
  })
  return items.filter(({ mark }) => !remoteIds.has(mark.recordId))
}

const isUnsettled = ({ sent = [] }: FieldMemory): boolean => sent.length > 0

/** Should an earlier try be the one that arrived, its values are known as sent, and seeing them settles it. */
function settleLast(memory: FieldMemory): FieldMemory {
  const last = memory.sent?.at(-1)
  return last ? settleWritten(memory, last.at) : memory
}
