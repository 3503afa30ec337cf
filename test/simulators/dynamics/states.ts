/** State and status reason: which pairs go together, and who may set which. */
import type { Draft } from './drafts.ts'
import { errors } from './errors.ts'
import type { Row, Scalar, TableSchema } from './schema.ts'

/** A status of the state: the given one, or the state's first. */
export function statusOf(schema: TableSchema, state: number, status: Scalar | undefined): number {
  const options = schema.attributes.get('statuscode')?.options ?? []
  if (status === undefined || status === null) {
    return options.find((option) => option.state === state)?.value ?? -1
  }
  if (options.some((option) => option.value === status && option.state === state)) return Number(status)
  throw errors.badStatus(status, state, schema.logicalName)
}

/**
 * Throws where an update by PATCH may not happen in the state that the opportunity has, or may not bring it into the state
 * that it names: won and lost come from their own messages, and what is closed is read-only until it is open again, unless
 * this organisation takes it less strictly.
 */
export function checkOpportunityState(draft: Draft, previous: Row, closedReadOnly: boolean): void {
  const current = Number(previous['statecode'])
  const wanted = draft.get('statecode')
  if (wanted === 1 || wanted === 2) throw errors.setStateNotAllowed(wanted === 1 ? 'Won' : 'Lost')
  if (current === 0) {
    const status = draft.get('statuscode')
    if (wanted === 0 && (status === undefined || status === previous['statuscode']))
      throw errors.alreadyOpen()
    return
  }
  const others = [...draft.keys()].filter((name) => name !== 'statecode' && name !== 'statuscode')
  if (closedReadOnly && (wanted !== 0 || others.length > 0)) throw errors.alreadyClosed()
}

/** Brings the pair of a written row into agreement, or throws. */
export function settleState(schema: TableSchema, row: Record<string, Scalar>, draft: Draft): void {
  if (!schema.attributes.has('statecode')) return
  const given = draft.get('statuscode')
  if (!draft.has('statecode') && given === undefined) return
  if (!draft.has('statecode')) {
    const option = schema.attributes.get('statuscode')?.options.find((each) => each.value === given)
    if (option?.state !== row['statecode'])
      throw errors.badStatus(given, row['statecode'], schema.logicalName)
    return
  }
  row['statuscode'] = statusOf(schema, Number(row['statecode']), given)
}
