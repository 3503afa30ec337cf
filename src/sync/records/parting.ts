import { syncActor } from '../ground/engine.ts'
import { updateLinks } from '../memory/link-store.ts'
import { settleMarks, stillCurrent } from '../memory/mark-store.ts'
import { assertLease } from '../memory/slot-store.ts'
import type { Item, Outgoing, Round } from './round.ts'
import { sendWrites } from './send.ts'

/**
 * The last word to records that deals moved away from: the mapping's `onMoved` values, written once. The link is retired
 * when they have arrived, or when there is nothing to say.
 */
export async function partRecords(round: Round, items: readonly Item[]): Promise<void> {
  const { workspace, mapped, lease } = round
  const { engine, connection } = workspace
  const { object, fixed } = mapped.mapping.document
  const resting = new Set(mapped.resting.map(({ remoteField }) => remoteField))
  const fields = Object.fromEntries(
    Object.entries(fixed.onMoved ?? {}).filter(([name]) => !resting.has(name)),
  )
  const leaving = items.flatMap(({ mark, link }): Outgoing[] =>
    link?.state === 'moving' && link.remoteId !== null
      ? [
          {
            mark,
            recordId: mark.recordId,
            linkId: link.id,
            remoteId: link.remoteId,
            creating: false,
            parting: true,
            command: { object, target: { kind: 'id', id: link.remoteId }, fields },
            lines: [],
            sentAt: '',
            memory: {},
          },
        ]
      : [],
  )
  if (leaving.length === 0) return
  const isMute = Object.keys(fields).length === 0
  const current = await engine.database.transact(syncActor, async (tx) => {
    await assertLease(tx, lease)
    const marks = leaving.map(({ mark }) => mark)
    const current = await stillCurrent(tx, connection.id, mapped.name, marks)
    const going = leaving.filter(({ recordId }) => current.has(recordId))
    await updateLinks(
      tx,
      going.map(({ linkId }) => ({
        id: linkId,
        ...(isMute ? { state: 'retired' as const } : { writing: 'begins' as const }),
      })),
    )
    if (isMute) {
      await settleMarks(
        tx,
        connection.id,
        mapped.name,
        going.map(({ mark }) => mark),
      )
    }
    return going
  })
  if (!isMute) await sendWrites(round, current)
}
