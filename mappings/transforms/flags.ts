import { z } from 'zod'
import { remoteNameSchema, remoteScalarSchema } from '../names.ts'
import { issueOf, type LineNames, show, type Transform, wrong } from './transform.ts'

/**
 * One value of ours out of several fields of theirs: the first case that holds wins, `otherwise` stands when none does.
 * Comes in only. For example won and lost, which CRMs derive and keep read-only.
 */
export const flagsSchema = z.strictObject({
  kind: z.literal('flags'),
  cases: z
    .array(
      z.strictObject({
        remote: remoteNameSchema,
        equals: remoteScalarSchema,
        value: z.string().min(1).max(200),
      }),
    )
    .min(1)
    .max(50),
  otherwise: z.string().min(1).max(200).optional(),
})

export function bindFlags({ cases, otherwise }: z.infer<typeof flagsSchema>, line: LineNames): Transform {
  return {
    direction: 'in',
    localTypes: ['choice', 'text'],
    remoteTypes: ['text', 'number', 'boolean', 'date', 'datetime', 'choice', 'currency', 'reference'],
    maxRemotes: 10,
    readsBlank: true,
    toRemote: () => issueOf(line, 'one_way', 'the CRM derives this value, it cannot be sent'),
    toLocal(remote) {
      for (const { remote: field, equals, value } of cases) {
        const flag = remote[field] ?? null
        if (flag === equals) return { ok: true, value }
        if (flag !== null && flag !== '' && typeof flag !== typeof equals) {
          return issueOf(line, 'wrong_type', `the CRM's ${field} holds ${show(flag)}, not a ${typeof equals}`)
        }
      }
      return otherwise === undefined
        ? issueOf(line, 'no_counterpart', `no case fits the CRM's ${line.remote.join(', ')}`)
        : { ok: true, value: otherwise }
    },
    checkLocal(local) {
      const values = [...cases.map(({ value }) => value), ...(otherwise === undefined ? [] : [otherwise])]
      const unknown = values.filter((value) => local.choices && !local.choices.includes(value))
      const unread = cases.filter(({ remote }) => !line.remote.includes(remote))
      return [
        ...unknown.map((value) => wrong('unknown_choice', `${show(value)} is not a choice of ${local.name}`)),
        ...unread.map(({ remote }) =>
          wrong('unread_field', `a case asks for ${remote}, which is not among the line's remote fields`),
        ),
      ]
    },
  }
}
