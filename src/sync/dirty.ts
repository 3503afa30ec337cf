import { asSystem, type Tx } from '#src/database/database.ts'
import { refuseTaken } from '#src/database/uniqueness.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { EventOf } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { findDestinations } from './destination-store.ts'
import type { ConnectionsPort } from './engine.ts'
import { insertLinks } from './link-store.ts'
import { markDirty, type NewMark, releaseChildren } from './mark-store.ts'

interface Deps {
  readonly connections: Pick<ConnectionsPort, 'homeOfDeals' | 'publishedMappings'>
  /** Rings once the unit of work has committed. */
  ring(tx: Tx): void
}

type Changed = EventOf<'record_changed'>

const keyOf = ({ entity, id }: { readonly entity: string; readonly id: string }): string => `${entity}:${id}`

/**
 * Turns changes of our records into dirty marks, in the transaction of the change. A linked record is marked where it is
 * linked, one that others wait for where they wait; a deal without a link is marked on the connection that deals go to,
 * where its inclusion decides.
 */
export function createDirtyHandlers({ connections, ring }: Deps) {
  return {
    onRecordChanged: (tx: Tx, _actor: Actor, events: readonly Changed[]): Promise<void> =>
      asSystem(tx, async (system) => {
        const known = events.filter(({ isNew = false }) => !isNew)
        const places = Map.groupBy(known.length > 0 ? await findDestinations(system, known) : [], keyOf)
        const goesHome = (event: Changed): boolean =>
          event.entity === 'deal' && !places.get(keyOf(event))?.some(({ linked }) => linked)
        const home = events.some(goesHome) ? await connections.homeOfDeals(system) : null
        const marks = events.flatMap((event): NewMark[] => {
          const there = (places.get(keyOf(event)) ?? []).map(({ connectionId }) => connectionId)
          const all = home !== null && goesHome(event) ? [...there, home] : there
          const { entity, id, priority } = event
          return all.map((connectionId) => ({ connectionId, entity, recordId: id, priority }))
        })
        if (marks.length === 0) return
        await markDirty(system, marks)
        ring(tx)
      }),

    /** Links to records that a person (or an imported history) chose, instead of creating. */
    onLinkRequested: (tx: Tx, _actor: Actor, events: readonly EventOf<'link_requested'>[]): Promise<void> =>
      asSystem(tx, async (system) => {
        const home = await connections.homeOfDeals(system)
        if (home === null) return
        const objects = new Map(
          (await connections.publishedMappings(system, home)).map(({ entity, document }) => [
            entity,
            document.object,
          ]),
        )
        await insertLinks(
          system,
          home,
          events.map(({ entity, id, remoteId }) => ({
            id: newId(),
            entity,
            recordId: id,
            object: objects.get(entity) ?? '',
            remoteId,
            state: 'active' as const,
            fields: {},
            keyWritten: false,
            writing: false,
          })),
        )
          .catch(remoteTaken)
          .catch(alreadyLinked)
        await releaseChildren(
          system,
          home,
          events.map(({ entity, id }) => `${entity}:${id}`),
        )
        await markDirty(
          system,
          events.map(({ entity, id, priority }) => ({ connectionId: home, entity, recordId: id, priority })),
        )
        ring(tx)
      }),
  }
}

const remoteTaken = refuseTaken(
  'link_deal_remote',
  new Refused('remote_taken', 'Another deal is linked to this record of the CRM'),
)
const alreadyLinked = refuseTaken(
  'link_record',
  new Refused('already_linked', 'This record is linked to the CRM already; retire that link first'),
)
