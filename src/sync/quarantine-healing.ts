import type { RemoteField } from '#connectors/connector.ts'
import { flowsOut, type MappingLine, remotesOf } from '#mappings/document.ts'
import { syncActor } from './engine.ts'
import { markLinked } from './mark-store.ts'
import { takeLease } from './slot-store.ts'
import type { MappedEntity, Workspace } from './workspace.ts'

/** A field that had come back and was refused again is not tried anew before this. */
const secondTryMs = 10 * 60_000

/**
 * Looks whether fields that rest are back, at most once a minute over all workers. One that is works again, and all
 * linked records are compared anew, so that what was missed catches up.
 */
export async function healFields(workspace: Workspace, signal: AbortSignal): Promise<void> {
  const { connection, connector, engine } = workspace
  const resting = workspace.entities.filter(({ resting }) => resting.length > 0)
  // The lease is left to run out: it is what makes this rare.
  if (resting.length === 0 || !(await takeLease(engine.database, connection.id, 'heal'))) return
  const described = new Map<string, ReadonlyMap<string, RemoteField>>()
  for (const mapped of resting) {
    const { object } = mapped.mapping.document
    const fields =
      described.get(object) ??
      new Map((await connector.describe(object, signal)).map((field) => [field.name, field]))
    described.set(object, fields)
    await release(
      workspace,
      mapped,
      mapped.resting.filter(({ remoteField, lines }) => isBack(fields.get(remoteField), remoteField, lines)),
    )
  }
}

async function release(
  { connection, engine }: Workspace,
  { name }: MappedEntity,
  back: MappedEntity['resting'],
): Promise<void> {
  const released: string[] = []
  for (const { remoteField } of back) {
    const mayTry = await takeLease(
      engine.database,
      connection.id,
      `release ${name} ${remoteField}`,
      secondTryMs,
    )
    if (mayTry) released.push(remoteField)
  }
  if (released.length === 0) return
  await engine.database.transact(syncActor, async (tx) => {
    for (const remoteField of released)
      await engine.connections.releaseField(tx, connection.id, name, remoteField)
    await markLinked(tx, connection.id, name, 'repair')
  })
}

/** There, and writable wherever a line writes it. */
function isBack(field: RemoteField | undefined, name: string, lines: readonly MappingLine[]): boolean {
  if (!field) return false
  const writing = lines.filter((line) => flowsOut(line.flow) && remotesOf(line).includes(name))
  return writing.every(({ flow }) => (flow === 'create' ? field.creatable : field.writable))
}
