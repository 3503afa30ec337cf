import { z } from 'zod'
import { issueOf, type LineNames, show, type Transform, wrong } from './transform.ts'

/** Another synced record: our id on our side, the linked record's id over there. An unlinked one is waited for. */
export const referenceSchema = z.strictObject({
  kind: z.literal('reference'),
  entity: z.string().min(1).max(60),
})

export function bindReference({ entity }: z.infer<typeof referenceSchema>, line: LineNames): Transform {
  const [field] = line.remote
  return {
    direction: 'both',
    localTypes: ['reference'],
    remoteTypes: ['reference', 'text'],
    maxRemotes: 1,
    refersTo: entity,
    toRemote(value, ctx) {
      if (typeof value !== 'string') return issueOf(line, 'wrong_type', `${show(value)} is not an id`)
      const remoteId = ctx.toRemoteId(entity, value)
      if (remoteId === null) return { ok: false, waiting: { field: line.local, entity, id: value } }
      return remoteId === undefined
        ? issueOf(line, 'not_linked', `the ${entity} ${value} has no counterpart in the CRM`)
        : { ok: true, fields: { [field]: remoteId } }
    },
    toLocal(remote, ctx) {
      const remoteId = remote[field]
      const localId = typeof remoteId === 'string' ? ctx.toLocalId(entity, remoteId) : undefined
      return typeof localId === 'string'
        ? { ok: true, value: localId }
        : issueOf(line, 'not_linked', `the CRM's ${show(remoteId ?? null)} is no ${entity} of ours`)
    },
    checkLocal: (local) =>
      local.references === entity
        ? []
        : [
            wrong(
              'wrong_entity',
              `${local.name} names a ${local.references ?? 'record'}, the mapping a ${entity}`,
            ),
          ],
  }
}
