import { z } from 'zod'
import {
  divideDecimals,
  exactNumber,
  multiplyDecimals,
  readDecimal,
  roundDecimal,
  shortestText,
} from '../decimal.ts'
import { issueOf, type LineNames, show, type Transform, wrong } from './transform.ts'

/** How a CRM wants a number in JSON. */
export const numberFormSchema = z.enum(['number', 'text']).optional()

/**
 * A number, exact. `scale`: decimal places of our value, rounded half to even. `factor`: theirs = ours x factor, for
 * example 100 where they hold per cent and we hold a share.
 */
export const numberSchema = z.strictObject({
  kind: z.literal('number'),
  scale: z.int().min(0).max(12),
  factor: z
    .string()
    .regex(/^(?=.*[1-9])\d{1,9}(\.\d{1,9})?$/, 'a decimal above zero')
    .optional(),
  as: numberFormSchema,
})

const one = { units: 1n, places: 0 }

export function bindNumber(via: z.infer<typeof numberSchema>, line: LineNames): Transform {
  const [field] = line.remote
  const factor = readDecimal(via.factor ?? '1') ?? one
  return {
    direction: 'both',
    localTypes: ['number'],
    remoteTypes: via.as === 'text' ? ['number', 'currency', 'text'] : ['number', 'currency'],
    maxRemotes: 1,
    toRemote(value) {
      const ours = typeof value === 'string' ? readDecimal(value) : null
      if (!ours) return issueOf(line, 'not_a_number', `${show(value)} is not a number`)
      const theirs = multiplyDecimals(roundDecimal(ours, via.scale), factor)
      const sent = via.as === 'text' ? shortestText(theirs) : exactNumber(theirs)
      return sent === null
        ? issueOf(line, 'too_precise', `${show(value)} has more digits than a JSON number can carry`)
        : { ok: true, fields: { [field]: sent } }
    },
    toLocal(remote) {
      const value = remote[field] ?? null
      const theirs = readDecimal(value)
      return theirs
        ? { ok: true, value: shortestText(divideDecimals(theirs, factor, via.scale)) }
        : issueOf(line, 'not_a_number', `the CRM holds ${show(value)}, which is not a number`)
    },
    checkRemote(described, flows) {
      const places = via.scale + factor.places
      return flows.out && described.scale !== null && described.scale < places
        ? [
            wrong(
              'too_precise',
              `${field} keeps ${described.scale} decimal places, the mapping would send ${places}`,
            ),
          ]
        : []
    },
  }
}
