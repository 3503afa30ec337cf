import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Priority } from '#src/kernel/events.ts'
import { newId } from '#src/kernel/ids.ts'
import { type MappedEntity, urlOf } from '../ground/workspace.ts'
import { logAttempts } from '../memory/attempt-store.ts'
import { insertLinks, type NewLink } from '../memory/link-store.ts'
import { markDirty, releaseChildren } from '../memory/mark-store.ts'
import { dealEntity } from '../records/intake.ts'
import type { TaskRun } from './task-run.ts'

/** A record of ours without a link, and the one over there that stands for it beyond doubt. */
export interface FoundPair {
  readonly recordId: string
  readonly remoteId: string
  readonly by: 'key' | 'domain' | 'name'
}

const words = { key: 'our key', domain: 'its domain', name: 'its name and country' } as const

/** Links pairs: from the next round on both sides are merged as any others, and what waited for them flows. */
export async function linkFound(
  tx: Tx,
  { workspace, task }: TaskRun,
  mapped: MappedEntity,
  pairs: readonly FoundPair[],
  priority: Priority,
): Promise<void> {
  if (pairs.length === 0) return
  const { connection, engine } = workspace
  const { object } = mapped.mapping.document
  const entity = mapped.name
  const connectionId = connection.id
  // A deal is locked before its link, as everywhere.
  await engine.linksChanged(
    tx,
    task.actor,
    pairs.map(({ recordId, remoteId }) => {
      const url = urlOf(workspace, object, remoteId)
      return { entity, recordId, connectionId, state: 'active' as const, remoteId, url }
    }),
  )
  await insertLinks(
    tx,
    connectionId,
    pairs.map(
      ({ recordId, remoteId, by }): NewLink => ({
        id: newId(),
        entity,
        recordId,
        object,
        remoteId,
        state: 'active',
        fields: {},
        keyWritten: by === 'key',
        writing: false,
      }),
    ),
  )
  await markDirty(
    tx,
    pairs.map(({ recordId }) => ({ connectionId, entity, recordId, priority })),
  )
  await releaseChildren(
    tx,
    connectionId,
    pairs.map(({ recordId }) => `${entity}:${recordId}`),
  )
  if (entity === dealEntity) {
    const remoteIds = pairs.map(({ remoteId }) => remoteId)
    await engine.mirror.forgetMirror(tx, connectionId, 'opportunity', remoteIds)
  }
  await logAttempts(
    tx,
    connectionId,
    pairs.map(({ recordId, remoteId, by }) => ({
      direction: 'in' as const,
      entity,
      recordId,
      remoteId,
      mappingVersionId: mapped.versionId,
      fields: [],
      outcome: 'linked',
      message: `It existed in the CRM before: found by ${words[by]}`,
    })),
  )
  await recordAudit(
    tx,
    task.actor,
    pairs.map(({ recordId, remoteId, by }) => ({
      action: 'sync.linked',
      subject: { kind: entity, id: recordId },
      before: { connectionId, remoteId: null },
      after: { connectionId, remoteId },
      reason: `Found by ${words[by]}`,
    })),
  )
}
