import type { VendorAnswers } from '../wire/failed-call.ts'
import { faultOfError, readError } from './faults.ts'

/** How the answers of Dataverse are to be read. */
export const dynamicsAnswers: VendorAnswers = {
  name: 'Dataverse',
  changing: new Set(['write', 'setup']),
  statedFault({ status, text, retryAfter, now }) {
    if (status === null || status < 400 || text === null) return null
    const stated = readError(text)
    return stated && faultOfError(stated, { subject: { kind: 'call' }, status, retryAfter, now })
  },
  statuses: new Map([[412, 'changed']]),
}
