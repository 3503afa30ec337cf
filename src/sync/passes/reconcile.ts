import { ConnectorFault } from '#connectors/fault.ts'
import { isIncluded } from '#mappings/apply.ts'
import type { Tx } from '#src/database/database.ts'
import type { Priority } from '#src/kernel/events.ts'
import { type Engine, leastUrgent, type SyncConnection, syncActor } from '../ground/engine.ts'
import {
  createLookup,
  type Lookup,
  type MappedEntity,
  openWorkspace,
  type Workspace,
} from '../ground/workspace.ts'
import { hasHome } from '../memory/home.ts'
import { settleHomes } from '../memory/home-store.ts'
import { endAbandonedWrites, linksOfRecords, retiredRecords } from '../memory/link-store.ts'
import { type Mark, ofOneUrgency, readyMarks, settleMarks } from '../memory/mark-store.ts'
import { giveBackLease, type Lease, LeaseLost, renewLease, takeLease } from '../memory/slot-store.ts'
import { createRecords } from '../records/create-records.ts'
import { dealEntity } from '../records/intake.ts'
import { partRecords } from '../records/parting.ts'
import type { Linked } from '../records/record-merge.ts'
import { lookUpPeople } from '../records/remote-users.ts'
import { type Item, RecordMoved, type Round } from '../records/round.ts'
import { ConnectionHalted, haltOn } from '../records/send.ts'
import { updateRecords } from '../records/update-records.ts'

/** Records per round: several full write batches, so that a partly filled one stays the exception. */
const roundSize = 1_000
const mostRounds = 10_000

/**
 * Works off what is dirty on one connection: parents before children, the urgent before the bulk. One worker at a time
 * holds the connection (its lease serves both directions); whatever ends it, marks and memories let the next one go on.
 * @returns when it is of use to go on, where the CRM, or our own limits, stopped it for a time
 */
export async function reconcileConnection(
  engine: Engine,
  connection: SyncConnection,
  signal: AbortSignal,
): Promise<Date | null> {
  const lease = await takeLease(engine.database, connection.id, 'reconcile')
  if (!lease) return null
  try {
    await engine.database.transact(syncActor, (tx) => endAbandonedWrites(tx, connection.id))
    await workOff(await openWorkspace(engine, connection), lease, signal)
    return null
  } catch (error) {
    if (error instanceof ConnectionHalted || error instanceof LeaseLost || error instanceof RecordMoved) {
      engine.logger.warn(
        { connection: connection.name, reason: error.message },
        'sync of a connection stopped',
      )
      return error instanceof ConnectionHalted ? error.until : null
    }
    throw error
  } finally {
    await giveBackLease(engine.database, lease)
  }
}

async function workOff(workspace: Workspace, lease: Lease, signal: AbortSignal): Promise<void> {
  for (let rounds = 0; rounds < mostRounds; rounds += 1) {
    let worked = false
    for (const mapped of workspace.entities) {
      if (signal.aborted) return
      if (mapped.isPaused) continue
      worked = (await workRound({ workspace, mapped, lease, signal })) || worked
    }
    if (!worked) return
  }
}

/** The same round with calls that leave room for what is more urgent. */
async function atUrgency(round: Round, urgency: Priority): Promise<Round> {
  const { workspace } = round
  if (urgency === 'live') return round
  const connector = await workspace.engine.connectors.connectorFor(workspace.connection, urgency)
  return { ...round, workspace: { ...workspace, connector } }
}

/** @returns whether anything was done; what only waits for company does not count */
async function workRound(round: Round): Promise<boolean> {
  const { workspace, mapped, lease } = round
  const { engine, connection } = workspace
  await renewLease(engine.database, lease)
  const lookup = createLookup(workspace)
  const { batch } = workspace.connector.traits
  const { marks, urgency, items, idle, homes } = await engine.database.transact(syncActor, async (tx) => {
    const ready = await readyMarks(tx, connection.id, mapped.name, {
      batch: batch.update,
      most: roundSize,
      least: leastUrgent(engine, connection.id),
    })
    const { marks, urgency } = ofOneUrgency(ready, batch.update)
    if (marks.length === 0) return { marks, urgency, items: [], idle: [], homes: new Map<string, string>() }
    const ids = marks.map(({ recordId }) => recordId)
    const links = await linksOfRecords(tx, connection.id, mapped.name, ids)
    const locals = await mapped.entity.load(tx, ids)
    const retired = await retiredRecords(
      tx,
      connection.id,
      mapped.name,
      ids.filter((id) => !links.has(id)),
    )
    const elsewhere = await dealsElsewhere(
      tx,
      round,
      ids.filter((id) => !links.has(id)),
    )
    const idle: Mark[] = []
    const items: Item[] = []
    for (const mark of marks) {
      const local = locals.get(mark.recordId)
      const link = links.get(mark.recordId) ?? null
      const isOurs = !retired.has(mark.recordId) && !elsewhere.has(mark.recordId)
      if (local && isOurs && isWork(mapped, { mark, link, local })) items.push({ mark, link, local })
      else idle.push(mark)
    }
    await settleMarks(tx, connection.id, mapped.name, idle)
    for (const { line, entity } of mapped.references) {
      const values = items.flatMap(({ local }) =>
        typeof local.fields[line] === 'string' ? [local.fields[line]] : [],
      )
      await lookup.addRecords(tx, entity, values)
    }
    const homes = hasHome(mapped.name)
      ? await settleHomes(
          tx,
          mapped.name,
          items.map(({ mark }) => mark.recordId),
        )
      : new Map<string, string>()
    return { marks, urgency, items, idle, homes }
  })
  if (marks.length === 0) return false
  const isAway = ({ mark }: Item) => (homes.get(mark.recordId) ?? connection.id) !== connection.id
  const going = await atUrgency(round, urgency)
  const away = { ...going, mapped: { ...mapped, mapping: mapped.receiving } }
  try {
    const atHome = await workItems(
      going,
      items.filter((item) => !isAway(item)),
      lookup,
    )
    const elsewhere = await workItems(away, items.filter(isAway), lookup)
    return atHome + elsewhere < items.length || idle.length > 0
  } catch (error) {
    if (error instanceof ConnectorFault) return haltOn(round, error)
    throw error
  }
}

/** Of these deals without a link, those that go to another connection, whatever they were marked for before. */
async function dealsElsewhere(
  tx: Tx,
  { workspace, mapped }: Round,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (mapped.name !== dealEntity || ids.length === 0) return new Set()
  const homes = await workspace.engine.homesOfDeals(tx, ids)
  return new Set(ids.filter((id) => homes.get(id) !== workspace.connection.id))
}

/** @returns how many wait for company, since they would not fill a batch */
async function workItems(round: Round, items: readonly Item[], lookup: Lookup): Promise<number> {
  const isActive = (item: Item): item is Linked =>
    item.link?.state === 'active' && item.link.remoteId !== null
  await lookUpPeople(round, items, lookup)
  const parting = items.filter(({ link }) => link?.state === 'moving')
  await partRecords(round, parting)
  const creating = await createRecords(
    round,
    items.filter((item) => !isActive(item) && !parting.includes(item)),
    lookup,
  )
  return creating + (await updateRecords(round, items.filter(isActive), lookup))
}

/** What is linked stays in step whatever the inclusion says; what is not is made only where it is included. */
function isWork({ mapping }: MappedEntity, { link, local }: Item): boolean {
  if (link === null) return isIncluded(mapping, local)
  return link.state === 'active' || link.state === 'creating' || link.state === 'moving'
}
