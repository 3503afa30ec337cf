import type { RemoteField } from '#connectors/connector.ts'
import { checkTheirSide, mendedFields } from '#src/connections/mapping-release.ts'
import { markLinked } from '../memory/mark-store.ts'
import { takeLease } from '../memory/slot-store.ts'
import { syncActor } from './engine.ts'
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
  const described = new Map<string, readonly RemoteField[]>()
  for (const mapped of resting) {
    const { object } = mapped.mapping.document
    const fields = described.get(object) ?? (await connector.describe(object, signal))
    described.set(object, fields)
    await release(workspace, mapped, mended(mapped, fields, connection))
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

/** Those that nothing stands against any more, as if the mapping were published now. */
function mended(
  { mapping, resting }: MappedEntity,
  described: readonly RemoteField[],
  organisation: { readonly multiCurrency: boolean; readonly homeCurrency: string | null },
): MappedEntity['resting'] {
  const { document } = mapping
  const lines = new Set(resting.flatMap((field) => field.lines))
  const whole = { ...document, fields: [...document.fields, ...lines] }
  const names = resting.map(({ remoteField }) => remoteField)
  const back = mendedFields(names, whole, checkTheirSide(whole, described, organisation))
  return resting.filter(({ remoteField }) => back.includes(remoteField))
}
