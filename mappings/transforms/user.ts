import { z } from 'zod'
import { remoteNameSchema, remoteScalarSchema } from '../names.ts'
import { issueOf, type LineNames, show, type Transform, wrong } from './transform.ts'

/**
 * A person: an e-mail address on our side, the id of a user over there. Whom the CRM does not know, or keeps from
 * working, gives way to the default; that is said, and stops nothing.
 */
export const userSchema = z.strictObject({
  kind: z.literal('user'),
  /** The CRM's object that holds its people, and the field with their e-mail address. */
  object: remoteNameSchema,
  emailField: remoteNameSchema,
  /** What holds of people who may own records; null: of all of them. */
  active: z.strictObject({ field: remoteNameSchema, equals: remoteScalarSchema }).nullable(),
  /** A user's id over there; null: the field is left to the CRM. */
  default: z.string().min(1).max(100).nullable(),
})

export function bindUser(via: z.infer<typeof userSchema>, line: LineNames): Transform {
  const [field] = line.remote
  const { object, emailField, active } = via
  const notAsked = () => issueOf(line, 'not_looked_up', `people of the CRM are not looked up here`)
  return {
    direction: 'both',
    localTypes: ['text'],
    remoteTypes: ['reference', 'text'],
    maxRemotes: 1,
    people: { object, emailField, active },
    toRemote(value, { users }) {
      if (typeof value !== 'string') return issueOf(line, 'wrong_type', `${show(value)} is no e-mail address`)
      if (!users) return notAsked()
      const id = users.idOf(object, value)
      if (id !== null) return { ok: true, fields: { [field]: id } }
      const instead = via.default === null ? 'the CRM chooses somebody' : `${via.default} takes it`
      const { issue } = issueOf(
        line,
        'unknown_user',
        `nobody active in the CRM has ${show(value)}: ${instead}`,
      )
      return { ok: true, fields: via.default === null ? {} : { [field]: via.default }, warning: issue }
    },
    toLocal(remote, { users }) {
      if (!users) return notAsked()
      const id = remote[field]
      const email = typeof id === 'string' ? users.emailOf(object, id) : null
      return email === null
        ? issueOf(
            line,
            'no_counterpart',
            `the CRM's ${show(id ?? null)} is nobody whose e-mail address we know`,
          )
        : { ok: true, value: email }
    },
    checkRemote: ({ name, references }) =>
      references.length === 0 || references.includes(object)
        ? []
        : [wrong('wrong_object', `${name} names ${references.join(' or ')}, the mapping ${object}`)],
  }
}
