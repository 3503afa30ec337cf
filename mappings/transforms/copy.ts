import { z } from 'zod'
import { issueOf, type LineNames, show, type Transform } from './transform.ts'

/** The same value on both sides: text, a choice with the same codes, a check box. */
export const copySchema = z.strictObject({ kind: z.literal('copy') })

export const bindCopy = (line: LineNames): Transform => ({
  direction: 'both',
  localTypes: ['text', 'choice', 'boolean'],
  remoteTypes: ['text', 'choice', 'multichoice', 'boolean', 'reference'],
  maxRemotes: 1,
  toRemote: (value) =>
    typeof value === 'object'
      ? issueOf(line, 'wrong_type', `${show(value)} is an amount and cannot be copied as it is`)
      : { ok: true, fields: { [line.remote[0]]: value } },
  toLocal(remote) {
    const value = remote[line.remote[0]]
    return typeof value === 'string' || typeof value === 'boolean'
      ? { ok: true, value }
      : issueOf(
          line,
          'wrong_type',
          `the CRM holds ${show(value ?? null)}, which is neither text nor yes or no`,
        )
  },
})
