import { asSystem, type Tx } from '#src/database/database.ts'
import { refuseTaken } from '#src/database/uniqueness.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { Refused } from '#src/kernel/errors.ts'
import type { EventOf } from '#src/kernel/events.ts'
import { type ConnectionId, newId } from '#src/kernel/ids.ts'
import { findDestinations } from '../memory/destination-store.ts'
import { insertLinks } from '../memory/link-store.ts'
import { markDirty, type NewMark, releaseChildren } from '../memory/mark-store.ts'
import type { ConnectionsPort } from './engine.ts'

/** A link that a person asked for. */
export interface MadeLink {
  readonly entity: string
  readonly recordId: string
  readonly object: string
  readonly remoteId: string
}

interface Deps {
  readonly connections: Pick<ConnectionsPort, 'publishedMappings'> & {
    /** @throws NotFound */
    assertKnown(tx: Tx, id: ConnectionId): Promise<unknown>
  }
  /** Where deals go that are fixed to no connection, working or not; null while there is none. */
  homeByDefault(tx: Tx): Promise<ConnectionId | null>
  /** Tells the capabilities what became of their links, in the same transaction. */
  linksMade(tx: Tx, actor: Actor, connectionId: ConnectionId, links: readonly MadeLink[]): Promise<void>
  /** Rings once the unit of work has committed. */
  ring(tx: Tx): void
}

type Changed = EventOf<'record_changed'>
type DealChanged = Extract<Changed, { entity: 'deal' }>
type LinkRequest = EventOf<'link_requested'>
type Homed = Pick<DealChanged, 'connectionId'>

const keyOf = ({ entity, id }: { readonly entity: string; readonly id: string }): string => `${entity}:${id}`

/**
 * Turns changes of our records into dirty marks, in the transaction of the change. A linked record is marked where it is
 * linked, one that others wait for where they wait; a deal without a link is marked on the connection that it goes to,
 * where its inclusion decides.
 */
export function createDirtyHandlers({ connections, homeByDefault, linksMade, ring }: Deps) {
  return {
    onRecordChanged: (tx: Tx, _actor: Actor, events: readonly Changed[]): Promise<void> =>
      asSystem(tx, async (system) => {
        const known = events.filter(({ isNew = false }) => !isNew)
        const places = Map.groupBy(known.length > 0 ? await findDestinations(system, known) : [], keyOf)
        const goesHome = (event: Changed): event is DealChanged =>
          event.entity === 'deal' && !places.get(keyOf(event))?.some(({ linked }) => linked)
        const homeOf = await homesOf(system, events.filter(goesHome))
        const marks = events.flatMap((event): NewMark[] => {
          const there = (places.get(keyOf(event)) ?? []).map(({ connectionId }) => connectionId)
          const { entity, id, priority } = event
          const home = goesHome(event) ? homeOf(event) : null
          const all = home === null ? there : [...there, home]
          return all.map((connectionId) => ({ connectionId, entity, recordId: id, priority }))
        })
        if (marks.length === 0) return
        await markDirty(system, marks)
        ring(tx)
      }),

    /** Links to records that a person (or an imported history) chose, instead of creating. */
    onLinkRequested: (tx: Tx, actor: Actor, events: readonly LinkRequest[]): Promise<void> =>
      asSystem(tx, async (system) => {
        const placed = Map.groupBy(events, await homesOf(system, events))
        for (const [connectionId, requests] of placed) {
          if (connectionId !== null) await link(system, actor, connectionId, requests)
        }
        ring(tx)
      }),
  }

  /** Tells where each of these goes: to the connection that is fixed for it, or where deals go by default. */
  async function homesOf(tx: Tx, events: readonly Homed[]): Promise<(event: Homed) => ConnectionId | null> {
    const isOpen = events.some(({ connectionId }) => connectionId === null)
    const fallback = isOpen ? await homeByDefault(tx) : null
    return ({ connectionId }) => connectionId ?? fallback
  }

  async function link(
    tx: Tx,
    actor: Actor,
    connectionId: ConnectionId,
    requests: readonly LinkRequest[],
  ): Promise<void> {
    await connections.assertKnown(tx, connectionId)
    const objects = new Map(
      (await connections.publishedMappings(tx, connectionId)).map(({ entity, document }) => [
        entity,
        document.object,
      ]),
    )
    const links = requests.map(({ entity, id, remoteId }) => ({
      id: newId(),
      entity,
      recordId: id,
      object: objects.get(entity) ?? '',
      remoteId,
      state: 'active' as const,
      fields: {},
      keyWritten: false,
      writing: false,
    }))
    await insertLinks(tx, connectionId, links).catch(remoteTaken).catch(alreadyLinked)
    await linksMade(tx, actor, connectionId, links)
    const parents = requests.map(({ entity, id }) => `${entity}:${id}`)
    await releaseChildren(tx, connectionId, parents)
    await markDirty(
      tx,
      requests.map(({ entity, id, priority }) => ({ connectionId, entity, recordId: id, priority })),
    )
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
