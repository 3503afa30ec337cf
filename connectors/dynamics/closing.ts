/**
 * The one table of Dynamics that is closed by an action: an opportunity is won or lost by `WinOpportunity` and
 * `LoseOpportunity`, and re-opened by writing its state. People take a closed one for settled; the Web API itself does not
 * in every organisation refuse to write to it, so it is looked at first.
 */
import type { RemoteValue } from '../connector.ts'
import { ConnectorFault } from '../fault.ts'
import type { ClosedRecords } from './credentials.ts'

export const closingTable = 'opportunity'
/** Read before a write. */
export const standingFields = ['statecode', 'statuscode', 'actualvalue', 'actualclosedate'] as const

const states = { open: 0, won: 1, lost: 2 } as const
type ClosedState = 1 | 2
/** Status reasons that every organisation begins with. */
const usualStatus = { [states.open]: 1, [states.won]: 3, [states.lost]: 4 } as const

type Fields = Readonly<Record<string, RemoteValue>>

/** How an opportunity stands over there. */
export interface Standing {
  readonly state: number
  readonly status: number | null
  readonly actualValue: number | null
  readonly actualCloseDate: string | null
}

export function readStanding(fields: Fields): Standing {
  const { statecode: state, statuscode: status, actualvalue: value, actualclosedate: date } = fields
  return {
    state: typeof state === 'number' ? state : states.open,
    status: typeof status === 'number' ? status : null,
    actualValue: typeof value === 'number' ? value : null,
    actualCloseDate: typeof date === 'string' ? date : null,
  }
}

/** The steps of one write; more than one take effect together. */
export type Step =
  | { readonly kind: 'patch'; readonly fields: Fields }
  | {
      readonly kind: 'close'
      readonly action: 'WinOpportunity' | 'LoseOpportunity'
      readonly status: number
      readonly actualRevenue: number | null
      readonly actualEnd: string | null
    }

export type Closing =
  | { readonly ok: true; readonly steps: readonly Step[] }
  | { readonly ok: false; readonly fault: ConnectorFault }

/**
 * What writing `fields` takes. `standing` is null for an opportunity that is not there yet. No steps: it stands so already.
 */
export function planClosing(fields: Fields, standing: Standing | null, policy: ClosedRecords): Closing {
  const { statecode, ...others } = fields
  const wanted = statecode === undefined || statecode === null ? null : Number(statecode)
  if (wanted !== null && !isState(wanted))
    return refuse('NO_SUCH_STATE', `An opportunity has no state ${statecode}`)
  const now = standing?.state ?? states.open
  if (!isClosedState(now)) {
    if (wanted === null || wanted === states.open) return { ok: true, steps: [patch(others)] }
    const { statuscode, ...rest } = others
    const before = Object.keys(rest).length > 0 || standing === null ? [patch(rest)] : []
    return { ok: true, steps: [...before, closeAs(wanted, statuscode, rest)] }
  }
  const { statuscode, ...rest } = others
  const keepsState = wanted === null || wanted === now
  const keepsStatus = statuscode === undefined || Number(statuscode) === standing?.status
  if (keepsState && keepsStatus && Object.keys(rest).length === 0) return { ok: true, steps: [] }
  if (policy === 'leave') {
    const how = now === states.won ? 'won' : 'lost'
    return refuse(
      'CLOSED_THERE',
      `The opportunity was closed as ${how} in Dynamics and is left as it stands there`,
    )
  }
  const reopen = patch({ statecode: states.open, statuscode: openStatus(wanted, statuscode) })
  const middle = Object.keys(rest).length > 0 ? [patch(rest)] : []
  if (wanted === states.open) return { ok: true, steps: [reopen, ...middle] }
  const again =
    keepsState && standing
      ? {
          ...closeAs(now, statuscode ?? standing.status, rest),
          actualRevenue: amount(rest['actualvalue']) ?? standing.actualValue,
          actualEnd: text(rest['actualclosedate']) ?? standing.actualCloseDate,
        }
      : closeAs(wanted === states.lost ? states.lost : states.won, statuscode, rest)
  return { ok: true, steps: [reopen, ...middle, again] }
}

const patch = (fields: Fields): Step => ({ kind: 'patch', fields })

const isState = (state: number): boolean => state === states.open || isClosedState(state)
const isClosedState = (state: number): state is ClosedState => state === states.won || state === states.lost

const openStatus = (wanted: number | null, statuscode: RemoteValue | undefined): RemoteValue =>
  wanted === states.open && statuscode !== undefined && statuscode !== null
    ? statuscode
    : usualStatus[states.open]

function closeAs(
  state: number,
  statuscode: RemoteValue | undefined,
  fields: Fields,
): Step & { kind: 'close' } {
  const closed = state === states.lost ? states.lost : states.won
  return {
    kind: 'close',
    action: closed === states.won ? 'WinOpportunity' : 'LoseOpportunity',
    status: typeof statuscode === 'number' ? statuscode : usualStatus[closed],
    actualRevenue: amount(fields['actualvalue']),
    actualEnd: text(fields['actualclosedate']),
  }
}

const amount = (value: RemoteValue | undefined): number | null => (typeof value === 'number' ? value : null)
const text = (value: RemoteValue | undefined): string | null => (typeof value === 'string' ? value : null)

const refuse = (code: string, message: string): Closing => ({
  ok: false,
  fault: new ConnectorFault('rejected', message, {
    code,
    fields: code === 'NO_SUCH_STATE' ? ['statecode'] : [],
  }),
})
