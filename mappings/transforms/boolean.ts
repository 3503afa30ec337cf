import { z } from 'zod'
import type { RemoteValue } from '../../connectors/connector.ts'
import { remoteScalarSchema } from '../names.ts'
import { issueOf, type LineNames, show, type Transform } from './transform.ts'

/**
 * Yes or no; the two values may be the CRM's own, such as "Yes" and "No". A CRM that holds every value as text says "true"
 * and "false", which are read as what they say.
 */
export const booleanSchema = z
  .strictObject({
    kind: z.literal('boolean'),
    trueValue: remoteScalarSchema.optional(),
    falseValue: remoteScalarSchema.optional(),
  })
  .refine(({ trueValue = true, falseValue = false }) => trueValue !== falseValue, {
    message: 'yes and no need different values',
  })

export function bindBoolean(via: z.infer<typeof booleanSchema>, line: LineNames): Transform {
  const [field] = line.remote
  const { trueValue = true, falseValue = false } = via
  return {
    direction: 'both',
    localTypes: ['boolean'],
    remoteTypes: typeof trueValue === 'boolean' ? ['boolean'] : ['boolean', 'text', 'choice', 'number'],
    maxRemotes: 1,
    toRemote: (value) =>
      typeof value === 'boolean'
        ? { ok: true, fields: { [field]: value ? trueValue : falseValue } }
        : issueOf(line, 'wrong_type', `${show(value)} is neither yes nor no`),
    toLocal(remote) {
      const value = asBoolean(remote[field], [trueValue, falseValue])
      if (value === trueValue) return { ok: true, value: true }
      if (value === falseValue) return { ok: true, value: false }
      return issueOf(
        line,
        'no_counterpart',
        `the CRM holds ${show(value ?? null)}, neither ${show(trueValue)} nor ${show(falseValue)}`,
      )
    },
  }
}

/** Texts are left alone where the document names texts itself. */
function asBoolean(value: RemoteValue | undefined, stated: readonly RemoteValue[]): RemoteValue | undefined {
  if (stated.some((each) => typeof each === 'string')) return value
  return value === 'true' ? true : value === 'false' ? false : value
}
