import type { ConnectorFault, FaultKind } from '#connectors/fault.ts'
import { Refused } from '#src/kernel/errors.ts'

const meanings: Readonly<Record<FaultKind, string>> = {
  throttled: 'The CRM takes no more calls at the moment',
  unavailable: 'The CRM does not answer',
  ambiguous: 'The CRM did not say whether the call took effect',
  unauthorised: 'The CRM refuses our credentials or our user',
  configuration: 'The CRM lacks an object or field, or hides it from our user',
  rejected: 'The CRM refused the call',
  duplicate: 'The CRM sees a duplicate',
  changed: 'The record in the CRM changed in the meantime',
  gone: 'The record is no longer in the CRM',
}

/** A fault in plain words, with what the CRM said. */
export const describeFault = ({ kind, message }: ConnectorFault): string => `${meanings[kind]}: ${message}`

/** For people who asked for something that only the CRM can answer. */
export const refusalOf = (fault: ConnectorFault): Refused =>
  new Refused(`crm_${fault.kind}`, describeFault(fault))
