import { z } from 'zod'
import type { FailedCall, VendorAnswers } from '../wire/failed-call.ts'
import { faultOfErrors, type RemoteError, readErrors, tokenCode } from './faults.ts'

/** How the answers of Salesforce are to be read. */
export const salesforceAnswers: VendorAnswers = {
  name: 'Salesforce',
  changing: new Set(['write']),
  statedFault({ error, now, status }) {
    const errors = statedErrors(error)
    return errors.length === 0 ? null : faultOfErrors(errors, 'call', now, status ?? undefined)
  },
  untouchedCodes: new Set(['SERVER_UNAVAILABLE']),
  statuses: new Map([[420, 'lost']]),
  /** `Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=…` */
  usageOf(headers) {
    const stated = headers.get('sforce-limit-info') ?? ''
    const usage = /(?:^|[\s,;])api-usage=(\d+)\/(\d+)/.exec(stated)
    return usage && { used: Number(usage[1]), limit: Number(usage[2]) }
  },
}

const codedErrorSchema = z.object({
  errorCode: z.string(),
  message: z.string(),
  data: z.unknown().optional(),
})

/** jsforce throws the parsed error, an array of them in `data`, or (token endpoint) the code as the error's name. */
function statedErrors(error: FailedCall['error']): readonly RemoteError[] {
  if (!(error instanceof Error)) return []
  if (tokenCode.test(error.name) && !('errorCode' in error)) {
    return [{ code: error.name, message: error.message, fields: [], matches: [] }]
  }
  const coded = codedErrorSchema.safeParse(error)
  if (!coded.success || coded.data.errorCode.startsWith('ERROR_HTTP_')) return []
  if (coded.data.errorCode === 'MULTIPLE_CHOICES') {
    const addresses = z.array(z.string()).catch([]).parse(coded.data.data)
    const matches = addresses.flatMap((address) => address.split('/').at(-1) ?? [])
    return [{ code: 'MULTIPLE_CHOICES', message: coded.data.message, fields: [], matches }]
  }
  return readErrors(coded.data.data)
}
