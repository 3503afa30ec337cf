import type { Connector } from '#connectors/connector.ts'
import { type CompiledLine, compileMapping, type Mapping, remoteFieldsOf } from '#mappings/apply.ts'
import { type MappingLine, remotesOf } from '#mappings/document.ts'
import type { MappingContext } from '#mappings/transforms/transform.ts'
import type { Tx } from '#src/database/database.ts'
import type { SyncedEntity } from '#src/kernel/synced-entity.ts'
import { creationHolds } from '../memory/creation-hold-store.ts'
import { receivingDocument } from '../memory/home.ts'
import { type Link, linksOfRecords, linksToRemotes } from '../memory/link-store.ts'
import type { FieldMemory } from '../memory/merge.ts'
import type { RemoteUser } from '../memory/remote-user-store.ts'
import { type Engine, type SyncConnection, syncActor } from './engine.ts'

/** One entity on one connection: its published mapping, without the fields that are in quarantine. */
export interface MappedEntity {
  readonly name: string
  readonly versionId: string
  readonly mapping: Mapping
  /** The same for records that are at home on another connection. */
  readonly receiving: Mapping
  readonly entity: SyncedEntity<Tx>
  /** Lines that rest, and the fields of the CRM for whose sake they do. */
  readonly resting: readonly { readonly remoteField: string; readonly lines: readonly MappingLine[] }[]
  /** Why no new records of it can be made over there at present; null while they can. */
  readonly creationsHeld: string | null
  /** A person lets it rest: what changes is taken in and remembered, nothing is merged or written. */
  readonly isPaused: boolean
  /** Remote fields to read: all that its object is read for, so that every reading of a record says the same of it. */
  readonly fields: readonly string[]
  /** Lines that name another synced entity: line, remote field, entity. */
  readonly references: readonly { readonly line: string; readonly remote: string; readonly entity: string }[]
}

/** Does the line read or write this field of the CRM? */
export const usesField = (line: MappingLine, remoteField: string): boolean =>
  remotesOf(line).includes(remoteField) || line.skipWhen?.remote === remoteField

/** What a link remembers of a line. What it remembers of another field over there says nothing about this one. */
export function memoryOf(link: Pick<Link, 'fields'> | null, { name, line }: CompiledLine): FieldMemory {
  const [remote] = remotesOf(line)
  const memory = link?.fields[name]
  return memory && (memory.remote === undefined || memory.remote === remote)
    ? { ...memory, remote }
    : { remote }
}

/** Everything a round of work on one connection needs, read once at its start. */
export interface Workspace {
  readonly engine: Engine
  readonly connection: SyncConnection
  readonly connector: Connector
  /** Parents before their children. */
  readonly entities: readonly MappedEntity[]
  readonly byName: ReadonlyMap<string, MappedEntity>
}

export async function openWorkspace(engine: Engine, connection: SyncConnection): Promise<Workspace> {
  const connector = await engine.connectors.connectorFor(connection)
  const { mappings, paused, quarantined, holds } = await engine.database.transact(syncActor, async (tx) => ({
    mappings: await engine.connections.publishedMappings(tx, connection.id),
    paused: await engine.connections.pausedMappings(tx, connection.id),
    quarantined: await engine.connections.quarantinedFields(tx, connection.id),
    holds: await creationHolds(tx, connection.id),
  }))
  const entities = mappings.flatMap((published): MappedEntity[] => {
    const entity = engine.entities.get(published.entity)
    if (!entity) return []
    const resting = new Set(
      quarantined.filter((field) => field.entity === published.entity).map(({ remoteField }) => remoteField),
    )
    const fields = published.document.fields.filter(
      (line) => ![...resting].some((remoteField) => usesField(line, remoteField)),
    )
    const document = { ...published.document, fields }
    const mapping = compileMapping(document)
    const references = mapping.lines.flatMap(({ name, line, transform }) =>
      transform.refersTo ? [{ line: name, remote: remotesOf(line)[0], entity: transform.refersTo }] : [],
    )
    return [
      {
        name: published.entity,
        versionId: published.versionId,
        mapping,
        receiving: compileMapping(receivingDocument(document)),
        entity,
        resting: [...resting].map((remoteField) => ({
          remoteField,
          lines: published.document.fields.filter((line) => usesField(line, remoteField)),
        })),
        isPaused: paused.some((pause) => pause.entity === published.entity),
        creationsHeld: holds.find((hold) => hold.entity === published.entity)?.reason ?? null,
        fields: remoteFieldsOf(mapping, connection),
        references,
      },
    ]
  })
  const ordered = entities
    .map((one) => ({ ...one, fields: fieldsOfObject(one, entities) }))
    .sort((a, b) => a.references.length - b.references.length || (a.name < b.name ? -1 : 1))
  return {
    engine,
    connection,
    connector,
    entities: ordered,
    byName: new Map(ordered.map((one) => [one.name, one])),
  }
}

const objectOf = ({ mapping }: MappedEntity): string => mapping.document.object

/** Entities whose counterparts are records of the same object, such as customers and partners. */
export const sharingObject = (one: MappedEntity, entities: readonly MappedEntity[]): MappedEntity[] =>
  entities.filter((other) => objectOf(other) === objectOf(one))

const fieldsOfObject = (one: MappedEntity, entities: readonly MappedEntity[]): string[] => [
  ...new Set(sharingObject(one, entities).flatMap(({ fields }) => fields)),
]

/** Deep link for people to a record of the CRM. */
export function urlOf(
  { connection, connector }: Pick<Workspace, 'connection' | 'connector'>,
  object: string,
  remoteId: string | null,
): string | null {
  if (connection.instanceUrl === null || remoteId === null) return null
  return new URL(connector.traits.recordPath(object, remoteId), connection.instanceUrl).href
}

/** Remote ids and record ids of linked records, loaded for the values at hand, so that mapping stays pure. */
export interface Lookup {
  /** Adds the links of these records. */
  addRecords(tx: Tx, entity: string, recordIds: readonly string[]): Promise<void>
  addRemotes(tx: Tx, remoteIds: readonly string[]): Promise<void>
  /** People over there; without an id: there is nobody of that address. */
  addUsers(object: string, users: readonly RemoteUser[]): void
  knowsUser(object: string, email: string): boolean
  readonly context: MappingContext
}

export function createLookup({ connection, byName }: Workspace): Lookup {
  const toRemote = new Map<string, string | null>()
  const toLocal = new Map<string, string>()
  const users = new Map<string, RemoteUser>()
  const emails = new Map<string, string>()
  const keyOf = (object: string, name: string) => `${object}:${name}`
  return {
    async addRecords(tx, entity, recordIds) {
      const unknown = [...new Set(recordIds)].filter((id) => !toRemote.has(`${entity}:${id}`))
      if (unknown.length === 0) return
      const links = await linksOfRecords(tx, connection.id, entity, unknown)
      for (const id of unknown) {
        const link = links.get(id)
        toRemote.set(`${entity}:${id}`, link?.state === 'active' ? link.remoteId : null)
      }
    },
    async addRemotes(tx, remoteIds) {
      if (remoteIds.length === 0) return
      for (const link of await linksToRemotes(tx, connection.id, [...new Set(remoteIds)])) {
        const key = `${link.entity}:${link.remoteId}`
        if (!toLocal.has(key)) toLocal.set(key, link.recordId)
      }
    },
    addUsers(object, known) {
      for (const user of known) {
        users.set(keyOf(object, user.email), user)
        if (user.remoteId !== null) emails.set(keyOf(object, user.remoteId), user.email)
      }
    },
    knowsUser: (object, email) => users.has(keyOf(object, email)),
    context: {
      users: {
        idOf(object, email) {
          const user = users.get(keyOf(object, email.toLowerCase()))
          return user?.active ? user.remoteId : null
        },
        emailOf: (object, id) => emails.get(keyOf(object, id)) ?? null,
      },
      multiCurrency: connection.multiCurrency,
      homeCurrency: connection.homeCurrency,
      timeZone: connection.timeZone,
      toRemoteId: (entity, id) =>
        // What has no counterpart, or lost it, is waited for: a person links it, or the mapping takes it in.
        byName.has(entity) ? (toRemote.get(`${entity}:${id}`) ?? null) : undefined,
      toLocalId: (entity, remoteId) => toLocal.get(`${entity}:${remoteId}`),
    },
  }
}
